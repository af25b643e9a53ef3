/** target/tcp-reset.ts — a TCP reset in the name of the other end (RFC 9293 §3.10.7.1; cf. Linux net/ipv4/netfilter/nf_reject_ipv4.c). */
import {
  allocSkb,
  type Conntrack,
  csumFold,
  csumPartial,
  csumTcpudpPseudo,
  dstMtu,
  ETH_P_IP,
  IP_CHECK,
  IP_DADDR,
  IP_DF,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_ID,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IP_TTL,
  IP_VERSION_IHL,
  IPPROTO_TCP,
  type IpOutput,
  kfreeSkb,
  type Routing,
  RTCF_BROADCAST,
  RTCF_MULTICAST,
  type Rtable,
  SKB_DROP_REASON_IP_OUTNOROUTES,
  type SkBuff,
  type Slot,
  type SysctlTree,
  skbPut,
  TCP_ACK,
  TCP_ACK_SEQ,
  TCP_CHECK,
  TCP_DEST,
  TCP_DOFF,
  TCP_FIN,
  TCP_FLAGS,
  TCP_HLEN,
  TCP_RST,
  TCP_SEQ,
  TCP_SOURCE,
  TCP_SYN,
  tcpHdrLen,
  type XtParam,
} from '@packetwalk/framework';
import { ipRouteMeHarder } from '../route-me-harder.ts';
import { checksumOk } from './nf-checksum.ts';

/** What a reset is made and sent with. */
export interface ResetServices {
  readonly routing: Slot<Routing>;
  readonly output: Slot<IpOutput>;
  readonly conntrack: Slot<Conntrack>;
}

/** The route of a packet: its dst, or the last of a bundle. */
export function routeOf(skb: SkBuff): Rtable | null {
  let { dst } = skb;
  while (dst?.child != null) dst = dst.child;
  return dst as Rtable | null;
}

/** Answers a segment with a reset; the segment stays the caller's. A reset, or what is no whole segment, has no answer. */
export function nfSendReset(services: ResetServices, skb: SkBuff, par: XtParam): void {
  const { routing, output, conntrack } = services;
  const rt = routeOf(skb);
  if (routing.value === null || output.value === null || rt === null) return;
  const { view } = skb.head;
  const th = skb.networkHeader + par.thoff;
  if (par.fragoff !== 0 || th + TCP_HLEN > skb.data + skb.len) return;
  if ((view.getUint8(th + TCP_FLAGS) & TCP_RST) !== 0 || !checksumOk(skb, par)) return;
  if ((rt.rtFlags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0) return;
  const reset = allocSkb(skb.net, rt.dev, IP_HLEN + TCP_HLEN);
  reset.dst = rt;
  reset.mark = reflectsMark(skb.net.sysctl) ? skb.mark : 0;
  reset.trace = skb.trace;
  reset.protocol = ETH_P_IP;
  writeIpHeader(reset, skb, rt.hoplimit !== 0 ? rt.hoplimit : Number(skb.net.sysctl.find('net.ipv4.ip_default_ttl')?.get() ?? 64));
  writeTcpHeader(reset, skb, th);
  if (ipRouteMeHarder(routing.value, reset) !== 0 || reset.len > dstMtu(routeOf(reset) as Rtable)) {
    kfreeSkb(reset, SKB_DROP_REASON_IP_OUTNOROUTES);
    return;
  }
  conntrack.value?.attach(reset, skb);
  conntrack.value?.setClosing(skb);
  if (reset.trace !== 0) reset.net.tracer.stage(reset, 'nfSendReset');
  output.value.localOut(reset);
}

/** Do answers have the mark of what they answer (net.ipv4.fwmark_reflect)? */
function reflectsMark(sysctl: SysctlTree): boolean {
  return Number(sysctl.find('net.ipv4.fwmark_reflect')?.get() ?? 0) !== 0;
}

/** A header back to where `skb` came from; total length and checksum are localOut's. */
function writeIpHeader(reset: SkBuff, skb: SkBuff, ttl: number): void {
  const ip = skbPut(reset, IP_HLEN);
  const { view } = reset.head;
  const from = skb.head.view;
  view.setUint8(ip + IP_VERSION_IHL, 0x45);
  view.setUint8(ip + IP_TOS, 0);
  view.setUint16(ip + IP_ID, 0);
  view.setUint16(ip + IP_FRAG_OFF, IP_DF);
  view.setUint8(ip + IP_TTL, ttl);
  view.setUint8(ip + IP_PROTOCOL, IPPROTO_TCP);
  view.setUint16(ip + IP_CHECK, 0);
  view.setInt32(ip + IP_SADDR, from.getInt32(skb.networkHeader + IP_DADDR));
  view.setInt32(ip + IP_DADDR, from.getInt32(skb.networkHeader + IP_SADDR));
}

function writeTcpHeader(reset: SkBuff, skb: SkBuff, th: number): void {
  const out = skbPut(reset, TCP_HLEN);
  reset.transportHeader = out;
  const to = reset.head.view;
  const from = skb.head.view;
  reset.head.buf.fill(0, out, out + TCP_HLEN);
  to.setUint16(out + TCP_SOURCE, from.getUint16(th + TCP_DEST));
  to.setUint16(out + TCP_DEST, from.getUint16(th + TCP_SOURCE));
  to.setUint8(out + TCP_DOFF, (TCP_HLEN >>> 2) << 4);
  const flags = from.getUint8(th + TCP_FLAGS);
  if ((flags & TCP_ACK) !== 0) {
    to.setUint8(out + TCP_FLAGS, TCP_RST);
    to.setInt32(out + TCP_SEQ, from.getInt32(th + TCP_ACK_SEQ));
  } else {
    // The sequence number behind all that came: SYN and FIN count one each.
    const data = skb.data + skb.len - th - tcpHdrLen(from, th);
    const counted = Number((flags & TCP_SYN) !== 0) + Number((flags & TCP_FIN) !== 0) + data;
    to.setUint8(out + TCP_FLAGS, TCP_RST | TCP_ACK);
    to.setInt32(out + TCP_ACK_SEQ, (from.getInt32(th + TCP_SEQ) + counted) | 0);
  }
  const ip = reset.networkHeader;
  const pseudo = csumTcpudpPseudo(to.getInt32(ip + IP_SADDR), to.getInt32(ip + IP_DADDR), IPPROTO_TCP, TCP_HLEN);
  to.setUint16(out + TCP_CHECK, csumFold(csumPartial(to, out, TCP_HLEN, pseudo)));
}
