/**
 * gre-header.ts — the header of Generic Routing Encapsulation, version 0 (RFC 2784, key and sequence number RFC 2890; cf.
 * Linux net/ipv4/gre_demux.c).
 *
 *      0: flags, version   2: EtherType   then, each of 4 bytes if its flag is set: checksum, key, sequence number
 */
import { csumPartial, ETH_P_IP, type SkBuff } from '@packetwalk/framework';

export const GRE_CSUM = 0x8000;
const GRE_ROUTING = 0x4000;
export const GRE_KEY = 0x2000;
export const GRE_SEQ = 0x1000;
const GRE_VERSION = 0x0007;
const GRE_TYPE = 2;
const GRE_BASE = 4;
const GRE_FIELD = 4;

/** Web Cache Communication Protocol: IPv4 in it, in version 2 behind four bytes of its own. */
const ETH_P_WCCP = 0x883e;

/** Length of a header with these flags, bytes (gre_calc_hlen). */
export function greHeaderLength(flags: number): number {
  let length = GRE_BASE;
  if ((flags & GRE_CSUM) !== 0) length += GRE_FIELD;
  if ((flags & GRE_KEY) !== 0) length += GRE_FIELD;
  if ((flags & GRE_SEQ) !== 0) length += GRE_FIELD;
  return length;
}

/** A header that was read. One serves all packets. */
export class GreHeader {
  flags = 0;
  /** EtherType of what follows. */
  protocol = 0;
  key = 0;
  seq = 0;
  /** Bytes up to what follows. */
  length = 0;

  /**
   * Reads the header at `at`, of a packet that ends at `end`. False when it is none: cut short, of another version, with
   * source routes.
   * @param check whether the checksum must be right; an ICMP error quotes too little to tell
   */
  read(view: DataView, at: number, end: number, check: boolean): boolean {
    if (at + GRE_BASE > end) return false;
    const flags = view.getUint16(at);
    if ((flags & (GRE_ROUTING | GRE_VERSION)) !== 0) return false;
    this.flags = flags;
    this.protocol = view.getUint16(at + GRE_TYPE);
    this.length = greHeaderLength(flags);
    if (at + this.length > end) return false;
    let o = at + GRE_BASE;
    if ((flags & GRE_CSUM) !== 0) {
      if (check && csumPartial(view, at, end - at) !== 0xffff) return false;
      o += GRE_FIELD;
    }
    this.key = 0;
    if ((flags & GRE_KEY) !== 0) {
      this.key = view.getInt32(o);
      o += GRE_FIELD;
    }
    this.seq = (flags & GRE_SEQ) !== 0 ? view.getInt32(o) : 0;
    if (flags === 0 && this.protocol === ETH_P_WCCP) {
      if (at + this.length >= end) return false;
      this.protocol = ETH_P_IP;
      if (view.getUint8(at + this.length) >>> 4 !== 4) this.length += GRE_FIELD;
    }
    return true;
  }
}

/** Writes a header at `skb.data`, where room for it was made; the checksum covers all of the packet (gre_build_header). */
export function greBuildHeader(skb: SkBuff, flags: number, protocol: number, key: number, seq: number): void {
  const { view } = skb.head;
  const at = skb.data;
  view.setUint16(at, flags);
  view.setUint16(at + GRE_TYPE, protocol);
  let o = at + GRE_BASE;
  if ((flags & GRE_CSUM) !== 0) {
    view.setInt32(o, 0);
    o += GRE_FIELD;
  }
  if ((flags & GRE_KEY) !== 0) {
    view.setInt32(o, key);
    o += GRE_FIELD;
  }
  if ((flags & GRE_SEQ) !== 0) view.setInt32(o, seq);
  if ((flags & GRE_CSUM) !== 0) view.setUint16(at + GRE_BASE, ~csumPartial(view, at, skb.len) & 0xffff);
}
