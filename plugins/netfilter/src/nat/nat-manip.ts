/**
 * nat-manip.ts — writes other addresses and ports into packets, and what checksums become by that (RFC 3022 §4.2, RFC 1624; cf.
 * Linux net/netfilter/nf_nat_proto.c). An absent UDP checksum stays absent.
 */
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  csumReplace2,
  csumReplace4,
  ICMP_ADDRESS,
  ICMP_ADDRESSREPLY,
  ICMP_CHECKSUM,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_HLEN,
  ICMP_ID,
  ICMP_INFO_REPLY,
  ICMP_INFO_REQUEST,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
  ICMP_TYPE,
  IP_CHECK,
  IP_DADDR,
  IP_HLEN,
  IP_SADDR,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  type SkBuff,
  TCP_CHECK,
  TCP_HLEN,
  UDP_CHECK,
  UDP_HLEN,
} from '@packetwalk/framework';
import { SCTP_CHECKSUM, SCTP_HLEN, sctpChecksum } from '../conntrack/proto-sctp.ts';
import { NAT_MANIP_SRC } from './nat-range.ts';

/** Types of messages with an identifier, by bit. */
const QUERIES = [
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
  ICMP_INFO_REQUEST,
  ICMP_INFO_REPLY,
  ICMP_ADDRESS,
  ICMP_ADDRESSREPLY,
].reduce((bits, type) => bits | (1 << type), 0);

const GRE_VERSION_MASK = 7;
const GRE_CALL_ID = 6;

/** The checksum of a header over its addresses and ports, after one of each has changed: all words at once. */
function replaced(check: number, from: number, to: number, fromPort: number, toPort: number): number {
  let s = (~check & 0xffff) + (~from >>> 16) + (~from & 0xffff) + (to >>> 16) + (to & 0xffff) + (~fromPort & 0xffff) + toPort;
  s = (s & 0xffff) + (s >>> 16);
  s = (s & 0xffff) + (s >>> 16);
  return ~s & 0xffff;
}

/** A checksum that is left to a device holds the sum of the addresses only, and not its complement. */
function replacedPartial(check: number, from: number, to: number): number {
  return ~csumReplace4(~check & 0xffff, from, to) & 0xffff;
}

/**
 * Translates one end of the IPv4 packet at `ip`, which may be one quoted by an ICMP error. The bytes are the packet's own
 * already. False: headers are missing that must be there.
 * @param manip NAT_MANIP_SRC or NAT_MANIP_DST
 * @param port source port, destination port or ICMP identifier
 * @param end behind the last byte of `skb`
 */
export function manipPacket(skb: SkBuff, ip: number, end: number, protocol: number, manip: number, address: number, port: number): boolean {
  if (ip + IP_HLEN > end) return false;
  const { view } = skb.head;
  const isSource = manip === NAT_MANIP_SRC;
  const at = ip + (isSource ? IP_SADDR : IP_DADDR);
  const l4 = ip + ((view.getUint8(ip) & 15) << 2);
  const from = view.getInt32(at);
  if (!manipL4(skb, view, l4, end, protocol, isSource, from, address, port)) return false;
  view.setUint16(ip + IP_CHECK, replaced(view.getUint16(ip + IP_CHECK), from, address, 0, 0));
  view.setInt32(at, address);
  return true;
}

function manipL4(
  skb: SkBuff,
  view: DataView,
  l4: number,
  end: number,
  protocol: number,
  isSource: boolean,
  from: number,
  to: number,
  port: number,
): boolean {
  const portAt = isSource ? l4 : l4 + 2;
  switch (protocol) {
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE: {
      if (l4 + UDP_HLEN > end) return false;
      const check = view.getUint16(l4 + UDP_CHECK);
      const old = view.getUint16(portAt);
      view.setUint16(portAt, port);
      if (check === 0 && protocol === IPPROTO_UDP) return true;
      const now = skb.ipSummed === CHECKSUM_PARTIAL ? replacedPartial(check, from, to) : replaced(check, from, to, old, port);
      view.setUint16(l4 + UDP_CHECK, now === 0 ? 0xffff : now);
      return true;
    }
    case IPPROTO_TCP: {
      // An ICMP error quotes eight bytes at least, but not always the checksum.
      if (l4 + 8 > end) return false;
      const old = view.getUint16(portAt);
      view.setUint16(portAt, port);
      if (l4 + TCP_HLEN > end) return true;
      const check = view.getUint16(l4 + TCP_CHECK);
      view.setUint16(
        l4 + TCP_CHECK,
        skb.ipSummed === CHECKSUM_PARTIAL ? replacedPartial(check, from, to) : replaced(check, from, to, old, port),
      );
      return true;
    }
    case IPPROTO_ICMP: {
      if (l4 + ICMP_HLEN > end) return false;
      const type = view.getUint8(l4 + ICMP_TYPE);
      if (type > 31 || ((1 << type) & QUERIES) === 0) return true;
      const old = view.getUint16(l4 + ICMP_ID);
      view.setUint16(l4 + ICMP_CHECKSUM, csumReplace2(view.getUint16(l4 + ICMP_CHECKSUM), old, port));
      view.setUint16(l4 + ICMP_ID, port);
      return true;
    }
    case IPPROTO_SCTP:
      if (l4 + 8 > end) return false;
      view.setUint16(portAt, port);
      if (l4 + SCTP_HLEN <= end && skb.ipSummed !== CHECKSUM_PARTIAL) {
        view.setUint32(l4 + SCTP_CHECKSUM, sctpChecksum(skb, l4), true);
        skb.ipSummed = CHECKSUM_NONE;
      }
      return true;
    case IPPROTO_GRE:
      return manipGre(view, l4, end, isSource, port);
    default:
      return true;
  }
}

/** PPTP's packets carry the receiver's call number; others have nothing to translate. */
function manipGre(view: DataView, l4: number, end: number, isSource: boolean, key: number): boolean {
  if (l4 + 8 > end) return false;
  if (isSource) return true;
  const version = view.getUint16(l4) & GRE_VERSION_MASK;
  if (version === 1) view.setUint16(l4 + GRE_CALL_ID, key);
  return version <= 1;
}
