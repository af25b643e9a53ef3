/**
 * esp.ts — Encapsulating Security Payload (RFC 4303; cf. Linux net/ipv4/esp4.c), and its UDP encapsulation (RFC 3948).
 *
 *      +-----------+-------+--------+------+--------------------+-----+-----+--------+------+-----+
 *      | IP header | (UDP) | SPI SN | IV   | payload            | TFC | pad | padlen | next | ICV |
 *      +-----------+-------+--------+------+--------------------+-----+-----+--------+------+-----+
 *      networkHeader                       ◀──────────── encrypted, whole blocks ──────────▶
 *                  ◀── headerLen ──────────▶
 */
import {
  IP_PROTOCOL,
  IPPROTO_ESP,
  IPPROTO_UDP,
  type SkBuff,
  skbEnsureTailroom,
  skbPut,
  UDP_CHECK,
  UDP_DEST,
  UDP_HLEN,
  UDP_LEN,
  UDP_SOURCE,
} from '@packetwalk/framework';
import { type Aead, ESP_HLEN } from './crypto/aead.ts';
import { XFRM_DROP_DUMMY, XFRM_DROP_ESP_ICV, XFRM_DROP_ESP_LENGTH, XFRM_DROP_ESP_PADDING } from './xfrm-drop.ts';
import type { XfrmType } from './xfrm-type.ts';

/** Where the sequence number stands. */
const ESP_SEQ = 4;
/** A dummy packet, which hides that there is nothing to send (RFC 4303 §2.6). */
export const IPPROTO_NONE = 59;

/** Ports of the UDP header in front of ESP. */
export interface EspInUdp {
  readonly sport: number;
  readonly dport: number;
}

export class Esp implements XfrmType {
  readonly protocol: number = IPPROTO_ESP;
  /** Octets in front of the payload. */
  readonly headerLen: number;
  readonly trailerLen: number;
  readonly aead: Aead;
  private readonly encap: EspInUdp | null;
  /** What the ciphertext's length is a multiple of. */
  private readonly align: number;
  /** Shorter packets are padded to this length, in octets, as far as the MTU allows (RFC 4303 §2.7); 0: never. */
  private readonly tfcpad: number;

  constructor(aead: Aead, encap: EspInUdp | null, tfcpad: number) {
    this.aead = aead;
    this.encap = encap;
    this.tfcpad = tfcpad;
    this.align = Math.max(4, aead.blockSize);
    this.trailerLen = this.align + 1 + aead.icvSize;
    this.headerLen = ESP_HLEN + aead.ivSize + (encap === null ? 0 : UDP_HLEN);
  }

  /** Longest payload that fits `room` octets behind the header: what a packet of the MTU leaves for ESP (esp4_get_mtu). */
  payloadFor(room: number): number {
    return ((room - this.aead.icvSize) & -this.align) - 2;
  }

  /**
   * Protects the payload [skb.data, end) in place. The IP header, its protocol the payload's, lies `headerLen` octets in front
   * of it at skb.networkHeader; afterwards skb.data is there and the protocol is ESP or UDP. `padTo`: see tfcpad.
   */
  output(skb: SkBuff, ihl: number, spi: number, seq: number, seqHi: number, room: number): number {
    const { aead, encap } = this;
    const { len } = skb;
    const fill = this.tfcpad === 0 ? 0 : Math.max(0, Math.min(this.tfcpad, this.payloadFor(room)) - len);
    const length = (len + fill + 2 + this.align - 1) & -this.align;
    skbEnsureTailroom(skb, length - len + aead.icvSize);
    const trailer = skbPut(skb, length - len + aead.icvSize);
    const { buf, view } = skb.head;
    const ip = skb.networkHeader;
    const pad = length - len - fill - 2;
    for (let i = 0; i < fill; i++) buf[trailer + i] = 0;
    for (let i = 1; i <= pad; i++) buf[trailer + fill + i - 1] = i;
    buf[trailer + fill + pad] = pad;
    buf[trailer + fill + pad + 1] = buf[ip + IP_PROTOCOL];
    const esp = skb.data - ESP_HLEN - aead.ivSize;
    view.setInt32(esp, spi);
    view.setInt32(esp + ESP_SEQ, seq);
    aead.seal(skb.head, esp, length, seqHi);
    skb.transportHeader = ip + ihl;
    skb.len += skb.data - ip;
    skb.data = ip;
    if (encap === null) {
      buf[ip + IP_PROTOCOL] = IPPROTO_ESP;
      return 0;
    }
    const udp = ip + ihl;
    view.setUint16(udp + UDP_SOURCE, encap.sport);
    view.setUint16(udp + UDP_DEST, encap.dport);
    view.setUint16(udp + UDP_LEN, skb.len - ihl);
    view.setUint16(udp + UDP_CHECK, 0);
    buf[ip + IP_PROTOCOL] = IPPROTO_UDP;
    return 0;
  }

  /**
   * Takes the protection off a packet whose data is at the SPI: afterwards it is the payload. The packet's bytes are its own.
   * Returns the payload's protocol, or a drop reason as a negative number.
   */
  input(skb: SkBuff, seqHi: number): number {
    const { aead } = this;
    const esp = skb.data;
    const header = ESP_HLEN + aead.ivSize;
    const length = skb.len - header - aead.icvSize;
    // The trailer has two octets; a block cipher's text is whole blocks.
    if (length < 2 || length % aead.blockSize !== 0) return -XFRM_DROP_ESP_LENGTH;
    if (!aead.open(skb.head, esp, length, seqHi)) return -XFRM_DROP_ESP_ICV;
    const { buf } = skb.head;
    const end = esp + header + length;
    const payload = length - 2 - buf[end - 2];
    if (payload <= 0) return -XFRM_DROP_ESP_PADDING;
    const next = buf[end - 1];
    if (next === IPPROTO_NONE) return -XFRM_DROP_DUMMY;
    skb.data = esp + header;
    skb.len = payload;
    return next;
  }

  destroy(): void {
    this.aead.destroy();
  }
}
