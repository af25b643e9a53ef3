/**
 * arp.ts — what IPv4 tells the neighbour table: how an address is kept, which addresses need no asking, how to ask,
 * and what to do when nobody answers (RFC 826, RFC 1122 §2.3.2; cf. Linux net/ipv4/arp.c).
 */
import {
  dstExpireNow,
  ICMP_DEST_UNREACH,
  ICMP_HOST_UNREACH,
  type IcmpSend,
  IFF_LOOPBACK,
  IFF_POINTOPOINT,
  type InetDevices,
  ipv4IsMulticast,
  kfreeSkb,
  type Net,
  type NetDevice,
  NUD_NOARP,
  NUD_VALID,
  PF_INET,
  type Random,
  type Routing,
  SKB_DROP_REASON_NEIGH_FAILED,
  type SkBuff,
  type Slot,
} from '@packetwalk/framework';
import { arpProcess } from './arp-rcv.ts';
import { arpSolicit } from './arp-send.ts';
import { fixedAddress, hasEthernetHeader, hasLinkHeader } from './link-layer.ts';
import type { NeighbourEntry } from './neighbour-entry.ts';
import { ARP_DIRECT_OUTPUTS, ARP_GENERIC_OUTPUTS, ARP_HH_OUTPUTS } from './neighbour-output.ts';
import { NeighbourTable, type NeighProtocol } from './neighbour-table.ts';
import { ProxyQueue } from './proxy-queue.ts';
import { ProxyTable } from './proxy-table.ts';

/** Services of other plugins that ARP stands on. */
export interface ArpServices {
  readonly devices: InetDevices;
  readonly routing: Routing;
  /** Tells senders that a host is unreachable, once IPv4 is there to do it. */
  readonly icmp: Slot<IcmpSend>;
}

/** Hears each ARP packet that comes to a device, whoever it is for: the packet is at `at`. */
export type ArpHeard = (dev: NetDevice, view: DataView, at: number, pktType: number) => void;

/** ARP of one router. */
export class Arp implements NeighProtocol {
  readonly family: number = PF_INET;
  readonly net: Net;
  readonly devices: InetDevices;
  readonly routing: Routing;
  readonly stats: Float64Array;
  readonly tbl: NeighbourTable;
  /** Addresses answered for on behalf of others (`ip neigh add proxy`). */
  readonly proxies: ProxyTable = new ProxyTable();
  readonly proxyQueue: ProxyQueue;
  /** Those who listen: empty in ordinary running. */
  readonly listeners: Set<ArpHeard> = new Set();
  /** Behind NF_ARP_IN. */
  readonly process: (skb: SkBuff) => number;
  private readonly icmp: Slot<IcmpSend>;

  constructor(net: Net, services: ArpServices, stats: Float64Array, random: Random) {
    this.net = net;
    this.devices = services.devices;
    this.routing = services.routing;
    this.icmp = services.icmp;
    this.stats = stats;
    this.tbl = new NeighbourTable(net, this, stats, random);
    this.process = (skb) => arpProcess(this, skb, false);
    this.proxyQueue = new ProxyQueue(net.softirq, random, (skb) => arpProcess(this, skb, true));
  }

  dispose(): void {
    this.proxyQueue.dispose();
    this.tbl.dispose();
  }

  /** On a device with one other end, or none, all next hops are one neighbour. */
  primaryKey(key: number, dev: NetDevice): number {
    return (dev.flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) !== 0 ? 0 : key;
  }

  isMulticast(key: number): boolean {
    return ipv4IsMulticast(key);
  }

  /** arp_constructor */
  construct(neigh: NeighbourEntry): void {
    const { dev, key } = neigh;
    neigh.type = this.routing.addrType(key);
    if (!hasLinkHeader(dev)) {
      neigh.outputs = ARP_DIRECT_OUTPUTS;
      neigh.nudState = NUD_NOARP;
    } else {
      neigh.outputs = hasEthernetHeader(dev) ? ARP_HH_OUTPUTS : ARP_GENERIC_OUTPUTS;
      const fixed = fixedAddress(key, neigh.type, dev);
      if (fixed !== null) {
        neigh.ha.set(fixed);
        neigh.nudState = NUD_NOARP;
      }
    }
    neigh.updateHeader();
    neigh.output = (neigh.nudState & NUD_VALID) !== 0 ? neigh.outputs.connectedOutput : neigh.outputs.output;
  }

  solicit(neigh: NeighbourEntry, skb: SkBuff | null): void {
    arpSolicit(this, neigh, skb);
  }

  /** Nobody answered (arp_error_report, ipv4_link_failure): the sender hears host unreachable. */
  errorReport(_neigh: NeighbourEntry, skb: SkBuff): void {
    if (skb.trace !== 0) this.net.tracer.stage(skb, 'arpErrorReport', 'nobody answered');
    this.icmp.value?.icmpSend(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
    if (skb.dst !== null) dstExpireNow(skb.dst);
    kfreeSkb(skb, SKB_DROP_REASON_NEIGH_FAILED);
  }
}
