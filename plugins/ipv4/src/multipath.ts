/** multipath.ts — which of several next hops a flow takes (cf. Linux net/ipv4/route.c fib_multipath_hash, fib_select_multipath). */
import type { Flow } from '@packetwalk/framework';
import { type FibInfo, RTNH_F_DEAD, RTNH_F_LINKDOWN } from './fib-info.ts';
import type { FibResult } from './fib-table.ts';

/** Mixes words into 31 bits; a flow hashes to the same number as long as `seed` is the same. */
function mix(seed: number, a: number, b: number, c: number): number {
  let h = seed ^ Math.imul(a, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ Math.imul(b, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f) ^ Math.imul(c, 0x165667b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) & 0x7fffffff;
}

/**
 * Hash of a flow: addresses only (policy 0), or with protocol and ports (policy 1) (fib_multipath_hash_policy).
 * @returns 0 … 2^31−1
 */
export function multipathHash(flow: Flow, policy: number, seed: number): number {
  if (policy === 1) return mix(seed ^ flow.protocol, flow.saddr, flow.daddr, (flow.sport << 16) | flow.dport);
  return mix(seed, flow.saddr, flow.daddr, 0);
}

/** Takes the next hop whose share of the hash space holds `hash`. */
export function selectMultipath(res: FibResult, fi: FibInfo, hash: number): void {
  const { nhs } = fi;
  for (let i = 0; i < nhs.length; i++) {
    const nh = nhs[i];
    if ((nh.flags & RTNH_F_DEAD) !== 0) continue;
    if ((nh.flags & RTNH_F_LINKDOWN) !== 0 && (nh.dev?.inDev?.cnf.ignoreRoutesWithLinkdown ?? 0) !== 0) continue;
    if (hash > nh.upperBound) continue;
    res.nh = nh;
    return;
  }
}
