/**
 * ip-forward.ts — packets that go on: strict routes, time to live, size, redirects, then FORWARD (RFC 1812 §5.2.1, §5.3.1;
 * cf. Linux net/ipv4/ip_forward.c).
 */
import {
  dstOutput,
  ICMP_DEST_UNREACH,
  ICMP_EXC_TTL,
  ICMP_FRAG_NEEDED,
  ICMP_SR_FAILED,
  ICMP_TIME_EXCEEDED,
  IP_DF,
  IP_FRAG_OFF,
  IP_TOS,
  IP_TTL,
  IPSTATS_MIB_FRAGFAILS,
  IPSTATS_MIB_INHDRERRORS,
  IPSTATS_MIB_OUTFORWDATAGRAMS,
  ipDecreaseTtl,
  kfreeSkb,
  NF_IP_FORWARD,
  nfHook,
  PACKET_HOST,
  PF_INET,
  RTCF_DOREDIRECT,
  type Rtable,
  SKB_DROP_REASON_IP_NOT_FORWARDABLE,
  SKB_DROP_REASON_IP_SOURCE_ROUTED,
  SKB_DROP_REASON_IP_TTL,
  SKB_DROP_REASON_PKT_TOO_BIG,
  SKB_DROP_REASON_XFRM_POLICY,
  type SkBuff,
  skbCow,
  XFRM_POLICY_FWD,
} from '@packetwalk/framework';
import { icmpSend } from './icmp-send.ts';
import { ipDstMtu } from './ip-mtu.ts';
import { ipForwardOptions } from './ip-options.ts';
import {
  IPOPT_STRICTROUTE,
  IPSKB_DOREDIRECT,
  IPSKB_FORWARDED,
  IPSKB_IGNORE_DF,
  ipcbFragMaxSize,
  ipcbRouterAlert,
  ipcbSrr,
} from './ipcb.ts';
import { ipv4Of } from './ipv4.ts';
import { ipCallRaChain } from './raw.ts';

/** Queueing priority by the four TOS bits (ip_tos2prio): best effort 0, bulk 2, interactive bulk 4, interactive 6. */
const PRIORITIES = Uint8Array.of(0, 0, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4);

/** The queueing priority that a TOS byte stands for (rt_tos2priority). */
export function rtTos2priority(tos: number): number {
  return PRIORITIES[(tos & 0x1e) >>> 1];
}

/** A packet for somebody else. An input slot of routes. */
export function ipForward(skb: SkBuff): number {
  const { net } = skb;
  if (skb.pktType !== PACKET_HOST) {
    kfreeSkb(skb, SKB_DROP_REASON_IP_NOT_FORWARDABLE);
    return -1;
  }
  const { xfrm } = net;
  if (xfrm !== null && !xfrm.policyCheck(skb, XFRM_POLICY_FWD)) {
    kfreeSkb(skb, SKB_DROP_REASON_XFRM_POLICY);
    return -1;
  }
  if (skb.cb1 !== 0 && ipcbRouterAlert(skb) !== 0 && ipCallRaChain(skb)) return 0;
  if (skb.head.view.getUint8(skb.networkHeader + IP_TTL) <= 1) {
    net.ipMib[IPSTATS_MIB_INHDRERRORS]++;
    icmpSend(skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
    kfreeSkb(skb, SKB_DROP_REASON_IP_TTL);
    return -1;
  }
  if (xfrm !== null && !xfrm.routeForward(skb)) {
    kfreeSkb(skb, SKB_DROP_REASON_XFRM_POLICY);
    return -1;
  }
  const rt = skb.dst as Rtable;
  if ((skb.cb2 & IPOPT_STRICTROUTE) !== 0 && rt.rtUsesGateway) {
    icmpSend(skb, ICMP_DEST_UNREACH, ICMP_SR_FAILED, 0);
    kfreeSkb(skb, SKB_DROP_REASON_IP_SOURCE_ROUTED);
    return -1;
  }
  net.ipMib[IPSTATS_MIB_OUTFORWDATAGRAMS]++;
  skb.cb0 |= IPSKB_FORWARDED;
  const mtu = ipDstMtu(rt, true);
  if (skb.len > mtu && exceedsMtu(skb, mtu)) {
    net.ipMib[IPSTATS_MIB_FRAGFAILS]++;
    icmpSend(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
    kfreeSkb(skb, SKB_DROP_REASON_PKT_TOO_BIG);
    return -1;
  }
  skbCow(skb, rt.dev.hardHeaderLen + rt.headerLen);
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const ttl = ipDecreaseTtl(view, ip);
  if (skb.trace !== 0) net.tracer.stage(skb, 'ipDecreaseTtl', `ttl ${ttl}`);
  if (((skb.cb0 & IPSKB_DOREDIRECT) | (rt.rtFlags & RTCF_DOREDIRECT)) !== 0 && ipcbSrr(skb) === 0 && skb.secPath === null) {
    ipv4Of(skb).routing.sendRedirect(skb);
  }
  if (ipv4Of(skb).ipForwardUpdatePriority !== 0) skb.priority = rtTos2priority(view.getUint8(ip + IP_TOS));
  return nfHook(PF_INET, NF_IP_FORWARD, skb, skb.dev, rt.dev, ipForwardFinish);
}

/** A packet longer than the MTU that may not be cut (ip_exceeds_mtu). */
function exceedsMtu(skb: SkBuff, mtu: number): boolean {
  if ((skb.head.view.getUint16(skb.networkHeader + IP_FRAG_OFF) & IP_DF) === 0) return false;
  if (ipcbFragMaxSize(skb) > mtu) return true;
  // An offloaded packet leaves as segments of gsoSize.
  return (skb.cb0 & IPSKB_IGNORE_DF) === 0 && skb.gsoSize === 0;
}

/** Behind FORWARD. */
export function ipForwardFinish(skb: SkBuff): number {
  if ((skb.cb1 | skb.cb2) !== 0) ipForwardOptions(skb);
  return dstOutput(skb);
}
