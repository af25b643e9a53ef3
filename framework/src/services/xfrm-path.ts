/** services/xfrm-path.ts — the IPsec transforms that a packet has come through, and those that it will go through. */
import type { SkBuff } from '../skbuff.ts';
import { type Token, token } from '../token.ts';

/** What others may know of a transform. Addresses are int32. */
export interface XfrmTransform {
  readonly spi: number;
  readonly reqid: number;
  /** IPPROTO_ESP, IPPROTO_AH or IPPROTO_COMP. */
  readonly protocol: number;
  readonly mode: 'transport' | 'tunnel';
  readonly saddr: number;
  readonly daddr: number;
}

export interface XfrmPath {
  /** Innermost last: the order in which they were undone (skb_sec_path). */
  received(skb: SkBuff): readonly XfrmTransform[];
  /** In the order in which they will be done: those of the chain of `skb.dst`. */
  toCome(skb: SkBuff): readonly XfrmTransform[];
}

export const XfrmPath: Token<XfrmPath> = token<XfrmPath>('XfrmPath');
