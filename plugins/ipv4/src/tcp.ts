/** tcp.ts — TCP of a router without listeners: every segment is answered by a reset (RFC 9293 §3.10.7.1; cf. Linux net/ipv4/tcp_ipv4.c). */
import {
  allocSkb,
  CHECKSUM_NONE,
  csumFold,
  csumPartial,
  csumTcpudpPseudo,
  type Flow,
  ICMP_MIB_INERRORS,
  type InetProtocol,
  IP_DADDR,
  IP_SADDR,
  IP_TOS,
  IPPROTO_TCP,
  kfreeSkb,
  PACKET_HOST,
  RT_SCOPE_UNIVERSE,
  RTN_LOCAL,
  SKB_DROP_REASON_NO_SOCKET,
  SKB_DROP_REASON_OTHERHOST,
  SKB_DROP_REASON_PKT_TOO_SMALL,
  SKB_DROP_REASON_TCP_CSUM,
  type SkBuff,
  skbPut,
  TCP_ACK,
  TCP_ACK_SEQ,
  TCP_CHECK,
  TCP_DEST,
  TCP_DOFF,
  TCP_FIN,
  TCP_FLAGS,
  TCP_HLEN,
  TCP_MIB_CSUMERRORS,
  TCP_MIB_INERRS,
  TCP_MIB_INSEGS,
  TCP_MIB_OUTRSTS,
  TCP_MIB_OUTSEGS,
  TCP_RST,
  TCP_SEQ,
  TCP_SOURCE,
  TCP_SYN,
  TCP_WINDOW,
  TCPOPT_EOL,
  TCPOPT_NOP,
  tcpHdrLen,
} from '@packetwalk/framework';
import { ipOptionsBuild, ipOptionsEcho } from './ip-options-echo.ts';
import { ipLocalOut, ipPushHeader } from './ip-output.ts';
import { ipv4Of, skbRtable } from './ipv4.ts';

/** The ECN field of the TOS byte. */
const INET_ECN_MASK = 3;

/** Options that sign a segment (RFC 2385, RFC 5925), and the length of the shorter one: less needs no look. */
const TCPOPT_MD5SIG = 19;
const TCPOPT_AO = 29;
const TCPOLEN_MD5SIG = 18;

/** A segment for this router; `skb.data` is at its header. */
export function tcpV4Rcv(skb: SkBuff): number {
  const { net, head } = skb;
  if (skb.pktType !== PACKET_HOST) return drop(skb, SKB_DROP_REASON_OTHERHOST);
  net.tcpMib[TCP_MIB_INSEGS]++;
  if (skb.len < TCP_HLEN) return drop(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
  const hlen = tcpHdrLen(head.view, skb.data);
  if (hlen < TCP_HLEN) {
    net.tcpMib[TCP_MIB_INERRS]++;
    return drop(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
  }
  if (skb.len < hlen) return drop(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
  if (!checksumOk(skb)) {
    net.tcpMib[TCP_MIB_CSUMERRORS]++;
    net.tcpMib[TCP_MIB_INERRS]++;
    return drop(skb, SKB_DROP_REASON_TCP_CSUM);
  }
  tcpV4SendReset(skb);
  return drop(skb, SKB_DROP_REASON_NO_SOCKET);
}

function drop(skb: SkBuff, reason: number): number {
  kfreeSkb(skb, reason);
  return 0;
}

function checksumOk(skb: SkBuff): boolean {
  if (skb.ipSummed !== CHECKSUM_NONE) return true;
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const pseudo = csumTcpudpPseudo(view.getInt32(ip + IP_SADDR), view.getInt32(ip + IP_DADDR), IPPROTO_TCP, skb.len);
  return csumPartial(view, skb.data, skb.len, pseudo) === 0xffff;
}

/**
 * True when the segment is signed, or its options are malformed: a reset would have to be signed too, and nobody here has
 * the key (tcp_parse_auth_options).
 */
function isAuthenticated(view: DataView, options: number, length: number): boolean {
  let left = length;
  for (let at = options; left >= TCPOLEN_MD5SIG; ) {
    const kind = view.getUint8(at);
    if (kind === TCPOPT_EOL) return false;
    const size = kind === TCPOPT_NOP ? 1 : view.getUint8(at + 1);
    if (kind !== TCPOPT_NOP && (size < 2 || size > left)) return true;
    if (kind === TCPOPT_MD5SIG || kind === TCPOPT_AO) return true;
    at += size;
    left -= size;
  }
  return false;
}

/** Answers a segment that nobody wants, unless it is a reset itself (tcp_v4_send_reset). The packet stays the caller's. */
export function tcpV4SendReset(skb: SkBuff): void {
  const { net } = skb;
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const th = skb.data;
  const flags = view.getUint8(th + TCP_FLAGS);
  if ((flags & TCP_RST) !== 0 || skbRtable(skb).rtType !== RTN_LOCAL) return;
  if (isAuthenticated(view, th + TCP_HLEN, tcpHdrLen(view, th) - TCP_HLEN)) return;
  const ipv4 = ipv4Of(skb);
  const options = ipOptionsEcho(ipv4, skb);
  if (options === null) return;
  const sender = view.getInt32(ip + IP_SADDR);
  // Without the ECN field: this side has agreed to nothing (RFC 3168 §6.1.1).
  const tos = view.getUint8(ip + IP_TOS) & ~INET_ECN_MASK;
  const flow: Flow = {
    daddr: options.srr !== 0 ? options.faddr : sender,
    saddr: view.getInt32(ip + IP_DADDR),
    tos,
    iif: 0,
    oif: 0,
    mark: ipv4.fwmarkReflect !== 0 ? skb.mark : 0,
    protocol: IPPROTO_TCP,
    scope: RT_SCOPE_UNIVERSE,
    sport: view.getUint16(th + TCP_DEST),
    dport: view.getUint16(th + TCP_SOURCE),
    flags: 0,
  };
  const rt = ipv4.routing.routeOutput(flow);
  if (typeof rt === 'number') return;
  const reset = allocSkb(net, rt.dev, TCP_HLEN);
  const out = skbPut(reset, TCP_HLEN);
  const to = reset.head.view;
  reset.head.buf.fill(0, out, out + TCP_HLEN);
  to.setUint16(out + TCP_SOURCE, flow.sport);
  to.setUint16(out + TCP_DEST, flow.dport);
  to.setUint8(out + TCP_DOFF, (TCP_HLEN >>> 2) << 4);
  to.setUint16(out + TCP_WINDOW, 0);
  if ((flags & TCP_ACK) !== 0) {
    to.setUint8(out + TCP_FLAGS, TCP_RST);
    to.setInt32(out + TCP_SEQ, view.getInt32(th + TCP_ACK_SEQ));
  } else {
    // The sequence number behind all that came: SYN and FIN count one each.
    const counted = Number((flags & TCP_SYN) !== 0) + Number((flags & TCP_FIN) !== 0) + skb.len - tcpHdrLen(view, th);
    to.setUint8(out + TCP_FLAGS, TCP_RST | TCP_ACK);
    to.setInt32(out + TCP_ACK_SEQ, (view.getInt32(th + TCP_SEQ) + counted) | 0);
  }
  const pseudo = csumTcpudpPseudo(flow.saddr, sender, IPPROTO_TCP, TCP_HLEN);
  to.setUint16(out + TCP_CHECK, csumFold(csumPartial(to, out, TCP_HLEN, pseudo)));
  reset.dst = rt;
  reset.mark = flow.mark;
  reset.trace = skb.trace;
  if (reset.trace !== 0) net.tracer.stage(reset, 'tcpV4SendReset');
  ipPushHeader(reset, rt, { saddr: flow.saddr, daddr: flow.daddr, protocol: IPPROTO_TCP, tos, df: true }, options.optlen);
  ipOptionsBuild(reset, options, sender, rt);
  net.tcpMib[TCP_MIB_OUTSEGS]++;
  net.tcpMib[TCP_MIB_OUTRSTS]++;
  ipLocalOut(reset);
}

/** An ICMP error about a segment of this router's: there is no connection that it could be about. */
function tcpV4Err(skb: SkBuff): void {
  skb.net.icmpMib[ICMP_MIB_INERRORS]++;
}

export const tcpProtocol: InetProtocol = { protocol: IPPROTO_TCP, handler: tcpV4Rcv, errHandler: tcpV4Err };
