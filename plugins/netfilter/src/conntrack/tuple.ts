/**
 * tuple.ts — what tells one direction of a connection from all others (cf. Linux include/net/netfilter/nf_conntrack_tuple.h).
 *
 *      source, destination     int32 addresses
 *      ports                   source << 16 | destination; ICMP: id << 16 | type << 8 | code; PPTP's GRE: keys; else 0
 *      key                     IP protocol | zone << 8
 */
import {
  ICMP_ADDRESS,
  ICMP_ADDRESSREPLY,
  ICMP_CODE,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_HLEN,
  ICMP_ID,
  ICMP_INFO_REPLY,
  ICMP_INFO_REQUEST,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
  ICMP_TYPE,
  IP_DADDR,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_OFFSET,
  IP_PROTOCOL,
  IP_SADDR,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '@packetwalk/framework';

/** Zones are 16 bits wide. */
export const ZONE_MAX = 0xffff;

/** One direction of a connection, outside the table: made once and filled in again and again. */
export class Tuple {
  src = 0;
  dst = 0;
  ports = 0;
  key = 0;

  get protocol(): number {
    return this.key & 0xff;
  }

  get sport(): number {
    return this.ports >>> 16;
  }

  get dport(): number {
    return this.ports & 0xffff;
  }

  copy(from: Tuple): void {
    this.src = from.src;
    this.dst = from.dst;
    this.ports = from.ports;
    this.key = from.key;
  }

  equals(other: Tuple): boolean {
    return this.src === other.src && this.dst === other.dst && this.ports === other.ports && this.key === other.key;
  }

  setSport(port: number): void {
    this.ports = (port << 16) | (this.ports & 0xffff);
  }

  setDport(port: number): void {
    this.ports = (this.ports & 0xffff0000) | port;
  }
}

/** The ICMP query that answers each query type, plus 1; 0 for the types that are none. */
const ANSWER = new Uint8Array(256);
for (const [query, answer] of [
  [ICMP_ECHO, ICMP_ECHOREPLY],
  [ICMP_TIMESTAMP, ICMP_TIMESTAMPREPLY],
  [ICMP_INFO_REQUEST, ICMP_INFO_REPLY],
  [ICMP_ADDRESS, ICMP_ADDRESSREPLY],
]) {
  ANSWER[query] = answer + 1;
  ANSWER[answer] = query + 1;
}

/** The ports word of the other direction; -1 stands for an ICMP type that has none, which no ports word of ICMP is. */
export function invertPorts(ports: number, protocol: number): number {
  if (protocol !== IPPROTO_ICMP) return (ports << 16) | (ports >>> 16);
  const answer = ANSWER[(ports >>> 8) & 0xff];
  return answer === 0 ? -1 : (ports & 0xffff00ff) | ((answer - 1) << 8);
}

/** Makes `out` the other direction of `tuple`, untranslated; false when it can have none (nf_ct_invert_tuple). */
export function invertTuple(out: Tuple, tuple: Tuple): boolean {
  const protocol = tuple.key & 0xff;
  const ports = invertPorts(tuple.ports, protocol);
  if (protocol === IPPROTO_ICMP && ports === -1) return false;
  const { src } = tuple;
  out.src = tuple.dst;
  out.dst = src;
  out.ports = ports;
  out.key = tuple.key;
  return true;
}

const GRE_VERSION = 7;
const GRE_VERSION_1 = 1;
const GRE_PROTO_PPP = 0x880b;
const GRE_CALL_ID = 6;

/**
 * Fills `out` with the addresses and ports of the IPv4 packet at `ip`, whose transport header starts at `dataoff` and whose
 * bytes end at `end`. False when its protocol has ports that are not there (nf_ct_get_tuple).
 */
export function readTuple(out: Tuple, view: DataView, ip: number, dataoff: number, end: number, protocol: number): boolean {
  out.src = view.getInt32(ip + IP_SADDR);
  out.dst = view.getInt32(ip + IP_DADDR);
  out.key = protocol;
  switch (protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
    case IPPROTO_UDPLITE:
      if (dataoff + 4 > end) return false;
      out.ports = view.getInt32(dataoff);
      return true;
    case IPPROTO_ICMP:
      if (dataoff + ICMP_HLEN > end) return false;
      out.ports =
        (view.getUint16(dataoff + ICMP_ID) << 16) | (view.getUint8(dataoff + ICMP_TYPE) << 8) | view.getUint8(dataoff + ICMP_CODE);
      return true;
    case IPPROTO_GRE:
      return readGre(out, view, dataoff, end);
    default:
      out.ports = 0;
      return true;
  }
}

/** Only PPTP's version 1 has something like ports, the call number (RFC 2637 §4.1); others are told apart by address. */
function readGre(out: Tuple, view: DataView, dataoff: number, end: number): boolean {
  out.ports = 0;
  if (dataoff + 4 > end || (view.getUint16(dataoff) & GRE_VERSION) !== GRE_VERSION_1 || dataoff + 8 > end) return true;
  if (view.getUint16(dataoff + 2) !== GRE_PROTO_PPP) return false;
  out.ports = view.getUint16(dataoff + GRE_CALL_ID);
  return true;
}

/**
 * The offset of the transport header of the IPv4 packet at `ip`, or -1 when it cannot be there: a later fragment, or a
 * header that is cut off (ipv4_get_l4proto).
 */
export function transportOffset(view: DataView, ip: number, end: number): number {
  if (ip + IP_HLEN > end || (view.getUint16(ip + IP_FRAG_OFF) & IP_OFFSET) !== 0) return -1;
  const dataoff = ip + ((view.getUint8(ip) & 15) << 2);
  return dataoff > end ? -1 : dataoff;
}

/** Both of these for a packet inside an ICMP error, in zone `zone` (nf_ct_get_tuplepr). */
export function readQuotedTuple(out: Tuple, view: DataView, ip: number, end: number): boolean {
  const dataoff = transportOffset(view, ip, end);
  if (dataoff < 0) return false;
  return readTuple(out, view, ip, dataoff, end, view.getUint8(ip + IP_PROTOCOL));
}
