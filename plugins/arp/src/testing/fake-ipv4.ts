/**
 * fake-ipv4.ts — as much of IPv4 as ARP asks of it, the naive way: addresses in a list, routes that follow from them
 * and from a default gateway's device. Written down here so that the tests of ARP judge ARP alone.
 */
import {
  DstEntry,
  definePlugin,
  dstDiscard,
  type Flow,
  IcmpSend,
  IFA_F_SECONDARY,
  type Ifaddr,
  type InDevice,
  InetDevices,
  type Ipv4Devconf,
  inetMakeMask,
  intSysctl,
  ipv4IsLbcast,
  ipv4IsLoopback,
  ipv4IsMulticast,
  ipv4IsZeronet,
  type Net,
  type NetDevice,
  type NewIfaddr,
  type Plugin,
  Routing,
  RT_SCOPE_HOST,
  RT_SCOPE_UNIVERSE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  type Rtable,
  SKB_DROP_REASON_IP_INNOROUTES,
  SKB_DROP_REASON_IP_RT_BUG,
  type SkBuff,
} from '@packetwalk/framework';

const ENETUNREACH = -101;

/** The settings that ARP reads, by sysctl name. */
const SETTINGS: readonly [string, keyof Ipv4Devconf][] = [
  ['forwarding', 'forwarding'],
  ['proxy_arp', 'proxyArp'],
  ['proxy_arp_pvlan', 'proxyArpPvlan'],
  ['arp_filter', 'arpFilter'],
  ['arp_announce', 'arpAnnounce'],
  ['arp_ignore', 'arpIgnore'],
  ['arp_accept', 'arpAccept'],
  ['arp_notify', 'arpNotify'],
  ['arp_evict_nocarrier', 'arpEvictNocarrier'],
  ['route_localnet', 'routeLocalnet'],
  ['drop_gratuitous_arp', 'dropGratuitousArp'],
];

function devconf(): Ipv4Devconf {
  return {
    forwarding: 1,
    mcForwarding: 0,
    bcForwarding: 0,
    proxyArp: 0,
    proxyArpPvlan: 0,
    acceptRedirects: 0,
    secureRedirects: 0,
    sendRedirects: 0,
    sharedMedia: 0,
    rpFilter: 0,
    acceptSourceRoute: 0,
    acceptLocal: 0,
    bootpRelay: 0,
    logMartians: 0,
    tag: 0,
    arpFilter: 0,
    arpAnnounce: 0,
    arpIgnore: 0,
    arpAccept: 0,
    arpNotify: 0,
    arpEvictNocarrier: 1,
    promoteSecondaries: 0,
    forceIgmpVersion: 0,
    disableXfrm: 0,
    disablePolicy: 0,
    routeLocalnet: 0,
    srcValidMark: 0,
    ignoreRoutesWithLinkdown: 0,
    dropUnicastInL2Multicast: 0,
    dropGratuitousArp: 0,
  };
}

const DISCARD = dstDiscard('fakeDiscard', SKB_DROP_REASON_IP_RT_BUG);

class FakeRtable extends DstEntry implements Rtable {
  rtType: number;
  rtFlags = 0;
  rtGateway = 0;
  rtUsesGateway = false;
  rtMtuLocked = false;
  rtIif = 0;
  rtIsInput = false;

  constructor(dev: NetDevice, rtType: number) {
    super(dev, DISCARD, DISCARD);
    this.rtType = rtType;
  }
}

/** An ICMP error that IPv4 was asked to send. */
export interface SentIcmp {
  readonly t: number;
  readonly type: number;
  readonly code: number;
  readonly dev: string;
  /** IP id of the packet it is about. */
  readonly id: number;
}

export class FakeIpv4 implements InetDevices, Routing {
  readonly all: Ipv4Devconf = { ...devconf(), forwarding: 0, arpEvictNocarrier: 1 };
  readonly dflt: Ipv4Devconf = devconf();
  readonly icmp: SentIcmp[] = [];
  /** Where packets to nobody's subnet go; null: nowhere. */
  defaultDev: NetDevice | null = null;
  /** How often the routes were to be forgotten. */
  flushes = 0;
  private readonly net: Net;
  private readonly blocks = new Map<NetDevice, InDevice>();
  private addresses: readonly Ifaddr[] = [];

  constructor(net: Net) {
    this.net = net;
    this.sysctls('all', this.all);
  }

  of(dev: NetDevice): InDevice {
    let inDev = this.blocks.get(dev);
    if (inDev === undefined) {
      inDev = { dev, ifaList: [], cnf: devconf(), mcList: new Set() };
      this.blocks.set(dev, inDev);
      dev.inDev = inDev;
      this.sysctls(dev.name, inDev.cnf);
    }
    return inDev;
  }

  addAddress(dev: NetDevice, { local, prefixlen, broadcast, scope }: NewIfaddr): Ifaddr {
    const inDev = this.of(dev);
    const mask = inetMakeMask(prefixlen);
    const secondary = inDev.ifaList.some((other) => other.mask === mask && ((other.local ^ local) & mask) === 0);
    const ifa: Ifaddr = {
      inDev,
      local,
      address: local,
      mask,
      prefixlen,
      broadcast: broadcast ?? 0,
      scope: scope ?? (ipv4IsLoopback(local) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE),
      flags: secondary ? IFA_F_SECONDARY : 0,
      label: dev.name,
      metric: 0,
      protocol: 0,
    };
    inDev.ifaList.push(ifa);
    this.collect();
    this.net.notifier.emit('inetaddr:up', ifa);
    return ifa;
  }

  delAddress(ifa: Ifaddr): void {
    ifa.inDev.ifaList.splice(ifa.inDev.ifaList.indexOf(ifa), 1);
    this.collect();
    this.net.notifier.emit('inetaddr:down', ifa);
  }

  findDevice(local: number): NetDevice | null {
    return this.addresses.find((ifa) => ifa.local === local)?.inDev.dev ?? null;
  }

  selectAddr(dev: NetDevice | null, dst: number, scope: number): number {
    const own = this.addresses.filter((ifa) => ifa.inDev.dev === dev && ifa.scope <= scope && (ifa.flags & IFA_F_SECONDARY) === 0);
    return (own.find((ifa) => holds(ifa, dst)) ?? own[0])?.local ?? 0;
  }

  confirmAddr(dev: NetDevice | null, dst: number, local: number, scope: number): number {
    const fits = (ifa: Ifaddr): boolean =>
      (dev === null || ifa.inDev.dev === dev) && (local === 0 || ifa.local === local) && ifa.scope <= scope;
    return this.addresses.find((ifa) => fits(ifa) && (dst === 0 || holds(ifa, dst)))?.local ?? 0;
  }

  routeInput(skb: SkBuff, daddr: number, _saddr: number, _tos: number, dev: NetDevice): number {
    const rt = this.route(daddr, dev);
    if (rt === null) return SKB_DROP_REASON_IP_INNOROUTES;
    skb.dst = rt;
    return 0;
  }

  routeOutput(flow: Flow): Rtable | number {
    return this.route(flow.daddr, null) ?? ENETUNREACH;
  }

  addrType(address: number): number {
    if (ipv4IsZeronet(address) || ipv4IsLbcast(address)) return RTN_BROADCAST;
    if (ipv4IsMulticast(address)) return RTN_MULTICAST;
    if (this.findDevice(address) !== null) return RTN_LOCAL;
    const isBroadcast = this.addresses.some((ifa) => ifa.prefixlen < 31 && ((ifa.local & ifa.mask) | ~ifa.mask) === address);
    return isBroadcast ? RTN_BROADCAST : RTN_UNICAST;
  }

  updatePmtu(): void {}

  redirected(): void {}

  updateDstPmtu(): void {}

  flush(): void {
    this.flushes++;
  }

  private route(daddr: number, arrived: NetDevice | null): Rtable | null {
    const type = this.addrType(daddr);
    if (type === RTN_LOCAL) return new FakeRtable(this.net.needDevice('lo'), RTN_LOCAL);
    const dev = this.addresses.find((ifa) => holds(ifa, daddr))?.inDev.dev ?? (type === RTN_UNICAST ? this.defaultDev : arrived);
    return dev === null ? null : new FakeRtable(dev, type);
  }

  private collect(): void {
    this.addresses = [...this.blocks.values()].flatMap((inDev) => inDev.ifaList);
  }

  private sysctls(where: string, cnf: Ipv4Devconf): void {
    for (const [name, field] of SETTINGS) {
      const set = (value: number): void => {
        cnf[field] = value;
      };
      this.net.sysctl.define(intSysctl(`net.ipv4.conf.${where}.${name}`, () => cnf[field], set));
    }
  }
}

function holds(ifa: Ifaddr, address: number): boolean {
  return ((ifa.local ^ address) & ifa.mask) === 0;
}

/** The plugin that puts a FakeIpv4 in IPv4's place, and hands it to `use`. */
export function fakeIpv4(use: (ipv4: FakeIpv4) => void): Plugin {
  return definePlugin({
    name: 'fake-ipv4',
    provides: [InetDevices, Routing, IcmpSend],
    setup(ctx) {
      const ipv4 = new FakeIpv4(ctx.net);
      ctx.provide(InetDevices, ipv4);
      ctx.provide(Routing, ipv4);
      ctx.provide(IcmpSend, {
        icmpSend(skb, type, code) {
          const id = skb.head.view.getUint16(skb.networkHeader + 4);
          ipv4.icmp.push({ t: ctx.net.softirq.jiffies, type, code, dev: skb.dev.name, id });
        },
      });
      use(ipv4);
    },
  });
}
