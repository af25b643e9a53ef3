/**
 * raw.ts — raw sockets: whoever wants whole packets of a protocol, besides its handler (cf. Linux net/ipv4/raw.c).
 */
import type { SkBuff } from '@packetwalk/framework';
import type { Ipv4 } from './ipv4.ts';

/** A listener on one protocol. The packet is valid during the call only, and is not the listener's to free. */
export interface RawListener {
  readonly protocol: number;
  /** Local address that packets must be for; 0: any. */
  readonly address: number;
  /** `skb.data` is at the transport header. */
  receive(skb: SkBuff): void;
  /** An ICMP error about a packet of this protocol; `skb.data` is at the quoted IP header. */
  error?(skb: SkBuff, type: number, code: number, info: number): void;
}

export function rawLocalDeliver(_ipv4: Ipv4, _skb: SkBuff, _protocol: number): boolean {
  return false;
}
export function rawIcmpError(_ipv4: Ipv4, _skb: SkBuff, _protocol: number, _type: number, _code: number, _info: number): void {}
export function ipCallRaChain(_skb: SkBuff): boolean {
  return false;
}
