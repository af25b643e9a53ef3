/** services/ip-output.ts — sending IPv4 packets made here (cf. Linux net/ipv4/ip_output.c). */
import type { SkBuff } from '../skbuff.ts';
import { type Token, token } from '../token.ts';
import type { Rtable } from './routing.ts';

export interface IpHeaderInit {
  readonly saddr: number;
  readonly daddr: number;
  readonly protocol: number;
  readonly tos?: number;
  /** net.ipv4.ip_default_ttl unless told. */
  readonly ttl?: number;
  /** Do not fragment. */
  readonly df?: boolean;
  /** An identification even with `df`, as tunnels write one: somebody may clear DF. */
  readonly ident?: boolean;
}

export interface IpOutput {
  /** Puts an IPv4 header in front of the payload at `skb.data` and sends it by `rt` (ip_build_and_send_pkt). */
  buildAndSend(skb: SkBuff, rt: Rtable, header: IpHeaderInit): number;
  /** TTL of packets made here by this route (ip4_dst_hoplimit). */
  ttl(rt: Rtable): number;
  /** The next identification for packets of this kind made here (ip_select_ident). */
  ident(saddr: number, daddr: number, protocol: number): number;
  /** Sends a complete packet that a transform made, which has met its policies already (__ip_local_out). */
  localOutAgain(skb: SkBuff): number;
  /** Sends a complete IPv4 packet whose `skb.dst` is set: total length and checksum are filled in, then LOCAL_OUT. */
  localOut(skb: SkBuff): number;
}

export const IpOutput: Token<IpOutput> = token<IpOutput>('IpOutput');
