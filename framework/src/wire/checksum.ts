/** wire/checksum.ts — the Internet checksum (RFC 1071) and its incremental update (RFC 1624, eqn. 3). */

/**
 * Adds the 16-bit words of `length` bytes at `offset` to `sum`. An odd last byte counts as the high half of a word.
 * The result is folded to 16 bits but not complemented, so sums of several pieces may be chained as long as every
 * piece but the last has an even length.
 */
export function csumPartial(view: DataView, offset: number, length: number, sum = 0): number {
  const end = offset + length;
  let o = offset;
  // Two words per step; the carries of up to 64 KiB fit a double's 53 bits, so one fold at the end will do.
  for (; o + 4 <= end; o += 4) sum += view.getUint32(o);
  if (o + 2 <= end) {
    sum += view.getUint16(o);
    o += 2;
  }
  if (o < end) sum += view.getUint8(o) << 8;
  return csumFold32(sum);
}

/** Folds a sum of 32-bit words (below 2^53) to 16 bits. */
function csumFold32(sum: number): number {
  let s = (sum % 0x100000000) + Math.floor(sum / 0x100000000);
  s = (s % 0x10000) + Math.floor(s / 0x10000);
  s = (s & 0xffff) + (s >>> 16);
  return (s & 0xffff) + (s >>> 16);
}

/** The complement of a folded sum: what goes into a checksum field. */
export function csumFold(sum: number): number {
  let s = (sum & 0xffff) + (sum >>> 16);
  s = (s & 0xffff) + (s >>> 16);
  return ~s & 0xffff;
}

/** The checksum of `length` bytes: 0 over data that holds its own right checksum. */
export function ipComputeCsum(view: DataView, offset: number, length: number): number {
  return ~csumPartial(view, offset, length) & 0xffff;
}

/** Sum of the IPv4 pseudo header (RFC 793 §3.1, RFC 768), to be chained into {@link csumPartial}. */
export function csumTcpudpPseudo(saddr: number, daddr: number, protocol: number, length: number): number {
  return (saddr >>> 16) + (saddr & 0xffff) + (daddr >>> 16) + (daddr & 0xffff) + protocol + length;
}

/** The checksum field after one 16-bit word under it changed from `from` to `to` (RFC 1624 eqn. 3). */
export function csumReplace2(check: number, from: number, to: number): number {
  let s = (~check & 0xffff) + (~from & 0xffff) + to;
  s = (s & 0xffff) + (s >>> 16);
  s = (s & 0xffff) + (s >>> 16);
  return ~s & 0xffff;
}

/** The checksum field after a 32-bit word under it (an address, say) changed from `from` to `to`. */
export function csumReplace4(check: number, from: number, to: number): number {
  return csumReplace2(csumReplace2(check, from >>> 16, to >>> 16), from & 0xffff, to & 0xffff);
}
