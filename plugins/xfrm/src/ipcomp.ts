/**
 * ipcomp.ts — IP Payload Compression with deflate (RFC 3173, RFC 2394; cf. Linux net/xfrm/xfrm_ipcomp.c).
 *
 *      +---------------+---------------+-------------------------------+
 *      |  next header  |    flags 0    |  CPI: the SPI's lower 16 bits |
 *      +---------------+---------------+-------------------------------+
 */
import { IP_PROTOCOL, IPPROTO_COMP, type SkBuff, skbEnsureTailroom } from '@packetwalk/framework';
import { deflateRaw, inflateRaw } from '@packetwalk/framework/crypto';
import { XFRM_DROP_IPCOMP_DATA, XFRM_DROP_IPCOMP_LENGTH } from './xfrm-drop.ts';
import type { XfrmType } from './xfrm-type.ts';

const IPCOMP_HLEN = 4;
const IPCOMP_CPI = 2;
/** Shorter payloads go as they are (RFC 2394 §3.2; the kernel's table says 90 octets). */
const THRESHOLD = 90;
/** A payload decompresses to at most as much (IPCOMP_SCRATCH_SIZE). */
const SCRATCH = 65400;

export class Ipcomp implements XfrmType {
  readonly protocol: number = IPPROTO_COMP;
  /** Whether it has a header turns out with the payload. */
  readonly headerLen = 0;
  readonly trailerLen = 0;

  /** Longest payload that fits `room` octets: compressed or not, none gets longer. */
  payloadFor(room: number): number {
    return room;
  }

  /**
   * Compresses the payload [skb.data, end). The IP header lies right in front of it at skb.networkHeader: whether the packet
   * has a header of IPComp turns out here. A payload that would not get shorter goes as it is.
   */
  output(skb: SkBuff, ihl: number, spi: number): number {
    const ip = skb.networkHeader;
    const payload = skb.data;
    const { len } = skb;
    let packed: Uint8Array | null = null;
    if (len >= THRESHOLD) packed = deflateRaw(skb.head.buf.subarray(payload, payload + len));
    if (packed !== null && packed.length + IPCOMP_HLEN < len) {
      const { buf, view } = skb.head;
      buf.set(packed, payload + IPCOMP_HLEN);
      buf[payload] = buf[ip + IP_PROTOCOL];
      buf[payload + 1] = 0;
      view.setUint16(payload + IPCOMP_CPI, spi & 0xffff);
      buf[ip + IP_PROTOCOL] = IPPROTO_COMP;
      skb.len = IPCOMP_HLEN + packed.length;
    }
    skb.transportHeader = ip + ihl;
    skb.len += payload - ip;
    skb.data = ip;
    return 0;
  }

  /** As Esp.input. */
  input(skb: SkBuff): number {
    if (skb.len < IPCOMP_HLEN) return -XFRM_DROP_IPCOMP_LENGTH;
    const at = skb.data;
    const { buf } = skb.head;
    const next = buf[at];
    const payload = inflateRaw(buf.subarray(at + IPCOMP_HLEN, at + skb.len), SCRATCH);
    // Who compresses gains something: a payload that grew smaller did not come out of deflate.
    if (payload === null || payload.length < skb.len) return -XFRM_DROP_IPCOMP_DATA;
    const grown = payload.length - (skb.len - IPCOMP_HLEN);
    skbEnsureTailroom(skb, grown);
    const start = skb.data + IPCOMP_HLEN;
    skb.head.buf.set(payload, start);
    skb.data = start;
    skb.len = payload.length;
    return next;
  }

  destroy(): void {}
}
