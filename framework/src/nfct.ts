/**
 * nfct.ts — a packet's hold on its connection (cf. Linux include/linux/skbuff.h nf_reset_ct, net/netfilter/core.c
 * nf_ct_attach). Without a connection each of these costs one test.
 */
import type { Nfct } from './services/conntrack.ts';
import type { SkBuff } from './skbuff.ts';

/** The packet, which has no connection, becomes part of one (nf_ct_set with nf_conntrack_get). */
export function nfCtSet(skb: SkBuff, nfct: Nfct, nfctinfo: number): void {
  nfct.use++;
  skb.nfct = nfct;
  skb.nfctinfo = nfctinfo;
}

/** The packet is no part of its connection any more; whoever lets go last gives it back to the tracker (nf_reset_ct). */
export function nfResetCt(skb: SkBuff): void {
  const { nfct } = skb;
  skb.nfctinfo = 0;
  if (nfct === null) return;
  skb.nfct = null;
  if (--nfct.use === 0) skb.net.conntrack?.destroy(nfct);
}

/** A packet made because of `cause` (an ICMP error, a reset) belongs to its connection, if it has one (nf_ct_attach). */
export function nfCtAttach(made: SkBuff, cause: SkBuff): void {
  if (cause.nfct !== null) made.net.conntrack?.attach(made, cause);
}
