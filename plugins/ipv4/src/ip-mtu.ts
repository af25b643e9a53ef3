/** ip-mtu.ts — how large a packet towards a destination may be (RFC 1191 §3; cf. Linux include/net/ip.h). */
import { type DstEntry, type Flow, IP_MAX_MTU, type Rtable } from '@packetwalk/framework';
import type { Ipv4 } from './ipv4.ts';

/** MTU of a next hop that lies behind a gateway and whose path MTU is too small to be believed. */
const LOCKED_MTU = 576;

/**
 * MTU towards `dst` (ip_dst_mtu_maybe_forward). A router does not believe what ICMP says about the paths of others:
 * with `forwarding` a learned path MTU counts only when ip_forward_use_pmtu is set or the route locks its MTU.
 */
export function ipDstMtu(dst: DstEntry, forwarding: boolean): number {
  // Neither route nor path has an MTU of its own: the common case. No packet is longer than IP_MAX_MTU, so no need to look.
  if (dst.mtu === 0 && dst.pmtu === 0) return dst.dev.mtu;
  const { net } = dst.dev;
  const rt = dst as Rtable;
  const believe = !forwarding || rt.rtMtuLocked || (net.ipv4 as Ipv4).ipForwardUsePmtu !== 0;
  if (believe && dst.pmtu !== 0 && (dst.expires === 0 || net.softirq.jiffies < dst.expires)) return dst.pmtu;
  if (dst.mtu !== 0) return Math.min(dst.mtu, IP_MAX_MTU);
  const mtu = Math.min(dst.dev.mtu, IP_MAX_MTU);
  return rt.rtMtuLocked && rt.rtUsesGateway ? Math.min(mtu, LOCKED_MTU) : mtu;
}

/** Longest packet of a flow made here that its path takes in one piece, with the transforms that it gets. */
export function ipFlowMtu(rt: Rtable, flow: Flow): number {
  const { xfrm } = rt.dev.net;
  return xfrm === null ? ipDstMtu(rt, false) : Math.min(ipDstMtu(rt, false), xfrm.routeMtu(rt, flow));
}
