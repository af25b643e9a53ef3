/**
 * services/conntrack.ts — what others ask of connection tracking (cf. Linux include/net/netfilter/nf_conntrack.h). A
 * packet's connection is `skb.nfct`, and its part in it `skb.nfctinfo`; what an entry looks like is the tracker's affair.
 */
import type { SkBuff } from '../skbuff.ts';
import { type Token, token } from '../token.ts';

/** Values of `skb.nfctinfo` (ip_conntrack_info); those for the reply direction are above. */
export const IP_CT_ESTABLISHED = 0;
export const IP_CT_RELATED = 1;
export const IP_CT_NEW = 2;
export const IP_CT_IS_REPLY = 3;
export const IP_CT_ESTABLISHED_REPLY = 3;
export const IP_CT_RELATED_REPLY = 4;
/** With `nfct` null: the packet is not to be tracked. */
export const IP_CT_UNTRACKED = 7;

export interface Conntrack {
  /** A packet that was made because of `cause` belongs to its connection, as RELATED (nf_ct_attach). */
  attach(made: SkBuff, cause: SkBuff): void;
  /** The connection of `skb` ends by a reset made here (nf_ct_set_closing). */
  setClosing(skb: SkBuff): void;
}

export const Conntrack: Token<Conntrack> = token<Conntrack>('Conntrack');
