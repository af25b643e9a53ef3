/** services/inet-protocol.ts — who gets packets for this router, by IP protocol number (cf. Linux include/net/protocol.h). */
import type { SkBuff } from '../skbuff.ts';
import { type Token, token } from '../token.ts';

/** What a handler of a shared protocol says of a packet that is not its own: the packet is as it was. */
export const INET_NOT_MINE = 1;

export interface InetProtocol {
  readonly protocol: number;
  /**
   * Takes a packet delivered here; `skb.data` is at the transport header. Returns 0 when the packet was taken, or
   * -N to have it handled again as protocol N (a transform took its header off).
   */
  handler(skb: SkBuff): number;
  /** An ICMP error quotes a packet of this protocol; `skb.data` is at the quoted IP header. */
  errHandler?(skb: SkBuff, type: number, code: number, info: number): void;
  /** Packets need no policy check before the handler: it makes its own. */
  readonly noPolicy?: boolean;
  /**
   * Others may take packets of this protocol too (tunnel4_rcv): the lowest is asked first, and the next one when it returns
   * INET_NOT_MINE. What none of them takes is answered by port unreachable. They make their policy checks themselves.
   */
  readonly sharedPriority?: number;
}

export interface InetProtocols {
  /** Registers a handler; throws when the number is taken and either does not share it. Returns the undo. */
  add(protocol: InetProtocol): () => void;
}

export const InetProtocols: Token<InetProtocols> = token<InetProtocols>('InetProtocols');
