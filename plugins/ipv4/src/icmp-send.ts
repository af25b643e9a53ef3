/**
 * icmp-send.ts — ICMP messages made here: errors about packets, and replies (RFC 792, RFC 1122 §3.2.2, RFC 1812 §4.3.2;
 * cf. Linux net/ipv4/icmp.c).
 */
import {
  allocSkb,
  type Flow,
  ICMP_CHECKSUM,
  ICMP_CODE,
  ICMP_GATEWAY,
  ICMP_HLEN,
  ICMP_MIB_OUTERRORS,
  ICMP_TYPE,
  IFF_LOOPBACK,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_MAX_MTU,
  IP_OFFSET,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IPPROTO_ICMP,
  icmpIsError,
  icmpName,
  ipComputeCsum,
  NR_ICMP_TYPES,
  nfCtAttach,
  PACKET_HOST,
  RT_SCOPE_UNIVERSE,
  RTCF_BROADCAST,
  RTCF_MULTICAST,
  type Rtable,
  type SkBuff,
  skbPut,
} from '@packetwalk/framework';
import { countIcmpOut } from './icmp-mib.ts';
import { ipDstMtu } from './ip-mtu.ts';
import { type IpOptions, ipOptionsBuild, ipOptionsEcho } from './ip-options-echo.ts';
import { ipLocalOut, ipPushHeader } from './ip-output.ts';
import { type Ipv4, ipv4Of, skbRtable } from './ipv4.ts';
import { fibComputeSpecDst, icmpErrorSource } from './source-address.ts';

/** Errors are cut to this size, IP header included: the largest packet that any host must take (RFC 1812 §4.3.2.3). */
const ICMP_ERROR_MAX = 576;
/** Precedence "internetwork control", which errors have (RFC 1812 §4.3.2.5), and the TOS bits that they keep. */
const IPTOS_PREC_INTERNETCONTROL = 0xc0;
const IPTOS_TOS_MASK = 0x1e;
/** Source of errors of a router without any address (RFC 7600 §4.8). */
const INADDR_DUMMY = 0xc0000008 | 0;

/**
 * Types that are known not to be errors: echo, time stamp, information and address mask, requests and replies. All others
 * are taken for errors, unassigned ones too.
 */
const ICMP_QUERIES = (1 << 0) | (1 << 8) | (0x3f << 13);

/** A message to be sent: type, code, the word behind the checksum, and a body copied from `bytes`. */
export interface IcmpMessage {
  readonly type: number;
  readonly code: number;
  readonly info: number;
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

/** True when RFC 1122 §3.2.2 forbids any error about this packet. */
function mustNotAnswer(skb: SkBuff, rt: Rtable): boolean {
  if (skb.pktType !== PACKET_HOST) return true;
  if ((rt.rtFlags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0) return true;
  const { view } = skb.head;
  const ip = skb.networkHeader;
  if ((view.getUint16(ip + IP_FRAG_OFF) & IP_OFFSET) !== 0) return true;
  if (view.getUint8(ip + IP_PROTOCOL) !== IPPROTO_ICMP) return false;
  const inner = ip + ((view.getUint8(ip) & 15) << 2) + ICMP_TYPE;
  if (inner >= skb.data + skb.len) return true;
  const type = view.getUint8(inner);
  return type > NR_ICMP_TYPES || ((1 << type) & ICMP_QUERIES) === 0;
}

/**
 * Tells the sender of `skb` what went wrong with it, if that is allowed; the packet stays the caller's. See the service
 * IcmpSend.
 */
export function icmpSend(skb: SkBuff, type: number, code: number, info: number): void {
  if (skb.dst === null || skb.networkHeader + IP_HLEN > skb.data + skb.len) return;
  const rt = skbRtable(skb);
  if (mustNotAnswer(skb, rt)) return;
  const ipv4 = ipv4Of(skb);
  if (ipv4.icmpBusy) return;
  const { icmpLimit } = ipv4;
  // What comes by loopback is not held back.
  const limited = !icmpLimit.unlimited(type, code) && (skb.dev.flags & IFF_LOOPBACK) === 0;
  if (limited && !icmpLimit.globalAllow()) return;
  const { view, buf } = skb.head;
  const ip = skb.networkHeader;
  const options = ipOptionsEcho(ipv4, skb);
  if (options === null) return;
  const tos = (view.getUint8(ip + IP_TOS) & IPTOS_TOS_MASK) | IPTOS_PREC_INTERNETCONTROL;
  const sender = view.getInt32(ip + IP_SADDR);
  const flow = replyFlow(ipv4, skb, options, sender, icmpErrorSource(skb, rt), tos);
  flow.sport = type;
  flow.dport = code;
  const back = ipv4.routing.routeOutput(flow);
  if (typeof back === 'number') return;
  if (limited && !icmpLimit.hostAllow(back, flow.daddr)) return;
  const room = Math.min(ipDstMtu(back, false), ICMP_ERROR_MAX) - IP_HLEN - options.optlen - ICMP_HLEN;
  // The quoted header at least must fit, or the message means nothing.
  if (room <= IP_HLEN) return;
  if (flow.saddr === 0) flow.saddr = INADDR_DUMMY;
  const length = Math.min(skb.data + skb.len - ip, room);
  pushMessage(skb, back, flow, tos, options, sender, { type, code, info, bytes: buf, offset: ip, length });
}

/** Answers the packet `skb`, which was for this router, with a message of the same kind (icmp_reply). */
export function icmpReply(skb: SkBuff, message: IcmpMessage): void {
  const ipv4 = ipv4Of(skb);
  if (ipv4.icmpBusy) return;
  const { icmpLimit } = ipv4;
  const options = ipOptionsEcho(ipv4, skb);
  if (options === null) return;
  const limited = !icmpLimit.unlimited(message.type, message.code);
  if (limited && !icmpLimit.globalAllow()) return;
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const sender = view.getInt32(ip + IP_SADDR);
  const tos = view.getUint8(ip + IP_TOS);
  // Linux looks replies up, and counts them, as type 0 whatever they are.
  const flow = replyFlow(ipv4, skb, options, sender, fibComputeSpecDst(skb), tos);
  const back = ipv4.routing.routeOutput(flow);
  if (typeof back === 'number') return;
  if (limited && !icmpLimit.hostAllow(back, flow.daddr)) return;
  pushMessage(skb, back, flow, tos, options, sender, message);
}

function replyFlow(ipv4: Ipv4, skb: SkBuff, options: IpOptions, daddr: number, saddr: number, tos: number): Flow {
  return {
    daddr: options.srr !== 0 ? options.faddr : daddr,
    saddr,
    tos,
    iif: 0,
    oif: 0,
    mark: ipv4.fwmarkReflect !== 0 ? skb.mark : 0,
    protocol: IPPROTO_ICMP,
    scope: RT_SCOPE_UNIVERSE,
    sport: 0,
    dport: 0,
    flags: 0,
  };
}

/**
 * Makes the packet and sends it by the route that `flow` found; `daddr` is the final destination when the options hold a
 * source route.
 */
function pushMessage(cause: SkBuff, rt: Rtable, flow: Flow, tos: number, options: IpOptions, daddr: number, message: IcmpMessage): void {
  const { net } = cause;
  const { type, code, info, bytes, offset, length } = message;
  const size = ICMP_HLEN + length;
  if (IP_HLEN + options.optlen + size > IP_MAX_MTU) {
    net.icmpMib[ICMP_MIB_OUTERRORS]++;
    return;
  }
  const skb = allocSkb(net, rt.dev, size);
  const icmp = skbPut(skb, size);
  const { buf, view } = skb.head;
  view.setUint8(icmp + ICMP_TYPE, type);
  view.setUint8(icmp + ICMP_CODE, code);
  view.setUint16(icmp + ICMP_CHECKSUM, 0);
  view.setInt32(icmp + ICMP_GATEWAY, info);
  buf.set(bytes.subarray(offset, offset + length), icmp + ICMP_HLEN);
  // Over nothing but zeroes the sum has two forms; Linux sends this one.
  const check = ipComputeCsum(view, icmp, size);
  view.setUint16(icmp + ICMP_CHECKSUM, check === 0xffff ? 0 : check);
  skb.dst = rt;
  skb.mark = flow.mark;
  // The answer belongs to the walk of the packet that caused it.
  skb.trace = cause.trace;
  if (icmpIsError(type)) nfCtAttach(skb, cause);
  if (skb.trace !== 0) net.tracer.stage(skb, 'icmpPushReply', icmpName(type, code));
  ipPushHeader(skb, rt, { saddr: flow.saddr, daddr: flow.daddr, protocol: IPPROTO_ICMP, tos }, options.optlen);
  ipOptionsBuild(skb, options, daddr, rt);
  const ipv4 = ipv4Of(cause);
  countIcmpOut(ipv4, flow.sport);
  // One at a time: what becomes of it on its way out makes no other one (icmp_xmit_lock).
  ipv4.icmpBusy = true;
  try {
    ipLocalOut(skb);
  } finally {
    ipv4.icmpBusy = false;
  }
}
