/** arp-send.ts — making and sending ARP packets, and asking for a neighbour (RFC 826; cf. Linux net/ipv4/arp.c). */
import {
  ARP_HLN,
  ARP_HRD,
  ARP_LEN,
  ARP_OP,
  ARP_PLN,
  ARP_PRO,
  ARP_SHA,
  ARP_SIP,
  ARP_THA,
  ARP_TIP,
  ARPOP_REQUEST,
  allocSkb,
  devQueueXmit,
  ETH_ALEN,
  ETH_DST,
  ETH_HLEN,
  ETH_P_ARP,
  ETH_P_IP,
  ETH_SRC,
  ETH_TYPE,
  formatIpv4,
  IFF_NOARP,
  type InDevice,
  IP_SADDR,
  type NetDevice,
  NF_ARP_OUT,
  nfHook,
  PF_ARP,
  RT_SCOPE_LINK,
  RTN_LOCAL,
  type SkBuff,
  skbPush,
  skbPut,
} from '@packetwalk/framework';
import type { Arp } from './arp.ts';
import { hasEthernetHeader } from './link-layer.ts';
import type { NeighbourEntry } from './neighbour-entry.ts';
import { ARP_REPLIES_OUT, ARP_REQUESTS_OUT } from './neighbour-stat.ts';

/** Length of an IPv4 address in an ARP packet. */
const IPV4_ALEN = 4;

/** What an ARP packet says; addresses are int32 and 6 bytes. */
export interface ArpMessage {
  readonly op: number;
  readonly senderIp: number;
  readonly targetIp: number;
  /** Where the frame goes; null: to everybody. */
  readonly destHw: Uint8Array | null;
  /** Target hardware address in the packet; null: zeros. */
  readonly targetHw: Uint8Array | null;
}

/** Sends an ARP packet from `dev` with the device's own address, unless the device does no ARP (arp_send). */
export function arpSend(arp: Arp, dev: NetDevice, message: ArpMessage): void {
  if ((dev.flags & IFF_NOARP) !== 0 || !hasEthernetHeader(dev)) return;
  const skb = allocSkb(arp.net, dev, ARP_LEN);
  skb.protocol = ETH_P_ARP;
  const at = skbPut(skb, ARP_LEN);
  const { buf, view } = skb.head;
  view.setUint16(at + ARP_HRD, dev.type);
  view.setUint16(at + ARP_PRO, ETH_P_IP);
  buf[at + ARP_HLN] = ETH_ALEN;
  buf[at + ARP_PLN] = IPV4_ALEN;
  view.setUint16(at + ARP_OP, message.op);
  buf.set(dev.address, at + ARP_SHA);
  view.setInt32(at + ARP_SIP, message.senderIp);
  if (message.targetHw !== null) buf.set(message.targetHw, at + ARP_THA);
  else buf.fill(0, at + ARP_THA, at + ARP_THA + ETH_ALEN);
  view.setInt32(at + ARP_TIP, message.targetIp);
  const mac = skbPush(skb, ETH_HLEN);
  skb.macHeader = mac;
  buf.set(message.destHw ?? dev.broadcast, mac + ETH_DST);
  buf.set(dev.address, mac + ETH_SRC);
  view.setUint16(mac + ETH_TYPE, ETH_P_ARP);
  arp.stats[message.op === ARPOP_REQUEST ? ARP_REQUESTS_OUT : ARP_REPLIES_OUT]++;
  nfHook(PF_ARP, NF_ARP_OUT, skb, null, dev, devQueueXmit);
}

/** Asks for the address of a neighbour; `skb` is the last packet that waits for it (arp_solicit). */
export function arpSolicit(arp: Arp, neigh: NeighbourEntry, skb: SkBuff | null): void {
  const { dev, key: targetIp } = neigh;
  const { ucastProbes, appProbes } = neigh.parms.vars;
  const inDev = arp.devices.of(dev);
  const senderIp = announcedSource(arp, inDev, targetIp, skb) || arp.devices.selectAddr(dev, targetIp, RT_SCOPE_LINK);
  const unicast = neigh.probes < ucastProbes;
  if (!unicast && neigh.probes < ucastProbes + appProbes) {
    arp.net.notifier.emit('neigh:miss', neigh);
    return;
  }
  if (skb !== null && skb.trace !== 0) {
    arp.net.tracer.stage(skb, 'arpSolicit', `who has ${formatIpv4(targetIp)}, tell ${formatIpv4(senderIp)}, dev ${dev.name}`);
  }
  arpSend(arp, dev, { op: ARPOP_REQUEST, senderIp, targetIp, destHw: unicast ? neigh.ha.slice() : null, targetHw: null });
}

/**
 * The source of the waiting packet, if arp_announce lets it stand in the request: 0 any local one, 1 only when it is
 * in a subnet of the device together with the target, 2 none. 0 when it may not.
 */
function announcedSource(arp: Arp, inDev: InDevice, target: number, skb: SkBuff | null): number {
  const level = Math.max(arp.devices.all.arpAnnounce, inDev.cnf.arpAnnounce);
  if (skb === null || level === 2) return 0;
  const saddr = skb.head.view.getInt32(skb.networkHeader + IP_SADDR);
  if (arp.routing.addrType(saddr) !== RTN_LOCAL) return 0;
  return level !== 1 || onLink(inDev, target, saddr) ? saddr : 0;
}

/** Some subnet of the device holds both addresses (inet_addr_onlink). */
function onLink(inDev: InDevice, a: number, b: number): boolean {
  return inDev.ifaList.some((ifa) => ((a ^ ifa.address) & ifa.mask) === 0 && ((b ^ ifa.address) & ifa.mask) === 0);
}

/** Tells the link all addresses of a device: it came up, or its hardware address changed (inetdev_send_gratuitous_arp). */
export function arpAnnounce(arp: Arp, dev: NetDevice): void {
  for (const { local } of arp.devices.of(dev).ifaList) {
    arpSend(arp, dev, { op: ARPOP_REQUEST, senderIp: local, targetIp: local, destHw: null, targetHw: null });
  }
}
