/** xfrm-type.ts — what a transform protocol does to a packet, in place: ESP, AH, IPComp (cf. Linux struct xfrm_type). */
import type { SkBuff } from '@packetwalk/framework';

export interface XfrmType {
  /** IPPROTO_ESP, IPPROTO_AH, IPPROTO_COMP. */
  readonly protocol: number;
  /** Octets in front of the payload. */
  readonly headerLen: number;
  /** Most octets behind it. */
  readonly trailerLen: number;
  /** Longest payload that fits `room` octets behind the header. */
  payloadFor(room: number): number;
  /**
   * Protects the payload [skb.data, end). The IP header, its protocol the payload's, lies `headerLen` octets in front of it at
   * skb.networkHeader and is `ihl` long. Afterwards skb.data is there. 0, or a drop reason as a negative number.
   * @param room octets that a packet of the path MTU has for payload and trailer
   */
  output(skb: SkBuff, ihl: number, spi: number, seq: number, seqHi: number, room: number): number;
  /**
   * Takes the protection off: skb.data is at the header and afterwards at the payload. The payload's protocol, or a drop reason
   * as a negative number. The packet's bytes are its own.
   */
  input(skb: SkBuff, seqHi: number): number;
  /** Clears what is known of the keys. */
  destroy(): void;
}
