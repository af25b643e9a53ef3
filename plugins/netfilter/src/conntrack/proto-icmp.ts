/**
 * proto-icmp.ts — tracking ICMP: queries and their answers are connections, errors belong to the connection of the packet
 * that they quote (RFC 792, RFC 1122 §3.2.2; cf. Linux net/netfilter/nf_conntrack_proto_icmp.c).
 */
import {
  ICMP_ADDRESS,
  ICMP_ECHO,
  ICMP_HLEN,
  ICMP_INFO_REQUEST,
  ICMP_TIMESTAMP,
  ICMP_TYPE,
  IP_CT_DIR_REPLY,
  IP_CT_RELATED,
  IP_CT_RELATED_REPLY,
  IP_DADDR,
  IPPROTO_ICMP,
  icmpIsError,
  type NfHookState,
  NR_ICMP_TYPES,
  nfCtSet,
  type SkBuff,
} from '@packetwalk/framework';
import { checksumRight } from './l4-checksum.ts';
import type { NfConn } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { invertTuple, readQuotedTuple, Tuple } from './tuple.ts';
import { CT_ACCEPT, CT_INVALID } from './verdict.ts';

/** Types of messages that may begin a connection, by bit. */
const QUERIES = (1 << ICMP_ECHO) | (1 << ICMP_TIMESTAMP) | (1 << ICMP_INFO_REQUEST) | (1 << ICMP_ADDRESS);

/** A query or an answer of a connection, in direction `dir`: CT_*. */
export function icmpPacket(nct: NfConntrack, ct: NfConn, skb: SkBuff, dir: number): number {
  const type = (ct.ports(0) >>> 8) & 0xff;
  if (type > NR_ICMP_TYPES || ((1 << type) & QUERIES) === 0) return nct.invalid(skb, IPPROTO_ICMP, 'an answer nobody asked for');
  nct.refresh(ct, dir, skb, nct.settings.icmp[0]);
  return CT_ACCEPT;
}

const quoted = new Tuple();
const inverse = new Tuple();

/**
 * Looks at an ICMP message before it is looked up. CT_INVALID: it is no part of anything. CT_ACCEPT: it is an error of a
 * connection, which is the packet's now; or a query, and the packet has none yet (nf_conntrack_icmpv4_error).
 */
export function icmpError(nct: NfConntrack, skb: SkBuff, icmp: number, zone: number, hook: NfHookState): number {
  const { view } = skb.head;
  const end = skb.data + skb.len;
  if (icmp + ICMP_HLEN > end) return nct.invalid(skb, IPPROTO_ICMP, 'short packet');
  if (!checksumRight(nct, skb, icmp, IPPROTO_ICMP, hook)) return nct.invalid(skb, IPPROTO_ICMP, 'bad checksum');
  const type = view.getUint8(icmp + ICMP_TYPE);
  if (type > NR_ICMP_TYPES) return nct.invalid(skb, IPPROTO_ICMP, 'invalid icmp type');
  if (!icmpIsError(type)) return CT_ACCEPT;
  if (!readQuotedTuple(quoted, view, icmp + ICMP_HLEN, end) || !invertTuple(inverse, quoted)) return CT_INVALID;
  const ref = nct.find(inverse, zone);
  if (ref === 0) return CT_INVALID;
  const ct = nct.conn(ref);
  const dir = ref & 1;
  // Who reports must be writing to the end that sent the quoted packet, not to somebody else behind this router.
  if (view.getInt32(skb.networkHeader + IP_DADDR) !== ct.daddr(dir)) return nct.invalid(skb, IPPROTO_ICMP, 'reported to somebody else');
  nfCtSet(skb, ct, dir === IP_CT_DIR_REPLY ? IP_CT_RELATED_REPLY : IP_CT_RELATED);
  return CT_ACCEPT;
}
