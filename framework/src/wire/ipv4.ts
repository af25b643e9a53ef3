/**
 * wire/ipv4.ts — the IPv4 header (RFC 791 §3.1).
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *      +-------+-------+---------------+-------------------------------+
 *   0  |version|  IHL  |type of service|          total length         |
 *      +-------+-------+---------------+-----+-------------------------+
 *   4  |         identification        |flags|     fragment offset     |
 *      +---------------+---------------+-----+-------------------------+
 *   8  |  time to live |    protocol   |        header checksum        |
 *      +---------------+---------------+-------------------------------+
 *  12  |                         source address                        |
 *      +---------------------------------------------------------------+
 *  16  |                      destination address                      |
 *      +---------------------------------------------------------------+
 *  20  |                    options, padded to 4                       |
 */
import { ipComputeCsum } from './checksum.ts';

export const IP_VERSION_IHL = 0;
export const IP_TOS = 1;
export const IP_TOT_LEN = 2;
export const IP_ID = 4;
export const IP_FRAG_OFF = 6;
export const IP_TTL = 8;
export const IP_PROTOCOL = 9;
export const IP_CHECK = 10;
export const IP_SADDR = 12;
export const IP_DADDR = 16;
export const IP_HLEN = 20;
export const IP_MAX_HLEN = 60;

/** Flags and mask of the fragment word. */
export const IP_CE = 0x8000;
export const IP_DF = 0x4000;
export const IP_MF = 0x2000;
export const IP_OFFSET = 0x1fff;

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_IPIP = 4;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_DCCP = 33;
export const IPPROTO_GRE = 47;
export const IPPROTO_ESP = 50;
export const IPPROTO_AH = 51;
export const IPPROTO_COMP = 108;
export const IPPROTO_SCTP = 132;
export const IPPROTO_UDPLITE = 136;
export const IPPROTO_RAW = 255;

/** Option kinds (RFC 791 §3.1, RFC 1108, RFC 2113). */
export const IPOPT_END = 0;
export const IPOPT_NOOP = 1;
export const IPOPT_RR = 7;
export const IPOPT_TIMESTAMP = 68;
export const IPOPT_SEC = 130;
export const IPOPT_LSRR = 131;
export const IPOPT_CIPSO = 134;
export const IPOPT_SID = 136;
export const IPOPT_SSRR = 137;
export const IPOPT_RA = 148;

export const INADDR_ANY = 0;
export const INADDR_BROADCAST = -1;
export const INADDR_LOOPBACK = 0x7f000001;

/** Header length in bytes (IHL × 4). */
export function ipHdrLen(view: DataView, ip: number): number {
  return (view.getUint8(ip) & 15) << 2;
}

/** True of every fragment, the first one included. */
export function ipIsFragment(view: DataView, ip: number): boolean {
  return (view.getUint16(ip + IP_FRAG_OFF) & (IP_MF | IP_OFFSET)) !== 0;
}

/** Writes the header checksum over a complete header (ip_send_check). */
export function ipSendCheck(view: DataView, ip: number): void {
  view.setUint16(ip + IP_CHECK, 0);
  view.setUint16(ip + IP_CHECK, ipComputeCsum(view, ip, ipHdrLen(view, ip)));
}

/** TTL minus one, checksum adjusted (RFC 1624); returns the new TTL (ip_decrease_ttl). */
export function ipDecreaseTtl(view: DataView, ip: number): number {
  // TTL, protocol and checksum are one word: one load and one store.
  const word = view.getInt32(ip + IP_TTL);
  const sum = (word & 0xffff) + 0x100;
  const check = (sum & 0xffff) + (sum >>> 16);
  view.setInt32(ip + IP_TTL, (word & 0xff0000) | (((word >>> 24) - 1) << 24) | (check === 0xffff ? 0 : check));
  return (word >>> 24) - 1;
}

/** 224.0.0.0/4 */
export function ipv4IsMulticast(address: number): boolean {
  return (address & 0xf0000000) === (0xe0000000 | 0);
}

/** 0.0.0.0; the rest of 0.0.0.0/8 are ordinary addresses to Linux since 5.3. */
export function ipv4IsZeronet(address: number): boolean {
  return address === 0;
}

/** 127.0.0.0/8 */
export function ipv4IsLoopback(address: number): boolean {
  return (address & 0xff000000) === 0x7f000000;
}

/** 255.255.255.255 */
export function ipv4IsLbcast(address: number): boolean {
  return address === -1;
}

/** 224.0.0.0/24 */
export function ipv4IsLocalMulticast(address: number): boolean {
  return (address & 0xffffff00) === (0xe0000000 | 0);
}

/** The mask of a prefix length 0–32, as int32 (inet_make_mask). */
export function inetMakeMask(length: number): number {
  return length === 0 ? 0 : (-1 << (32 - length)) | 0;
}

/** The prefix length of a mask, or -1 when its ones are not contiguous (inet_mask_len). */
export function inetMaskLen(mask: number): number {
  const inverse = ~mask;
  return (inverse & (inverse + 1)) === 0 ? Math.clz32(inverse) : -1;
}

/** Dotted quad of an int32 address. */
export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** An int32 address from a dotted quad of four decimal numbers, or null. Leading zeros are refused, as inet_pton does. */
export function parseIpv4(text: string): number | null {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (m === null) return null;
  let address = 0;
  for (let i = 1; i <= 4; i++) {
    if (m[i].length > 1 && m[i][0] === '0') return null;
    const byte = Number(m[i]);
    if (byte > 255) return null;
    address = (address << 8) | byte;
  }
  return address;
}

/** An address with a prefix length; the length is 32 when the text has none. */
export interface Ipv4Cidr {
  readonly address: number;
  readonly length: number;
}

/** `a.b.c.d/len`, `a.b.c.d/255.255.0.0` or `a.b.c.d`; null when it is none of these. Host bits are kept. */
export function parseCidr(text: string): Ipv4Cidr | null {
  const slash = text.indexOf('/');
  const address = parseIpv4(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  if (slash < 0) return { address, length: 32 };
  const after = text.slice(slash + 1);
  if (/^\d{1,2}$/.test(after) && Number(after) <= 32) return { address, length: Number(after) };
  const mask = parseIpv4(after);
  const length = mask === null ? -1 : inetMaskLen(mask);
  return length < 0 ? null : { address, length };
}
