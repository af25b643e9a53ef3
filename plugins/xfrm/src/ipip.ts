/**
 * ipip.ts — IPv4 in IPv4 as a transform that adds nothing: what a tunnel of IPComp makes of packets that are too short to be
 * compressed (RFC 3173 §2.2; cf. Linux net/ipv4/xfrm4_tunnel.c).
 */
import { IP_HLEN, IPPROTO_IPIP, type SkBuff } from '@packetwalk/framework';
import { XFRM_DROP_IN_MODE } from './xfrm-drop.ts';
import type { XfrmType } from './xfrm-type.ts';

export class Ipip implements XfrmType {
  readonly protocol: number = IPPROTO_IPIP;
  readonly headerLen = 0;
  readonly trailerLen = 0;

  payloadFor(room: number): number {
    return room;
  }

  /** No policy asks for it: IPComp sends such packets itself. */
  output(): number {
    return -XFRM_DROP_IN_MODE;
  }

  input(skb: SkBuff): number {
    return skb.len < IP_HLEN ? -XFRM_DROP_IN_MODE : IPPROTO_IPIP;
  }

  destroy(): void {}
}
