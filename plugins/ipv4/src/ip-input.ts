/**
 * ip-input.ts — IPv4 packets that come in: every check of the header, once (RFC 1812 §5.2.2, RFC 1122 §3.2.1), then the
 * route, then delivery to a protocol (cf. Linux net/ipv4/ip_input.c).
 */
import {
  consumeSkb,
  dstInput,
  ICMP_DEST_UNREACH,
  ICMP_PROT_UNREACH,
  IP_DADDR,
  IP_DEFRAG_LOCAL_DELIVER,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_ID,
  IP_MF,
  IP_OFFSET,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IP_TTL,
  IPSTATS_MIB_CSUMERRORS,
  IPSTATS_MIB_INBCASTOCTETS,
  IPSTATS_MIB_INBCASTPKTS,
  IPSTATS_MIB_INDELIVERS,
  IPSTATS_MIB_INHDRERRORS,
  IPSTATS_MIB_INMCASTOCTETS,
  IPSTATS_MIB_INMCASTPKTS,
  IPSTATS_MIB_INOCTETS,
  IPSTATS_MIB_INPKTS,
  IPSTATS_MIB_INTRUNCATEDPKTS,
  IPSTATS_MIB_INUNKNOWNPROTOS,
  IPSTATS_MIB_NOECTPKTS,
  ipComputeCsum,
  kfreeSkb,
  NF_IP_LOCAL_IN,
  NF_IP_PRE_ROUTING,
  nfHook,
  PACKET_HOST,
  PACKET_OTHERHOST,
  PF_INET,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  type Rtable,
  SKB_DROP_REASON_IP_CSUM,
  SKB_DROP_REASON_IP_INHDR,
  SKB_DROP_REASON_IP_NOPROTO,
  SKB_DROP_REASON_OTHERHOST,
  SKB_DROP_REASON_PKT_TOO_SMALL,
  SKB_DROP_REASON_UNICAST_IN_L2_MULTICAST,
  SKB_DROP_REASON_XFRM_POLICY,
  type SkBuff,
  XFRM_POLICY_IN,
} from '@packetwalk/framework';
import { icmpSend } from './icmp-send.ts';
import { ipDefrag } from './ip-defrag.ts';
import { ipRcvOptions } from './ip-options.ts';
import { ipv4Of } from './ipv4.ts';
import { rawLocalDeliver } from './raw.ts';

/** Version 4 and a header of five words: what nearly every packet has in its first byte. */
const IP_NO_OPTIONS = 0x45;

/** An IPv4 packet has arrived; `skb.data` is at its header. The packet is gone afterwards. */
export function ipRcv(skb: SkBuff): number {
  const { net } = skb;
  if (skb.trace !== 0) net.tracer.stage(skb, 'ipRcv');
  if (skb.pktType === PACKET_OTHERHOST) {
    kfreeSkb(skb, SKB_DROP_REASON_OTHERHOST);
    return -1;
  }
  const { len, data: ip } = skb;
  const { view } = skb.head;
  const { ipExtMib } = net;
  net.ipMib[IPSTATS_MIB_INPKTS]++;
  ipExtMib[IPSTATS_MIB_INOCTETS] += len;
  if (len < IP_HLEN) return headerError(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
  // Five words have all the fields: reading them one by one costs twice as much.
  const word = view.getInt32(ip);
  const total = word & 0xffff;
  const hlen = (word >>> 22) & 0x3c;
  if (word >>> 24 !== IP_NO_OPTIONS && (word >>> 28 !== 4 || hlen < IP_HLEN)) return headerError(skb, SKB_DROP_REASON_IP_INHDR);
  ipExtMib[IPSTATS_MIB_NOECTPKTS + ((word >>> 16) & 3)]++;
  if (hlen === IP_HLEN) {
    const id = view.getInt32(ip + IP_ID);
    const ttl = view.getInt32(ip + IP_TTL);
    const saddr = view.getInt32(ip + IP_SADDR);
    const daddr = view.getInt32(ip + IP_DADDR);
    const high = (word >>> 16) + (id >>> 16) + (ttl >>> 16) + (saddr >>> 16) + (daddr >>> 16);
    const sum = high + total + (id & 0xffff) + (ttl & 0xffff) + (saddr & 0xffff) + (daddr & 0xffff);
    // Ten halves cannot carry twice, so one fold tells.
    if ((sum & 0xffff) + (sum >>> 16) !== 0xffff) return checksumError(skb);
  } else {
    if (len < hlen) return headerError(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
    if (ipComputeCsum(view, ip, hlen) !== 0) return checksumError(skb);
  }
  if (len < total) {
    ipExtMib[IPSTATS_MIB_INTRUNCATEDPKTS]++;
    kfreeSkb(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
    return -1;
  }
  if (total < hlen) return headerError(skb, SKB_DROP_REASON_IP_INHDR);
  // What is behind the packet is padding of the frame.
  skb.len = total;
  skb.networkHeader = ip;
  skb.transportHeader = ip + hlen;
  skb.cb0 = 0;
  skb.cb1 = 0;
  skb.cb2 = 0;
  skb.cb3 = 0;
  return nfHook(PF_INET, NF_IP_PRE_ROUTING, skb, skb.dev, null, ipRcvFinish);
}

function headerError(skb: SkBuff, reason: number): number {
  skb.net.ipMib[IPSTATS_MIB_INHDRERRORS]++;
  kfreeSkb(skb, reason);
  return -1;
}

function checksumError(skb: SkBuff): number {
  skb.net.ipExtMib[IPSTATS_MIB_CSUMERRORS]++;
  return headerError(skb, SKB_DROP_REASON_IP_CSUM);
}

/** Behind PRE_ROUTING: finds the route, unless the packet has one (it comes by loopback, or a hook gave it one). */
export function ipRcvFinish(skb: SkBuff): number {
  const { view } = skb.head;
  const ip = skb.networkHeader;
  if (skb.trace !== 0) skb.net.tracer.stage(skb, 'ipRcvFinish');
  if (skb.dst === null) {
    const { routing } = ipv4Of(skb);
    const reason = routing.routeInput(skb, view.getInt32(ip + IP_DADDR), view.getInt32(ip + IP_SADDR), view.getUint8(ip + IP_TOS), skb.dev);
    if (reason !== 0) {
      kfreeSkb(skb, reason);
      return -1;
    }
  }
  if (view.getUint8(ip) !== IP_NO_OPTIONS && !ipRcvOptions(skb)) return -1;
  if (skb.pktType !== PACKET_HOST || (skb.dst as Rtable).rtType > RTN_LOCAL) {
    if (!acceptMulticast(skb)) return -1;
  }
  return dstInput(skb);
}

/** Counts multicasts and broadcasts; refuses unicast packets in link-layer ones where the device says so (RFC 1122 §3.3.6). */
function acceptMulticast(skb: SkBuff): boolean {
  const { ipExtMib } = skb.net;
  const { rtType } = skb.dst as Rtable;
  if (rtType === RTN_MULTICAST) {
    ipExtMib[IPSTATS_MIB_INMCASTPKTS]++;
    ipExtMib[IPSTATS_MIB_INMCASTOCTETS] += skb.len;
  } else if (rtType === RTN_BROADCAST) {
    ipExtMib[IPSTATS_MIB_INBCASTPKTS]++;
    ipExtMib[IPSTATS_MIB_INBCASTOCTETS] += skb.len;
  } else if (skb.pktType !== PACKET_HOST) {
    const { inDev } = skb.dev;
    if (inDev !== null && (inDev.cnf.dropUnicastInL2Multicast | ipv4Of(skb).inet.all.dropUnicastInL2Multicast) !== 0) {
      kfreeSkb(skb, SKB_DROP_REASON_UNICAST_IN_L2_MULTICAST);
      return false;
    }
  }
  return true;
}

/** A packet for this router: made whole first. An input slot of routes. */
export function ipLocalDeliver(skb: SkBuff): number {
  const { view } = skb.head;
  if ((view.getUint16(skb.networkHeader + IP_FRAG_OFF) & (IP_MF | IP_OFFSET)) !== 0) {
    if (ipDefrag(skb, IP_DEFRAG_LOCAL_DELIVER) !== 0) return 0;
  }
  return nfHook(PF_INET, NF_IP_LOCAL_IN, skb, skb.dev, null, ipLocalDeliverFinish);
}

/** Behind LOCAL_IN: hands the packet, its data at the transport header, to its protocol. */
export function ipLocalDeliverFinish(skb: SkBuff): number {
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const hlen = (view.getUint8(ip) & 15) << 2;
  if (skb.trace !== 0) skb.net.tracer.stage(skb, 'ipLocalDeliverFinish', `protocol ${view.getUint8(ip + IP_PROTOCOL)}`);
  skb.data = ip + hlen;
  skb.len -= hlen;
  skb.transportHeader = skb.data;
  return ipProtocolDeliver(skb, view.getUint8(ip + IP_PROTOCOL));
}

/** May the packet be delivered? If not, it is gone (xfrm4_policy_check). */
export function xfrmPolicyIn(skb: SkBuff): boolean {
  const { xfrm } = skb.net;
  if (xfrm === null || xfrm.policyCheck(skb, XFRM_POLICY_IN)) return true;
  kfreeSkb(skb, SKB_DROP_REASON_XFRM_POLICY);
  return false;
}

/** Hands a packet to the handler of `protocol`, and of the next one while handlers take headers off. */
export function ipProtocolDeliver(skb: SkBuff, protocol: number): number {
  const ipv4 = ipv4Of(skb);
  const { ipMib } = skb.net;
  for (let number = protocol; ; ) {
    const raw = rawLocalDeliver(ipv4, skb, number);
    const handler = ipv4.protocols.get(number);
    if (handler === null) {
      if (raw) {
        ipMib[IPSTATS_MIB_INDELIVERS]++;
        consumeSkb(skb);
      } else if (xfrmPolicyIn(skb)) {
        ipMib[IPSTATS_MIB_INUNKNOWNPROTOS]++;
        icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
        kfreeSkb(skb, SKB_DROP_REASON_IP_NOPROTO);
      }
      return 0;
    }
    if (handler.noPolicy !== true && !xfrmPolicyIn(skb)) return 0;
    const next = handler.handler(skb);
    if (next >= 0) break;
    number = -next;
  }
  ipMib[IPSTATS_MIB_INDELIVERS]++;
  return 0;
}
