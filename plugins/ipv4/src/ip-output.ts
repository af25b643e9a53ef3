/**
 * ip-output.ts — packets on their way out: the header of those made here, LOCAL_OUT, POST_ROUTING, the size, and the
 * neighbour (RFC 1122 §3.2.1; cf. Linux net/ipv4/ip_output.c).
 */
import {
  type DstEntry,
  devLoopbackXmit,
  dstOutput,
  ETH_P_IP,
  formatIpv4,
  IP_DADDR,
  IP_DF,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_ID,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IP_TOT_LEN,
  IP_TTL,
  IP_VERSION_IHL,
  IPSTATS_MIB_OUTBCASTOCTETS,
  IPSTATS_MIB_OUTBCASTPKTS,
  IPSTATS_MIB_OUTMCASTOCTETS,
  IPSTATS_MIB_OUTMCASTPKTS,
  IPSTATS_MIB_OUTOCTETS,
  IPSTATS_MIB_OUTPKTS,
  IPSTATS_MIB_OUTREQUESTS,
  type IpHeaderInit,
  ipSendCheck,
  kfreeSkb,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  nfHook,
  PF_INET,
  RTCF_BROADCAST,
  RTCF_LOCAL,
  RTCF_MULTICAST,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  type Rtable,
  SKB_DROP_REASON_IP_TTL,
  SKB_DROP_REASON_NEIGH_CREATEFAIL,
  SKB_DROP_REASON_XFRM_POLICY,
  type SkBuff,
  skbClone,
  skbCow,
  skbPush,
} from '@packetwalk/framework';
import { ipFragment } from './ip-fragment.ts';
import { ipDstMtu } from './ip-mtu.ts';
import { IPSKB_FORWARDED, IPSKB_REROUTED } from './ipcb.ts';
import { type Ipv4, ipv4Of } from './ipv4.ts';

/** TTL of packets made here by this route, when nobody said one (ip_select_ttl). */
export function ipSelectTtl(rt: Rtable): number {
  return rt.hoplimit !== 0 ? rt.hoplimit : (rt.dev.net.ipv4 as Ipv4).ipDefaultTtl;
}

/**
 * Puts a header of 20 + `optionsLength` bytes in front of the payload; the options, total length and checksum are left
 * to be filled in. The packet may be cut unless `df`, and has a fresh identification if so.
 */
export function ipPushHeader(skb: SkBuff, rt: Rtable, header: IpHeaderInit, optionsLength = 0): void {
  const ip = skbPush(skb, IP_HLEN + optionsLength);
  const { view } = skb.head;
  skb.networkHeader = ip;
  skb.transportHeader = ip + IP_HLEN + optionsLength;
  skb.protocol = ETH_P_IP;
  const { saddr, daddr, protocol, df = false, ident = false } = header;
  view.setUint8(ip + IP_VERSION_IHL, 0x45 + (optionsLength >>> 2));
  view.setUint8(ip + IP_TOS, header.tos ?? 0);
  view.setUint16(ip + IP_FRAG_OFF, df ? IP_DF : 0);
  // A packet that is never cut needs no identification (RFC 6864 §4.1).
  view.setUint16(ip + IP_ID, df && !ident ? 0 : ipv4Of(skb).idents.next(saddr, daddr, protocol));
  view.setUint8(ip + IP_TTL, header.ttl ?? ipSelectTtl(rt));
  view.setUint8(ip + IP_PROTOCOL, protocol);
  view.setInt32(ip + IP_SADDR, saddr);
  view.setInt32(ip + IP_DADDR, daddr);
}

/** Puts a header in front of the payload at `skb.data` and sends it by `rt` (ip_build_and_send_pkt). */
export function ipBuildAndSendPkt(skb: SkBuff, rt: Rtable, header: IpHeaderInit): number {
  ipPushHeader(skb, rt, header);
  skb.dst = rt;
  return ipLocalOut(skb);
}

/** Sends a complete packet that was made here and has its dst: total length and checksum, then LOCAL_OUT. */
export function ipLocalOut(skb: SkBuff): number {
  const { net } = skb;
  const { view } = skb.head;
  const ip = skb.networkHeader;
  net.ipMib[IPSTATS_MIB_OUTREQUESTS]++;
  view.setUint16(ip + IP_TOT_LEN, skb.len);
  ipSendCheck(view, ip);
  skb.protocol = ETH_P_IP;
  const { tracer } = net;
  if (tracer.filter !== null && skb.trace === 0 && tracer.filter(skb)) skb.trace = tracer.id();
  if (skb.trace !== 0) tracer.stage(skb, 'ipLocalOut');
  if (net.xfrm !== null && !net.xfrm.routeOutput(skb)) {
    kfreeSkb(skb, SKB_DROP_REASON_XFRM_POLICY);
    return -1;
  }
  return nfHook(PF_INET, NF_IP_LOCAL_OUT, skb, null, (skb.dst as DstEntry).dev, dstOutput);
}

/** Sends a packet that a transform made of another: it was made once, and met its policies (__ip_local_out). */
export function ipLocalOutAgain(skb: SkBuff): number {
  const { view } = skb.head;
  const ip = skb.networkHeader;
  skb.net.ipMib[IPSTATS_MIB_OUTREQUESTS]++;
  view.setUint16(ip + IP_TOT_LEN, skb.len);
  ipSendCheck(view, ip);
  skb.protocol = ETH_P_IP;
  return nfHook(PF_INET, NF_IP_LOCAL_OUT, skb, null, (skb.dst as DstEntry).dev, dstOutput);
}

/** Out by the route's device. An output slot of routes. */
export function ipOutput(skb: SkBuff): number {
  const { dev } = skb.dst as DstEntry;
  const indev = skb.iif === 0 ? null : skb.dev;
  skb.dev = dev;
  skb.protocol = ETH_P_IP;
  if ((skb.cb0 & IPSKB_REROUTED) !== 0) return ipFinishOutput(skb);
  return nfHook(PF_INET, NF_IP_POST_ROUTING, skb, indev, dev, ipFinishOutput);
}

/** Out, and back in for this router's own listeners: multicasts and broadcasts made here. An output slot of routes. */
export function ipMcOutput(skb: SkBuff): number {
  const rt = skb.dst as Rtable;
  const indev = skb.iif === 0 ? null : skb.dev;
  skb.dev = rt.dev;
  skb.protocol = ETH_P_IP;
  if ((rt.rtFlags & RTCF_MULTICAST) !== 0) {
    if ((rt.rtFlags & RTCF_LOCAL) !== 0) loopBack(skb);
    // TTL 0: listeners on this host only.
    if (skb.head.view.getUint8(skb.networkHeader + IP_TTL) === 0) {
      kfreeSkb(skb, SKB_DROP_REASON_IP_TTL);
      return 0;
    }
  }
  if ((rt.rtFlags & RTCF_BROADCAST) !== 0) loopBack(skb);
  if ((skb.cb0 & IPSKB_REROUTED) !== 0) return ipFinishOutput(skb);
  return nfHook(PF_INET, NF_IP_POST_ROUTING, skb, indev, rt.dev, ipFinishOutput);
}

function loopBack(skb: SkBuff): void {
  const copy = skbClone(skb);
  nfHook(PF_INET, NF_IP_POST_ROUTING, copy, null, copy.dev, ipMcFinishOutput);
}

/** Behind POST_ROUTING: the copy of a multicast that comes back in. */
function ipMcFinishOutput(skb: SkBuff): number {
  devLoopbackXmit(skb);
  return 0;
}

/** Behind POST_ROUTING: another transform if the route has got one, else the size is looked at. */
export function ipFinishOutput(skb: SkBuff): number {
  const dst = skb.dst as DstEntry;
  if (dst.xfrm !== null) {
    // A hook has changed the route for one with a transform: from the start, but past POST_ROUTING.
    skb.cb0 |= IPSKB_REROUTED;
    return dstOutput(skb);
  }
  if (skb.gsoSize === 0) {
    const mtu = ipDstMtu(dst, (skb.cb0 & IPSKB_FORWARDED) !== 0);
    if (skb.len > mtu || skb.cb0 >>> 16 !== 0) return ipFragment(skb, mtu, ipFinishOutput2);
  }
  return ipFinishOutput2(skb);
}

/** Finds the neighbour and gives it the packet. */
export function ipFinishOutput2(skb: SkBuff): number {
  const { net } = skb;
  const rt = skb.dst as Rtable;
  const { dev } = rt;
  net.ipMib[IPSTATS_MIB_OUTPKTS]++;
  net.ipExtMib[IPSTATS_MIB_OUTOCTETS] += skb.len;
  if (rt.rtType > RTN_LOCAL) countMulticast(skb, rt);
  skbCow(skb, dev.hardHeaderLen);
  const nexthop = rt.rtGateway !== 0 ? rt.rtGateway : skb.head.view.getInt32(skb.networkHeader + IP_DADDR);
  let { neighbour } = rt;
  if (neighbour === null || neighbour.key !== nexthop || neighbour.dead) {
    const table = ipv4Of(skb).neighbours.value;
    neighbour = table === null ? null : table.resolve(nexthop, dev);
    if (neighbour === null) {
      kfreeSkb(skb, SKB_DROP_REASON_NEIGH_CREATEFAIL);
      return -1;
    }
    rt.neighbour = neighbour;
  }
  if (skb.trace !== 0) net.tracer.stage(skb, 'ipFinishOutput2', `next hop ${formatIpv4(nexthop)} dev ${dev.name}`);
  return neighbour.output(skb, neighbour);
}

function countMulticast(skb: SkBuff, rt: Rtable): void {
  const { ipExtMib } = skb.net;
  if (rt.rtType === RTN_MULTICAST) {
    ipExtMib[IPSTATS_MIB_OUTMCASTPKTS]++;
    ipExtMib[IPSTATS_MIB_OUTMCASTOCTETS] += skb.len;
  } else if (rt.rtType === RTN_BROADCAST) {
    ipExtMib[IPSTATS_MIB_OUTBCASTPKTS]++;
    ipExtMib[IPSTATS_MIB_OUTBCASTOCTETS] += skb.len;
  }
}
