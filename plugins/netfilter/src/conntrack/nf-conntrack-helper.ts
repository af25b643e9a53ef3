/** nf-conntrack-helper.ts — reads along with a protocol that announces other connections (cf. Linux net/netfilter/nf_conntrack_helper.c). */
import type { SkBuff } from '@packetwalk/framework';
import type { NfConn } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';

export interface Helper {
  /** As `CT --helper` has it. */
  readonly name: string;
  /** IP protocol and port of the service. */
  readonly protocol: number;
  readonly port: number;
  /** Connections that may be expected because of one at a time, and how long, ms. */
  readonly maxExpected: number;
  readonly timeout: number;
  /**
   * Looks at a packet on its way out, its transport header at `th`. NF_ACCEPT, or NF_DROP when what it announces cannot be
   * followed. It may change the packet.
   */
  help(nct: NfConntrack, skb: SkBuff, ct: NfConn, dir: number, th: number): number;
}

/** A packet was refused by a helper: said in walks, and to the log for a while. */
export function helperDrops(nct: NfConntrack, skb: SkBuff, helper: string, why: string): void {
  if (skb.trace !== 0) skb.net.tracer.stage(skb, 'nfConntrackHelper', `${helper}: ${why}`);
  if (nct.logLimit.allows(nct.net.softirq.jiffies)) nct.log.warn(`nf_ct_${helper}: dropping packet: ${why}`);
}
