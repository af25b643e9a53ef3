/**
 * ipv4.ts — the state of IPv4 in one router (cf. Linux struct netns_ipv4). The path finds it at `skb.net.ipv4`, so that
 * stages are plain functions of the packet.
 */
import type { DstEntry, Flow, InetDevices, NeighTable, Net, Routing, Rtable, SkBuff, Slot } from '@packetwalk/framework';
import { IcmpRateLimit } from './icmp-ratelimit.ts';
import { FragQueues } from './inet-fragment.ts';
import { InetProtocolTable } from './inet-protocol.ts';
import { InetPeers } from './inetpeer.ts';
import { IpIdents } from './ip-ident.ts';
import { RawListeners } from './raw.ts';
import { UdpTable } from './udp-sockets.ts';

/** What the packet path asks of routing beyond the service that others see. */
export interface Ipv4Routing extends Routing {
  /** The source address that the FIB prefers for `flow` (fib_lookup, then fib_result_prefsrc); 0 when it has no route. */
  prefsrc(flow: Flow): number;
  /** Tells the sender of a forwarded packet about the better router, if it was not told lately (ip_rt_send_redirect). */
  sendRedirect(skb: SkBuff): void;
}

export class Ipv4 {
  readonly net: Net;
  readonly inet: InetDevices;
  readonly neighbours: Slot<NeighTable>;
  /** Set by plugin.ts before the first packet: routing and the path need each other. */
  routing!: Ipv4Routing;
  readonly protocols: InetProtocolTable;
  readonly raw: RawListeners = new RawListeners();
  readonly peers: InetPeers;
  readonly frags: FragQueues;
  readonly icmpLimit: IcmpRateLimit;
  /** An ICMP message of this router is on its way out. */
  icmpBusy = false;
  readonly idents: IpIdents;
  readonly udp: UdpTable = new UdpTable();
  /** ICMP messages by type, 0 … 255: the `IcmpMsg:` line of /proc/net/snmp. */
  readonly icmpMsgIn: Float64Array = new Float64Array(256);
  readonly icmpMsgOut: Float64Array = new Float64Array(256);
  /** The `ext` slot where packets keep the sizes of their fragments; -1: they do not. */
  fragGeometry = -1;

  /** net.ipv4.* with the kernel's values. Times are in the unit that the sysctl has. */
  ipDefaultTtl = 64;
  ipNoPmtuDisc = 0;
  ipForwardUsePmtu = 0;
  ipForwardUpdatePriority = 1;
  fwmarkReflect = 0;
  icmpEchoIgnoreAll = 0;
  icmpEchoIgnoreBroadcasts = 1;
  icmpIgnoreBogusErrorResponses = 1;
  icmpErrorsUseInboundIfaddr = 0;
  /** Milliseconds between two limited messages to a host. */
  icmpRatelimit = 1000;
  /** Types that are limited, by bit: 3 unreachable, 4 quench, 11 time exceeded, 12 parameter problem. */
  icmpRatemask = 6168;
  icmpMsgsPerSec = 1000;
  icmpMsgsBurst = 50;
  /** Bytes that fragments may hold in all. */
  ipfragHighThresh: number = 4 * 1024 * 1024;
  ipfragLowThresh: number = 3 * 1024 * 1024;
  /** Seconds that a packet may take to become whole. */
  ipfragTime = 30;
  /** Fragments of other packets that may come between two of one packet; 0: any number. */
  ipfragMaxDist = 64;

  /** Errors about routes: what one costs and how much a host may save up, in ms. */
  routeErrorCost = 1000;
  routeErrorBurst = 5000;
  /** Redirects: the n-th to a host waits load << n ms; after `number` of them it is told no more until it is silent. */
  routeRedirectLoad = 20;
  routeRedirectNumber = 9;
  routeRedirectSilence: number = 20 << 10;

  constructor(net: Net, inet: InetDevices, neighbours: Slot<NeighTable>) {
    this.net = net;
    this.inet = inet;
    this.neighbours = neighbours;
    this.protocols = new InetProtocolTable();
    this.peers = new InetPeers(net.softirq);
    this.frags = new FragQueues(net.softirq);
    this.icmpLimit = new IcmpRateLimit(this);
    this.idents = new IpIdents(net);
  }
}

/** The IPv4 state of a packet's router. */
export function ipv4Of(skb: SkBuff): Ipv4 {
  return skb.net.ipv4 as Ipv4;
}

/** The route of a packet: its dst, or the last of a bundle. */
export function skbRtable(skb: SkBuff): Rtable {
  let dst = skb.dst as DstEntry;
  while (dst.child !== null) dst = dst.child;
  return dst as Rtable;
}
