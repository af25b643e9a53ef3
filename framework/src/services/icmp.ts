/** services/icmp.ts — sending ICMP errors about a packet (cf. Linux net/ipv4/icmp.c). */
import type { SkBuff } from '../skbuff.ts';
import { type Token, token } from '../token.ts';

export interface IcmpSend {
  /**
   * Sends an error about `skb`, unless the rules of RFC 1122 §3.2.2 forbid it or the rate limits do. The packet stays
   * the caller's.
   * @param info the word behind the checksum: gateway of a redirect, MTU of frag needed, pointer << 24
   */
  icmpSend(skb: SkBuff, type: number, code: number, info: number): void;
}

export const IcmpSend: Token<IcmpSend> = token<IcmpSend>('IcmpSend');
