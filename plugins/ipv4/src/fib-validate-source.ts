/**
 * fib-validate-source.ts — may a packet come from there? Strict and loose reverse path filters, and addresses of our own
 * (RFC 3704; cf. Linux net/ipv4/fib_frontend.c fib_validate_source).
 */
import {
  type Flow,
  IFF_LOOPBACK,
  type NetDevice,
  RT_SCOPE_HOST,
  RT_SCOPE_UNIVERSE,
  RTN_LOCAL,
  RTN_UNICAST,
  SKB_DROP_REASON_IP_INVALID_SOURCE,
  SKB_DROP_REASON_IP_LOCAL_SOURCE,
  SKB_DROP_REASON_IP_RPFILTER,
  type SkBuff,
} from '@packetwalk/framework';
import type { Devinet } from './devinet.ts';
import type { Fib } from './fib.ts';
import type { FibInfo, FibNh } from './fib-info.ts';
import { FIB_LOOKUP_IGNORE_LINKSTATE, FibResult } from './fib-table.ts';
import { newFlow } from './route-flow.ts';

/** The sender is on the link itself, not behind a gateway. */
export const SOURCE_ONLINK = -1;

export class SourceValidator {
  private readonly fib: Fib;
  private readonly inet: Devinet;
  private readonly reverse: Flow = newFlow();
  private readonly reverseRes = new FibResult();

  constructor(fib: Fib, inet: Devinet) {
    this.fib = fib;
    this.inet = inet;
  }

  /**
   * A packet from `saddr` has come in by `dev`: a drop reason above 0, or 0 for a good one, or SOURCE_ONLINK.
   * @param oif ifindex it would leave by, 0 when it is for this router
   */
  validate(skb: SkBuff, saddr: number, daddr: number, tos: number, oif: number, dev: NetDevice): number {
    const { inDev } = dev;
    if (inDev === null) return SKB_DROP_REASON_IP_INVALID_SOURCE;
    const { cnf } = inDev;
    const { all } = this.inet;
    const rpFilter = skb.secPath !== null ? 0 : Math.max(cnf.rpFilter, all.rpFilter);
    // Without a reverse path filter, and unless a redirect may come of it, all that matters is that it is not one of ours.
    if (rpFilter === 0 && (dev.ifindex !== oif || (cnf.sendRedirects | all.sendRedirects) === 0)) {
      if ((cnf.acceptLocal | all.acceptLocal) !== 0) return 0;
      // Somebody's own rules and local routes may have another opinion of what is ours: those are asked below.
      if (!this.fib.rules.custom && !this.fib.customLocal) return this.inet.isLocal(saddr) ? SKB_DROP_REASON_IP_LOCAL_SOURCE : 0;
    }
    const { reverse, reverseRes } = this;
    reverse.daddr = saddr;
    reverse.saddr = daddr;
    reverse.tos = tos;
    reverse.iif = oif === 0 ? this.fib.loopbackIndex() : oif;
    reverse.oif = 0;
    reverse.mark = (cnf.srcValidMark | all.srcValidMark) !== 0 ? skb.mark : 0;
    reverse.scope = RT_SCOPE_UNIVERSE;
    if (this.fib.lookup(reverse, reverseRes) === 0) {
      if (reverseRes.type !== RTN_UNICAST) {
        if (reverseRes.type !== RTN_LOCAL) return SKB_DROP_REASON_IP_INVALID_SOURCE;
        if ((cnf.acceptLocal | all.acceptLocal) === 0) return SKB_DROP_REASON_IP_LOCAL_SOURCE;
      }
      const fi = reverseRes.fi as FibInfo;
      const matches = fi.nhs.some((nh) => nh.dev === dev) || (reverseRes.type === RTN_LOCAL && (dev.flags & IFF_LOOPBACK) !== 0);
      if (matches) return onlink(reverseRes.nh);
      if (inDev.ifaList.length !== 0) {
        if (rpFilter === 1) return SKB_DROP_REASON_IP_RPFILTER;
        reverse.oif = dev.ifindex;
        const found = this.fib.lookup(reverse, reverseRes, FIB_LOOKUP_IGNORE_LINKSTATE) === 0 && reverseRes.type === RTN_UNICAST;
        return found ? onlink(reverseRes.nh) : 0;
      }
    }
    return rpFilter !== 0 ? SKB_DROP_REASON_IP_RPFILTER : 0;
  }

  /** An address is on the link of `dev` itself, not behind a gateway. */
  onlink(address: number, dev: NetDevice): boolean {
    const flow = { ...newFlow(), daddr: address, iif: this.fib.loopbackIndex(), oif: dev.ifindex };
    return this.fib.lookup(flow, this.reverseRes) === 0 && onlink(this.reverseRes.nh) === SOURCE_ONLINK;
  }
}

function onlink(nh: FibNh | null): number {
  return nh !== null && nh.scope >= RT_SCOPE_HOST ? SOURCE_ONLINK : 0;
}
