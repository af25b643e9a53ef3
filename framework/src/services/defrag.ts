/** services/defrag.ts — putting fragments together before a packet is for this router (cf. Linux include/net/ip.h ip_defrag). */
import type { SkBuff } from '../skbuff.ts';
import { type Token, token } from '../token.ts';

/** Who puts together: fragments of one packet that different users take do not meet. */
export const IP_DEFRAG_LOCAL_DELIVER = 0;
export const IP_DEFRAG_CALL_RA_CHAIN = 1;
/** Connection tracking, on the way in, out, and on a bridge; the zone (0 … 65535) is added. */
export const IP_DEFRAG_CONNTRACK_IN = 2;
export const IP_DEFRAG_CONNTRACK_OUT: number = IP_DEFRAG_CONNTRACK_IN + 0x10000;
export const IP_DEFRAG_CONNTRACK_BRIDGE_IN: number = IP_DEFRAG_CONNTRACK_OUT + 0x10000;

export interface Defrag {
  /**
   * Takes a fragment, its data at the IP header, for `user` (IP_DEFRAG_*). 0: it has become the whole packet, and leaves
   * this router in the same pieces. Else it is gone; the hook that called returns NF_STOLEN.
   */
  defrag(skb: SkBuff, user: number): number;
}

export const Defrag: Token<Defrag> = token<Defrag>('Defrag');
