/**
 * services/conntrack.ts — what others see of connection tracking (cf. Linux include/net/netfilter/nf_conntrack.h). A packet's
 * connection is `skb.nfct`, and its part in it `skb.nfctinfo`.
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

/** Directions: that of the first packet, and the other one. */
export const IP_CT_DIR_ORIGINAL = 0;
export const IP_CT_DIR_REPLY = 1;

/** Bits of a connection's status (ip_conntrack_status). */
export const IPS_EXPECTED: number = 1 << 0;
export const IPS_SEEN_REPLY: number = 1 << 1;
/** Never evicted early: traffic was seen both ways, as the protocol wants it. */
export const IPS_ASSURED: number = 1 << 2;
/** It is in the table: its first packet has left, or was delivered. */
export const IPS_CONFIRMED: number = 1 << 3;
export const IPS_SRC_NAT: number = 1 << 4;
export const IPS_DST_NAT: number = 1 << 5;
export const IPS_SEQ_ADJUST: number = 1 << 6;
export const IPS_SRC_NAT_DONE: number = 1 << 7;
export const IPS_DST_NAT_DONE: number = 1 << 8;
export const IPS_DYING: number = 1 << 9;
export const IPS_FIXED_TIMEOUT: number = 1 << 10;
/** Not a connection: what the CT target wants of the one that the packet will belong to. */
export const IPS_TEMPLATE: number = 1 << 11;
export const IPS_NAT_CLASH: number = 1 << 12;
export const IPS_HELPER: number = 1 << 13;

/** What `skb.nfct` points at. Packets wait in queues, so it counts who holds it; at 0 it goes back to the tracker. */
export interface Nfct {
  use: number;
}

/** A connection. Addresses are int32; `dir` is IP_CT_DIR_*. */
export interface Connection extends Nfct {
  /** IP protocol. */
  readonly protocol: number;
  /** IPS_* */
  readonly status: number;
  mark: number;
  /** The ends as packets of a direction have them when they come in, before they are translated. */
  saddr(dir: number): number;
  daddr(dir: number): number;
  sport(dir: number): number;
  dport(dir: number): number;
}

export interface Conntrack {
  /** The connection of a packet, or null. */
  connection(skb: SkBuff): Connection | null;
  /** A packet that was made because of `cause` belongs to its connection, as RELATED (nf_ct_attach). */
  attach(made: SkBuff, cause: SkBuff): void;
  /** The connection of `skb` ends by a reset made here (nf_ct_set_closing). */
  setClosing(skb: SkBuff): void;
  /**
   * Somebody needs connections: packets are tracked from the first user on, until the last one has gone
   * (nf_ct_netns_get). Returns the undo.
   */
  require(): () => void;
  /** Nobody holds it any more (nf_ct_destroy). */
  destroy(nfct: Nfct): void;
}

export const Conntrack: Token<Conntrack> = token<Conntrack>('Conntrack');
