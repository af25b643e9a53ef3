/**
 * ah.ts — Authentication Header (RFC 4302; cf. Linux net/ipv4/ah4.c).
 *
 *      0               1               2               3               4
 *      +---------------+---------------+-------------------------------+
 *      |  next header  |  payload len  |           reserved            |
 *      +---------------+---------------+-------------------------------+
 *      |                              SPI                              |
 *      +---------------------------------------------------------------+
 *      |                        sequence number                        |
 *      +---------------------------------------------------------------+
 *      |             ICV, padded to a multiple of 8 (or 4)             |
 *      +---------------------------------------------------------------+
 *
 * The ICV covers the whole packet, the IP header included, as the receiver will see it: what routers change counts as 0.
 */
import {
  IP_CHECK,
  IP_DADDR,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_MAX_HLEN,
  IP_PROTOCOL,
  IP_TOS,
  IP_TOT_LEN,
  IP_TTL,
  IPOPT_CIPSO,
  IPOPT_END,
  IPOPT_LSRR,
  IPOPT_NOOP,
  IPOPT_RA,
  IPOPT_SEC,
  IPOPT_SSRR,
  IPPROTO_AH,
  type SkBuff,
} from '@packetwalk/framework';
import type { Mac } from './crypto/hmac.ts';
import { XFRM_DROP_AH_ICV, XFRM_DROP_AH_LENGTH, XFRM_DROP_AH_OPTIONS } from './xfrm-drop.ts';
import type { XfrmType } from './xfrm-type.ts';

/** Next header, length, SPI, sequence number. */
const AH_HLEN = 12;
const AH_PAYLOAD_LEN = 1;
const AH_RESERVED = 2;
const AH_SPI = 4;
const AH_SEQ = 8;
/** Commercial security (draft-ietf-cipso), 0x80 | 5 of the old numbering: immutable like CIPSO (RFC 4302 appendix A1). */
const IPOPT_ESEC = 133;
/** SDDB (draft-macker), immutable (ibid.). */
const IPOPT_SDB = 149;

/** The IP header while its mutable fields are 0; one packet at a time. */
const saved: Uint8Array = new Uint8Array(IP_MAX_HLEN);
/** The ICV as received. */
const received: Uint8Array = new Uint8Array(64);

export class Ah implements XfrmType {
  readonly protocol: number = IPPROTO_AH;
  readonly headerLen: number;
  readonly trailerLen = 0;
  readonly mac: Mac;
  /** Length it may have as well: the whole hash, by the kernel's tolerance. */
  private readonly fullLen: number;
  private readonly tail: Uint8Array | null;
  private readonly tailView: DataView;

  /** @param fullIcvSize octets of the hash before it is cut @param align4 true: padded to 4 octets, as IPv4 permits */
  constructor(mac: Mac, fullIcvSize: number, esn: boolean, align4: boolean) {
    const align = align4 ? 4 : 8;
    this.mac = mac;
    this.headerLen = (AH_HLEN + mac.icvSize + align - 1) & -align;
    this.fullLen = (AH_HLEN + fullIcvSize + align - 1) & -align;
    const tail = new Uint8Array(4);
    this.tail = esn ? tail : null;
    this.tailView = new DataView(tail.buffer);
  }

  /** Longest payload that fits `room` octets behind the header. */
  payloadFor(room: number): number {
    return room;
  }

  /** As Esp.output: the payload lies at skb.data, the IP header `headerLen` octets in front of it at skb.networkHeader. */
  output(skb: SkBuff, ihl: number, spi: number, seq: number, seqHi: number): number {
    const { buf, view } = skb.head;
    const ip = skb.networkHeader;
    const ah = ip + ihl;
    skb.len += skb.data - ip;
    skb.data = ip;
    skb.transportHeader = ah;
    buf[ah] = buf[ip + IP_PROTOCOL];
    buf[ah + AH_PAYLOAD_LEN] = (this.headerLen >> 2) - 2;
    view.setUint16(ah + AH_RESERVED, 0);
    view.setInt32(ah + AH_SPI, spi);
    view.setInt32(ah + AH_SEQ, seq);
    buf[ip + IP_PROTOCOL] = IPPROTO_AH;
    view.setUint16(ip + IP_TOT_LEN, skb.len);
    for (let i = 0; i < ihl; i++) saved[i] = buf[ip + i];
    if (!clearMutable(buf, view, ip, ihl, true)) return -XFRM_DROP_AH_OPTIONS;
    for (let at = ah + AH_HLEN; at < ah + this.headerLen; at++) buf[at] = 0;
    this.tailView.setInt32(0, seqHi);
    this.mac.write(buf, ip, ip + skb.len, this.tail, ah + AH_HLEN);
    for (let i = 0; i < ihl; i++) buf[ip + i] = saved[i];
    return 0;
  }

  /** As Esp.input: skb.data is at the header, the IP header at skb.networkHeader. */
  input(skb: SkBuff, seqHi: number): number {
    const { buf, view } = skb.head;
    const ah = skb.data;
    if (skb.len < AH_HLEN) return -XFRM_DROP_AH_LENGTH;
    const headerLen = (buf[ah + AH_PAYLOAD_LEN] + 2) << 2;
    if ((headerLen !== this.headerLen && headerLen !== this.fullLen) || skb.len < headerLen) return -XFRM_DROP_AH_LENGTH;
    const ip = skb.networkHeader;
    const ihl = ah - ip;
    const icv = ah + AH_HLEN;
    const { icvSize } = this.mac;
    for (let i = 0; i < ihl; i++) saved[i] = buf[ip + i];
    if (!clearMutable(buf, view, ip, ihl, false)) {
      for (let i = 0; i < ihl; i++) buf[ip + i] = saved[i];
      return -XFRM_DROP_AH_OPTIONS;
    }
    for (let i = 0; i < icvSize; i++) {
      received[i] = buf[icv + i];
      buf[icv + i] = 0;
    }
    this.tailView.setInt32(0, seqHi);
    const good = this.mac.matches(buf, ip, ah + skb.len, this.tail, received, 0);
    for (let i = 0; i < ihl; i++) buf[ip + i] = saved[i];
    if (!good) return -XFRM_DROP_AH_ICV;
    const next = buf[ah];
    skb.data = ah + headerLen;
    skb.len -= headerLen;
    return next;
  }

  destroy(): void {
    this.mac.destroy();
  }
}

/**
 * Sets to 0 what is mutable on the way (RFC 4302 §3.3.3.1.1 and appendix A1). A sender with a source route puts the last
 * address in as destination, since that is what the receiver will see. False: the options are malformed.
 */
function clearMutable(buf: Uint8Array, view: DataView, ip: number, ihl: number, sender: boolean): boolean {
  buf[ip + IP_TOS] = 0;
  view.setUint16(ip + IP_FRAG_OFF, 0);
  buf[ip + IP_TTL] = 0;
  view.setUint16(ip + IP_CHECK, 0);
  const end = ip + ihl;
  for (let at = ip + IP_HLEN; at < end; ) {
    const kind = buf[at];
    if (kind === IPOPT_END) return true;
    if (kind === IPOPT_NOOP) {
      at++;
      continue;
    }
    const length = at + 1 < end ? buf[at + 1] : 0;
    if (length < 2 || at + length > end) return false;
    const routed = kind === IPOPT_LSRR || kind === IPOPT_SSRR;
    if (routed && length < 6) return false;
    if (routed && sender) view.setInt32(ip + IP_DADDR, view.getInt32(at + length - 4));
    if (!isImmutable(kind)) for (let i = 0; i < length; i++) buf[at + i] = 0;
    at += length;
  }
  return true;
}

function isImmutable(kind: number): boolean {
  return kind === IPOPT_SEC || kind === IPOPT_ESEC || kind === IPOPT_CIPSO || kind === IPOPT_RA || kind === IPOPT_SDB;
}
