/**
 * tunnels.ts — the tunnels of one router and their devices (cf. Linux net/ipv4/ip_tunnel.c, ipip.c, ip_gre.c).
 *
 * A kind of tunnel begins to exist with its first device, as a kernel module is loaded then: before, packets of its
 * protocol are answered with protocol unreachable. With the first comes the fallback device, `tunl0` or `gre0`.
 */
import {
  ARPHRD_IPGRE,
  ARPHRD_TUNNEL,
  CommandError,
  devSetMtu,
  ETH_DATA_LEN,
  ETH_P_IP,
  type HeaderOps,
  ICMP_DEST_UNREACH,
  ICMP_PORT_UNREACH,
  IFF_NOARP,
  IFF_POINTOPOINT,
  INET_NOT_MINE,
  type InetProtocol,
  type InetProtocols,
  IP_DADDR,
  IP_HLEN,
  IP_MAX_MTU,
  IP_SADDR,
  IPPROTO_GRE,
  IPPROTO_IPIP,
  kfreeSkb,
  type Net,
  type NetDevice,
  type NetDeviceOps,
  registerNetdev,
  SKB_DROP_REASON_IP_NOPROTO,
  SKB_DROP_REASON_PKT_TOO_SMALL,
  SKB_DROP_REASON_UNHANDLED_PROTO,
  SKB_DROP_REASON_XFRM_POLICY,
  type SkBuff,
  setAddress,
  skbCow,
  skbPull,
  skbPush,
  unregisterNetdev,
  XFRM_POLICY_IN,
} from '@packetwalk/framework';
import { GRE_SEQ, GreHeader, greBuildHeader } from './gre-header.ts';
import { emptyParms, Tunnel, type TunnelParms, TunnelTable } from './tunnel.ts';
import { countError, learnPath } from './tunnel-error.ts';
import { ipTunnelRcv } from './tunnel-rcv.ts';
import { finishOffloads, ipTunnelXmit, TUNNEL_NO_REMOTE, type TunnelServices, transmitError } from './tunnel-xmit.ts';

/** Smallest MTU that IPv4 works with (IPV4_MIN_MTU). */
const IPV4_MIN_MTU = 68;
/** Room for the link-layer header below. */
const LINK_HEADROOM = 64;

export type TunnelKindName = 'ipip' | 'gre';

/** What can be asked for beside the parameters when a tunnel is made. */
export interface TunnelInit {
  readonly mtu?: number;
  /** Made by `ip tunnel`, which bounds the MTU, not by `ip link`. */
  readonly bounded?: boolean;
}

/** Tunnels of one kind. */
export abstract class TunnelKind {
  abstract readonly kind: TunnelKindName;
  abstract readonly fallbackName: string;
  protected abstract readonly type: number;
  protected abstract readonly protocol: InetProtocol;
  readonly table: TunnelTable = new TunnelTable();
  protected readonly net: Net;
  protected readonly services: TunnelServices;
  private readonly protocols: InetProtocols;
  private unregisterProtocol: (() => void) | null = null;

  constructor(net: Net, services: TunnelServices, protocols: InetProtocols) {
    this.net = net;
    this.services = services;
    this.protocols = protocols;
  }

  get gre(): boolean {
    return this.kind === 'gre';
  }

  /** The kind is to be used: its protocol is taken in from now on, and its fallback device is there. */
  load(): void {
    if (this.unregisterProtocol !== null) return;
    this.unregisterProtocol = this.protocols.add(this.protocol);
    if (this.net.device(this.fallbackName) !== undefined) return;
    const parms = { ...emptyParms(this.gre ? IPPROTO_GRE : 0), pmtudisc: false };
    const tunnel = this.register(this.fallbackName, parms, {});
    this.table.fallback = tunnel;
  }

  unload(): void {
    this.unregisterProtocol?.();
    this.unregisterProtocol = null;
  }

  /** Makes a tunnel; `File exists` when there is one with the same ends and key. */
  create(name: string, parms: TunnelParms, init: TunnelInit): NetDevice {
    if (this.table.find(parms) !== undefined) throw new CommandError('RTNETLINK answers: File exists', 2);
    return this.register(name, parms, init).dev;
  }

  private register(name: string, parms: TunnelParms, { mtu, bounded = false }: TunnelInit): Tunnel {
    const { net, table } = this;
    const tunnel = new Tunnel();
    tunnel.setParms(parms, this.gre);
    const overhead = IP_HLEN + tunnel.headerLength;
    const ops: NetDeviceOps = {
      startXmit: (skb) => this.xmit(tunnel, skb),
      setMacAddress: () => {
        throw new CommandError('RTNETLINK answers: Operation not supported', 2);
      },
      uninit: () => table.remove(tunnel),
    };
    const link = net.devByIndex[parms.link];
    const dev = registerNetdev(net, ops, {
      name,
      kind: this.kind,
      type: this.type,
      hardHeaderLen: 0,
      flags: IFF_NOARP | (parms.remote !== 0 ? IFF_POINTOPOINT : 0),
      minMtu: bounded ? IPV4_MIN_MTU : 0,
      maxMtu: bounded ? IP_MAX_MTU - overhead : 0,
      ...(link == null ? {} : { link }),
    });
    tunnel.dev = dev;
    table.add(tunnel);
    this.setEnds(tunnel);
    dev.mtu = mtu ?? this.bindDevice(tunnel);
    return tunnel;
  }

  /** The device shows both ends as its addresses. */
  private setEnds({ dev, parms }: Tunnel): void {
    setAddress(dev, linkAddress(parms.local));
    dev.broadcast.set(linkAddress(parms.remote));
    if (this.gre) dev.headerOps = parms.remote === 0 ? nextHopHeader : null;
  }

  /** Guesses the device that outer packets will leave by, and says what MTU that leaves to inner ones (ip_tunnel_bind_dev). */
  bindDevice(tunnel: Tunnel): number {
    const { parms } = tunnel;
    let out: NetDevice | null = null;
    if (parms.remote !== 0) {
      const rt = this.services.routing.routeOutput(tunnel.outerFlow(parms.remote, parms.tos & 0x1e, this.protocol.protocol));
      if (typeof rt !== 'number') out = rt.dev;
    }
    out ??= this.net.devByIndex[parms.link] ?? null;
    const mtu = out === null ? ETH_DATA_LEN : Math.min(out.mtu, IP_MAX_MTU);
    return Math.max(mtu - IP_HLEN - tunnel.headerLength, IPV4_MIN_MTU);
  }

  /** Other parameters for a tunnel that is there (ip_tunnel_update, ipgre_link_update). */
  update(tunnel: Tunnel, parms: TunnelParms): void {
    const before = tunnel.parms;
    const length = tunnel.headerLength;
    const { dev } = tunnel;
    const protocol = before.protocol;
    tunnel.setParms({ ...parms, protocol }, this.gre);
    this.setEnds(tunnel);
    let mtu = dev.mtu - (tunnel.headerLength - length);
    if (before.link !== parms.link || before.fwmark !== parms.fwmark) {
      dev.link = this.net.devByIndex[parms.link] ?? null;
      mtu = this.bindDevice(tunnel);
    }
    if (mtu !== dev.mtu) devSetMtu(dev, Math.max(mtu, IPV4_MIN_MTU));
    this.net.notifier.emit('netdev:change', dev);
  }

  /** `ip link del`: the fallback device stays. */
  remove(dev: NetDevice): void {
    if (this.table.fallback?.dev !== dev) unregisterNetdev(dev);
  }

  protected abstract xmit(tunnel: Tunnel, skb: SkBuff): number;
}

/** An IPv4 address as a link-layer address. */
function linkAddress(address: number): Uint8Array {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address, 0, 0);
}

/** Nobody has the packet: its sender is told, as of a closed port. */
function noTunnel(services: TunnelServices, skb: SkBuff): number {
  services.icmp.icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
  kfreeSkb(skb, SKB_DROP_REASON_IP_NOPROTO);
  return 0;
}

/** IPv4 in IPv4 (RFC 2003). */
export class IpipKind extends TunnelKind {
  readonly kind = 'ipip';
  readonly fallbackName = 'tunl0';
  protected readonly type: number = ARPHRD_TUNNEL;
  protected readonly protocol: InetProtocol = {
    protocol: IPPROTO_IPIP,
    sharedPriority: 1,
    handler: (skb) => this.receive(skb),
    errHandler: (skb, type, code, info) => this.error(skb, type, code, info),
  };

  protected xmit(tunnel: Tunnel, skb: SkBuff): number {
    if (skb.protocol !== ETH_P_IP) return transmitError(tunnel, skb, SKB_DROP_REASON_UNHANDLED_PROTO);
    finishOffloads(skb);
    skbCow(skb, IP_HLEN + LINK_HEADROOM);
    return ipTunnelXmit(this.services, tunnel, skb, tunnel.parms.remote, IPPROTO_IPIP);
  }

  private receive(skb: SkBuff): number {
    const { view } = skb.head;
    const ip = skb.networkHeader;
    if (skb.len < IP_HLEN) {
      kfreeSkb(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
      return 0;
    }
    const tunnel = this.table.lookup(skb.dev.ifindex, view.getInt32(ip + IP_SADDR), view.getInt32(ip + IP_DADDR), 0, 0);
    if (tunnel === null) return INET_NOT_MINE;
    const { xfrm } = skb.net;
    if (xfrm !== null && !xfrm.policyCheck(skb, XFRM_POLICY_IN)) {
      kfreeSkb(skb, SKB_DROP_REASON_XFRM_POLICY);
      return 0;
    }
    return ipTunnelRcv(tunnel, skb, 0, null);
  }

  private error(skb: SkBuff, type: number, code: number, info: number): void {
    const { view } = skb.head;
    const tunnel = this.table.lookup(skb.dev.ifindex, view.getInt32(skb.data + IP_DADDR), view.getInt32(skb.data + IP_SADDR), 0, 0);
    if (tunnel === null) return;
    if (learnPath(this.services.routing, skb, type, code, info, IPPROTO_IPIP, tunnel.parms.link)) return;
    countError(tunnel, type, code, this.net.softirq.jiffies);
  }
}

/** Least length of a GRE packet that Linux looks at, bytes. */
const GRE_MIN = 12;

/** Generic Routing Encapsulation of IPv4 (RFC 2784, RFC 2890). */
export class GreKind extends TunnelKind {
  readonly kind = 'gre';
  readonly fallbackName = 'gre0';
  protected readonly type: number = ARPHRD_IPGRE;
  protected readonly protocol: InetProtocol = {
    protocol: IPPROTO_GRE,
    handler: (skb) => this.receive(skb),
    errHandler: (skb, type, code, info) => this.error(skb, type, code, info),
  };
  private readonly header = new GreHeader();

  protected xmit(tunnel: Tunnel, skb: SkBuff): number {
    const { parms, headerLength } = tunnel;
    if (skb.protocol !== ETH_P_IP) return transmitError(tunnel, skb, SKB_DROP_REASON_UNHANDLED_PROTO);
    let { remote } = parms;
    if (remote === 0 && skb.data < skb.networkHeader) {
      remote = skb.head.view.getInt32(skb.data);
      skbPull(skb, ADDRESS);
      if (remote === 0) return transmitError(tunnel, skb, TUNNEL_NO_REMOTE);
    }
    finishOffloads(skb);
    skbCow(skb, IP_HLEN + headerLength + LINK_HEADROOM);
    skbPush(skb, headerLength);
    const seq = (parms.oFlags & GRE_SEQ) !== 0 ? tunnel.oSeqno : 0;
    if ((parms.oFlags & GRE_SEQ) !== 0) tunnel.oSeqno = (seq + 1) | 0;
    greBuildHeader(skb, parms.oFlags, ETH_P_IP, parms.oKey, seq);
    return ipTunnelXmit(this.services, tunnel, skb, remote, IPPROTO_GRE);
  }

  private receive(skb: SkBuff): number {
    const { header, services } = this;
    const { view } = skb.head;
    const ip = skb.networkHeader;
    if (skb.len < GRE_MIN || !header.read(view, skb.data, skb.data + skb.len, true)) {
      kfreeSkb(skb, SKB_DROP_REASON_UNHANDLED_PROTO);
      return 0;
    }
    const { flags, key } = header;
    const tunnel = this.table.lookup(skb.dev.ifindex, view.getInt32(ip + IP_SADDR), view.getInt32(ip + IP_DADDR), flags, key);
    if (tunnel === null) return noTunnel(services, skb);
    if (header.protocol !== ETH_P_IP) {
      kfreeSkb(skb, SKB_DROP_REASON_UNHANDLED_PROTO);
      return 0;
    }
    return ipTunnelRcv(tunnel, skb, header.length, header);
  }

  private error(skb: SkBuff, type: number, code: number, info: number): void {
    const { header } = this;
    const { view } = skb.head;
    const ip = skb.data;
    const at = ip + ((view.getUint8(ip) & 15) << 2);
    if (!header.read(view, at, ip + skb.len, false)) return;
    if (learnPath(this.services.routing, skb, type, code, info, IPPROTO_GRE, skb.dev.ifindex)) return;
    const tunnel = this.table.lookup(skb.dev.ifindex, view.getInt32(ip + IP_DADDR), view.getInt32(ip + IP_SADDR), header.flags, header.key);
    if (tunnel !== null) countError(tunnel, type, code, this.net.softirq.jiffies);
  }
}

/** Bytes of an IPv4 address. */
const ADDRESS = 4;

/** A tunnel without another end: the neighbour's link-layer address is that of the end, and goes in front of the packet (ipgre_header). */
const nextHopHeader: HeaderOps = {
  create(skb, _dev, _type, daddr) {
    skbCow(skb, ADDRESS);
    const at = skbPush(skb, ADDRESS);
    skb.head.buf.set(daddr.subarray(0, ADDRESS), at);
  },
};
