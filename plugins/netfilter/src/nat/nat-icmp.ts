/**
 * nat-icmp.ts — ICMP errors about translated packets: who gets one must find in it what he sent (RFC 3022 §4.3, RFC 5508 §4.2; cf.
 * Linux nf_nat_icmp_reply_translation).
 *
 *      IP | ICMP | quoted IP | quoted TCP, UDP, …
 *      the outer end of this hook's kind, and the quoted packet's other end: it went the other way
 */
import {
  CHECKSUM_PARTIAL,
  ICMP_CHECKSUM,
  ICMP_HLEN,
  ICMP_REDIRECT,
  ICMP_TYPE,
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_CT_IS_REPLY,
  IP_HLEN,
  IPPROTO_ICMP,
  IPS_DST_NAT,
  IPS_DST_NAT_DONE,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
  ipComputeCsum,
  type SkBuff,
  skbMakeWritable,
} from '@packetwalk/framework';
import { ipChecksumRight } from '../conntrack/l4-checksum.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import { manipPacket } from './nat-manip.ts';
import { NAT_MANIP_DST, NAT_MANIP_SRC } from './nat-range.ts';

const NAT_DONE = IPS_SRC_NAT_DONE | IPS_DST_NAT_DONE;

/** Translates an error of the connection `ct` at a hook of kind `manip`; false: it must be dropped. */
export function natIcmpReply(skb: SkBuff, ct: NfConn, manip: number): boolean {
  skbMakeWritable(skb);
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const icmp = ip + ((view.getUint8(ip) & 15) << 2);
  const end = skb.data + skb.len;
  const quoted = icmp + ICMP_HLEN;
  if (quoted + IP_HLEN > end || !ipChecksumRight(skb, icmp, IPPROTO_ICMP)) return false;
  const { status } = ct;
  if (view.getUint8(icmp + ICMP_TYPE) === ICMP_REDIRECT) {
    // A better router for whom? Only when nothing is translated is that clear.
    if ((status & NAT_DONE) !== NAT_DONE || (status & (IPS_SRC_NAT | IPS_DST_NAT)) !== 0) return false;
  }
  const dir = skb.nfctinfo >= IP_CT_IS_REPLY ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
  const bit = (manip === NAT_MANIP_SRC) === (dir === IP_CT_DIR_ORIGINAL) ? IPS_SRC_NAT : IPS_DST_NAT;
  if ((status & bit) === 0) return true;
  const other = 1 - dir;
  const inner = manip === NAT_MANIP_SRC ? NAT_MANIP_DST : NAT_MANIP_SRC;
  // The quoted packet becomes one of the other direction as it came in.
  const innerAddress = inner === NAT_MANIP_SRC ? ct.saddr(other) : ct.daddr(other);
  const innerPort = inner === NAT_MANIP_SRC || ct.protocol === IPPROTO_ICMP ? ct.sport(other) : ct.dport(other);
  if (!manipPacket(skb, quoted, end, ct.protocol, inner, innerAddress, innerPort)) return false;
  if (skb.ipSummed !== CHECKSUM_PARTIAL) {
    view.setUint16(icmp + ICMP_CHECKSUM, 0);
    view.setUint16(icmp + ICMP_CHECKSUM, ipComputeCsum(view, icmp, end - icmp));
  }
  return manipPacket(skb, ip, end, IPPROTO_ICMP, manip, manip === NAT_MANIP_SRC ? ct.daddr(other) : ct.saddr(other), 0);
}
