/**
 * ip-ident.ts — identification of packets made here (RFC 6864; cf. Linux net/ipv4/route.c __ip_select_ident). Counters
 * are kept for groups of (source, destination, protocol), so that one host does not see how many packets others get.
 */
import type { Net } from '@packetwalk/framework';

const BUCKETS = 2048;

export class IpIdents {
  private readonly net: Net;
  private readonly counters = new Uint16Array(BUCKETS);
  private readonly used = new Float64Array(BUCKETS);
  private readonly key: number;

  constructor(net: Net) {
    this.net = net;
    const { random } = net.softirq;
    this.key = random.int32();
    for (let i = 0; i < BUCKETS; i++) this.counters[i] = random.int32();
  }

  /** The next identification for packets of this kind: 0 … 65535. */
  next(saddr: number, daddr: number, protocol: number): number {
    const { random, jiffies } = this.net.softirq;
    let h = Math.imul(daddr ^ this.key, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15) ^ saddr, 0x85ebca6b) ^ protocol;
    const bucket = ((h >>> 16) ^ h) & (BUCKETS - 1);
    // It jumps by as much as ticks have passed, so that the counter does not tell how many packets were sent.
    const ticks = Math.min(Math.max(jiffies - this.used[bucket], 0), 0xffff);
    this.used[bucket] = jiffies;
    this.counters[bucket] += 1 + (ticks >= 1 ? random.below(ticks) : 0);
    return this.counters[bucket];
  }
}
