/**
 * source-address.ts — which of its addresses a router uses towards a host (RFC 1122 §3.3.4; cf. Linux
 * fib_compute_spec_dst, ip_rt_get_source and the source of errors in icmp.c).
 */
import {
  type Flow,
  IP_DADDR,
  IP_SADDR,
  IP_TOS,
  IPPROTO_IP,
  ipv4IsZeronet,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RTCF_BROADCAST,
  RTCF_LOCAL,
  RTCF_MULTICAST,
  type Rtable,
  type SkBuff,
} from '@packetwalk/framework';
import { ipv4Of, skbRtable } from './ipv4.ts';

/** A flow that leaves everything open but what is given. */
function flowTo(daddr: number, tos: number, mark: number): Flow {
  return { daddr, saddr: 0, tos, iif: 0, oif: 0, mark, protocol: IPPROTO_IP, scope: RT_SCOPE_UNIVERSE, sport: 0, dport: 0, flags: 0 };
}

/**
 * The address that a packet would have been sent to if its sender had meant one of this router's: its destination, or
 * for broadcasts and multicasts the source of an answer (fib_compute_spec_dst). 0: there is none.
 */
export function fibComputeSpecDst(skb: SkBuff): number {
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const { rtFlags } = skbRtable(skb);
  if ((rtFlags & (RTCF_BROADCAST | RTCF_MULTICAST | RTCF_LOCAL)) === RTCF_LOCAL) return view.getInt32(ip + IP_DADDR);
  const { routing, inet } = ipv4Of(skb);
  const saddr = view.getInt32(ip + IP_SADDR);
  if (ipv4IsZeronet(saddr)) return inet.selectAddr(skb.dev, saddr, RT_SCOPE_LINK);
  const vmark = skb.dev.inDev !== null && (skb.dev.inDev.cnf.srcValidMark | inet.all.srcValidMark) !== 0;
  const source = routing.prefsrc(flowTo(saddr, view.getUint8(ip + IP_TOS), vmark ? skb.mark : 0));
  return source !== 0 ? source : inet.selectAddr(skb.dev, saddr, RT_SCOPE_UNIVERSE);
}

/** The address that this router has on the side that the packet leaves by: what options record (ip_rt_get_source). */
export function ipRtGetSource(skb: SkBuff, rt: Rtable): number {
  const { view } = skb.head;
  const ip = skb.networkHeader;
  if (!rt.rtIsInput) return view.getInt32(ip + IP_SADDR);
  const daddr = view.getInt32(ip + IP_DADDR);
  const { routing, inet } = ipv4Of(skb);
  const flow = flowTo(daddr, view.getUint8(ip + IP_TOS), skb.mark);
  flow.saddr = view.getInt32(ip + IP_SADDR);
  flow.oif = rt.dev.ifindex;
  flow.iif = skb.dev.ifindex;
  const source = routing.prefsrc(flow);
  return source !== 0 ? source : inet.selectAddr(rt.dev, rt.rtGateway !== 0 ? rt.rtGateway : daddr, RT_SCOPE_UNIVERSE);
}

/**
 * The source of an error about `skb`: the address that the packet was for when that is one of ours; 0, for the route
 * back to decide; or with icmp_errors_use_inbound_ifaddr the address of the device the packet came in by.
 */
export function icmpErrorSource(skb: SkBuff, rt: Rtable): number {
  const { view } = skb.head;
  const ip = skb.networkHeader;
  if ((rt.rtFlags & RTCF_LOCAL) !== 0) return view.getInt32(ip + IP_DADDR);
  const { inet, icmpErrorsUseInboundIfaddr, net } = ipv4Of(skb);
  if (!rt.rtIsInput || icmpErrorsUseInboundIfaddr === 0) return 0;
  const dev = net.devByIndex[skb.iif] ?? null;
  return dev === null ? 0 : inet.selectAddr(dev, view.getInt32(ip + IP_SADDR), RT_SCOPE_LINK);
}
