/**
 * icmp-ratelimit.ts — how many ICMP messages this router sends (RFC 1812 §4.3.2.8; cf. Linux net/ipv4/icmp.c). Two buckets
 * for the types in icmp_ratemask: one for all hosts together, then one for each host.
 */
import {
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  ICMP_MIB_RATELIMITGLOBAL,
  ICMP_MIB_RATELIMITHOST,
  IFF_LOOPBACK,
  NR_ICMP_TYPES,
  type Rtable,
} from '@packetwalk/framework';
import type { Ipv4 } from './ipv4.ts';

/** The common bucket is filled up at most this often, in ms, and with at most what this long yields. */
const REFILL_MIN = 20;
const REFILL_MAX = 1000;
/** One message takes 0 … 2 credits, so that others cannot count how many were sent (a side channel otherwise). */
const CREDITS_PER_MESSAGE = 3;

export class IcmpRateLimit {
  private readonly ipv4: Ipv4;
  private credit = 0;
  /** Jiffies of the last refill. */
  private stamp = Number.NEGATIVE_INFINITY;

  constructor(ipv4: Ipv4) {
    this.ipv4 = ipv4;
  }

  /** True of messages that are never limited: path MTU discovery, and types outside icmp_ratemask. */
  unlimited(type: number, code: number): boolean {
    if (type > NR_ICMP_TYPES || (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED)) return true;
    return ((1 << type) & this.ipv4.icmpRatemask) === 0;
  }

  /** Asks the common bucket; a refusal is counted (icmp_global_allow). */
  globalAllow(): boolean {
    if (this.credit > 0) return true;
    const { ipv4 } = this;
    const { jiffies } = ipv4.net.softirq;
    const elapsed = Math.min(jiffies - this.stamp, REFILL_MAX);
    const gain = elapsed < REFILL_MIN ? 0 : Math.floor((ipv4.icmpMsgsPerSec * elapsed) / 1000);
    if (gain === 0) {
      ipv4.net.icmpMib[ICMP_MIB_RATELIMITGLOBAL]++;
      return false;
    }
    this.stamp = jiffies;
    this.credit = Math.min(this.credit + gain, ipv4.icmpMsgsBurst);
    return true;
  }

  /** Asks the bucket of the host, and takes from the common one when it says yes (icmpv4_xrlim_allow). */
  hostAllow(rt: Rtable, daddr: number): boolean {
    const { ipv4 } = this;
    const { softirq } = ipv4.net;
    if ((rt.dev.flags & IFF_LOOPBACK) === 0 && !ipv4.peers.get(daddr).allow(softirq.jiffies, ipv4.icmpRatelimit)) {
      ipv4.net.icmpMib[ICMP_MIB_RATELIMITHOST]++;
      return false;
    }
    this.credit -= softirq.random.below(CREDITS_PER_MESSAGE);
    return true;
  }
}
