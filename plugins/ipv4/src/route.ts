/**
 * route.ts — where packets go: the dst of a packet that came in, and of one made here (cf. Linux net/ipv4/route.c).
 *
 * A next hop keeps the destination it gave out first, and all packets by it share that one until routing changes
 * (`genid`): in steady state a packet costs a lookup in the FIB and allocates nothing.
 */
import {
  type DstHandler,
  dstDiscard,
  ETH_P_IP,
  FLOWI_FLAG_ANYSRC,
  type Flow,
  formatIpv4,
  IFF_LOOPBACK,
  INADDR_LOOPBACK,
  IPPROTO_IGMP,
  IPSTATS_MIB_INNOROUTES,
  ipv4IsLbcast,
  ipv4IsLocalMulticast,
  ipv4IsLoopback,
  ipv4IsMulticast,
  ipv4IsZeronet,
  isUp,
  type NeighTable,
  type Net,
  type NetDevice,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTCF_BROADCAST,
  RTCF_LOCAL,
  RTCF_MULTICAST,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  SKB_DROP_REASON_IP_BLACKHOLE,
  SKB_DROP_REASON_IP_INVALID_DEST,
  SKB_DROP_REASON_IP_INVALID_SOURCE,
  SKB_DROP_REASON_IP_LOCAL_SOURCE,
  SKB_DROP_REASON_IP_LOCALNET,
  SKB_DROP_REASON_IP_MULTICAST,
  SKB_DROP_REASON_IP_RPFILTER,
  SKB_DROP_REASON_IP_RT_BUG,
  type SkBuff,
  type Slot,
} from '@packetwalk/framework';
import { type Devinet, inetAddrOnlink } from './devinet.ts';
import type { Fib } from './fib.ts';
import { selectDefault } from './fib-default.ts';
import { type FibInfo, type FibNh, type FibNhException, RTAX_HOPLIMIT, RTAX_LOCK, RTAX_MTU } from './fib-info.ts';
import { EHOSTUNREACH, EINVAL, ENETUNREACH, ENODEV, FIB_LOOKUP_IGNORE_LINKSTATE, FibResult } from './fib-table.ts';
import { ipError } from './ip-error.ts';
import { ipForward } from './ip-forward.ts';
import { ipLocalDeliver } from './ip-input.ts';
import { ipMcOutput, ipOutput } from './ip-output.ts';
import { IPSKB_DOREDIRECT } from './ipcb.ts';
import type { Ipv4Routing } from './ipv4.ts';
import { multipathHash, selectMultipath } from './multipath.ts';
import { RouteExceptions } from './route-exceptions.ts';
import { sendRedirect } from './route-redirect.ts';
import { RtEntry } from './rtable.ts';

/** The bits of the TOS byte that routing looks at: the DSCP (INET_DSCP_MASK). */
const DSCP_MASK = 0xfc;

/** A route of packets that come in has no output, and the other way round. */
const ipRtBug: DstHandler = dstDiscard('ipRtBug', SKB_DROP_REASON_IP_RT_BUG);
const blackhole: DstHandler = dstDiscard('dstDiscard', SKB_DROP_REASON_IP_BLACKHOLE);

const TYPE_NAMES = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
];

export class Ipv4Route implements Ipv4Routing {
  readonly net: Net;
  readonly fib: Fib;
  readonly inet: Devinet;
  readonly exceptions: RouteExceptions;
  /** net.ipv4.fib_multipath_hash_policy: 0 addresses, 1 addresses and ports. */
  multipathHashPolicy = 0;
  private readonly neighbours: Slot<NeighTable>;
  /** Destinations made before the last change of routing are of an older generation (rt_genid). */
  private genid = 1;
  private readonly seed: number;
  // One flow and one result serve all packets: a lookup finishes before the next begins.
  private readonly flow: Flow = {
    daddr: 0,
    saddr: 0,
    tos: 0,
    iif: 0,
    oif: 0,
    mark: 0,
    protocol: 0,
    scope: 0,
    sport: 0,
    dport: 0,
    flags: 0,
  };
  private readonly res = new FibResult();
  private readonly reverse: Flow = {
    daddr: 0,
    saddr: 0,
    tos: 0,
    iif: 0,
    oif: 0,
    mark: 0,
    protocol: 0,
    scope: 0,
    sport: 0,
    dport: 0,
    flags: 0,
  };
  private readonly reverseRes = new FibResult();
  /** Destinations for packets without a route, one for each errno. */
  private readonly errors = new Map<number, RtEntry>();
  private broadcastInput: RtEntry | null = null;
  private multicastInput: RtEntry | null = null;

  constructor(net: Net, fib: Fib, inet: Devinet, neighbours: Slot<NeighTable>) {
    this.net = net;
    this.fib = fib;
    this.inet = inet;
    this.neighbours = neighbours;
    this.exceptions = new RouteExceptions(this, neighbours);
    this.seed = net.softirq.random.int32();
  }

  flush(): void {
    this.genid++;
  }

  addrType(address: number, dev?: NetDevice): number {
    return this.fib.addrType(address, dev ?? null);
  }

  sendRedirect(skb: SkBuff): void {
    sendRedirect(skb, this.inet);
  }

  redirected(skb: SkBuff, protocol: number, gateway: number): void {
    this.exceptions.redirected(skb, protocol, gateway);
  }

  updatePmtu(skb: SkBuff, protocol: number, mtu: number): void {
    this.exceptions.updatePmtu(skb, protocol, mtu);
  }

  /** True when nothing about routing has changed since the entry was made. */
  valid(rt: RtEntry | null): rt is RtEntry {
    return rt !== null && rt.genid === this.genid && rt.obsolete === 0;
  }

  routeInput(skb: SkBuff, daddr: number, saddr: number, tos: number, dev: NetDevice): number {
    if (ipv4IsMulticast(daddr)) return this.routeInputMulticast(skb, daddr, saddr, dev);
    const reason = this.routeInputSlow(skb, daddr, saddr, tos & DSCP_MASK, dev);
    if (skb.trace !== 0) this.traceInput(skb, daddr, reason);
    return reason;
  }

  /** The kernel's ip_route_input_slow: martians, the lookup, and what its answer means. */
  private routeInputSlow(skb: SkBuff, daddr: number, saddr: number, tos: number, dev: NetDevice): number {
    const { inDev } = dev;
    if (inDev === null) return SKB_DROP_REASON_IP_INVALID_DEST;
    const { res, flow } = this;
    res.clear();
    if (ipv4IsMulticast(saddr) || saddr === -1) return SKB_DROP_REASON_IP_INVALID_SOURCE;
    if (daddr === -1 || (saddr === 0 && daddr === 0)) return this.broadcast(skb, saddr, tos, dev);
    if (ipv4IsZeronet(saddr)) return SKB_DROP_REASON_IP_INVALID_SOURCE;
    if (ipv4IsZeronet(daddr)) return SKB_DROP_REASON_IP_INVALID_DEST;
    if ((ipv4IsLoopback(daddr) || ipv4IsLoopback(saddr)) && (inDev.cnf.routeLocalnet | this.inet.all.routeLocalnet) === 0) {
      return SKB_DROP_REASON_IP_LOCALNET;
    }
    flow.daddr = daddr;
    flow.saddr = saddr;
    flow.tos = tos;
    flow.iif = dev.ifindex;
    flow.oif = 0;
    flow.mark = skb.mark;
    flow.scope = RT_SCOPE_UNIVERSE;
    if (this.fib.rules.custom || this.multipathHashPolicy === 1) readPorts(skb, flow);
    const error = this.fib.lookup(flow, res);
    if (error !== 0) return this.noRoute(skb, inDev.cnf.forwarding === 0 ? -EHOSTUNREACH : error);
    if (res.type === RTN_BROADCAST) {
      if ((inDev.cnf.bcForwarding & this.inet.all.bcForwarding) !== 0) return this.forward(skb, saddr, daddr, tos, dev);
      return this.broadcast(skb, saddr, tos, dev);
    }
    if (res.type === RTN_LOCAL) {
      const reason = this.validateSource(skb, saddr, daddr, tos, 0, dev);
      return reason > 0 ? reason : this.local(skb);
    }
    if (inDev.cnf.forwarding === 0) return this.noRoute(skb, -EHOSTUNREACH);
    if (res.type !== RTN_UNICAST) return SKB_DROP_REASON_IP_INVALID_DEST;
    return this.forward(skb, saddr, daddr, tos, dev);
  }

  /** A packet to be forwarded (ip_mkroute_input). */
  private forward(skb: SkBuff, saddr: number, daddr: number, tos: number, dev: NetDevice): number {
    const { res } = this;
    const fi = res.fi as FibInfo;
    if (fi.nhs.length > 1) selectMultipath(res, fi, multipathHash(this.flow, this.multipathHashPolicy, this.seed));
    const nh = res.nh as FibNh;
    const out = nh.dev as NetDevice;
    const verdict = this.validateSource(skb, saddr, daddr, tos, nh.oif, dev);
    if (verdict > 0) return verdict;
    if (out === dev) {
      if (verdict === SOURCE_ONLINK && this.wantsRedirect(dev, saddr, nh)) skb.cb0 |= IPSKB_DOREDIRECT;
      // ARP asks as a proxy would: for an address on the same link there is nothing to proxy.
      if (skb.protocol !== ETH_P_IP && ((dev.inDev?.cnf.proxyArpPvlan ?? 0) | this.inet.all.proxyArpPvlan) === 0) return SKB_DROP_REASON_IP_INVALID_DEST;
    }
    const exception = nh.exceptions === null ? null : this.exceptions.find(nh, daddr);
    let rt = exception === null ? nh.rthInput : exception.rthInput;
    if (!this.valid(rt)) {
      rt = this.make(out, ipForward, ipOutput, res.type, 0);
      rt.rtIsInput = true;
      this.setNexthop(rt, nh, fi, exception);
      if (exception === null) nh.rthInput = rt;
      else exception.rthInput = rt;
    }
    skb.dst = rt;
    return 0;
  }

  private wantsRedirect(dev: NetDevice, saddr: number, nh: FibNh): boolean {
    const { inDev } = dev;
    if (inDev === null || (inDev.cnf.sendRedirects | this.inet.all.sendRedirects) === 0) return false;
    return (inDev.cnf.sharedMedia | this.inet.all.sharedMedia) !== 0 || inetAddrOnlink(inDev, saddr, nh.gw);
  }

  /** A packet for this router. */
  private local(skb: SkBuff): number {
    const nh = this.res.nh as FibNh;
    let rt = nh.rthInput;
    if (!this.valid(rt)) {
      rt = this.make(nh.dev ?? skb.dev, ipLocalDeliver, ipRtBug, RTN_LOCAL, RTCF_LOCAL);
      rt.rtIsInput = true;
      rt.fi = this.res.fi;
      nh.rthInput = rt;
    }
    skb.dst = rt;
    return 0;
  }

  /** A broadcast is for this router whatever the tables say of its sender, but the sender must be possible. */
  private broadcast(skb: SkBuff, saddr: number, tos: number, dev: NetDevice): number {
    if (skb.protocol !== ETH_P_IP) return SKB_DROP_REASON_IP_INVALID_DEST;
    if (!ipv4IsZeronet(saddr)) {
      const reason = this.validateSource(skb, saddr, 0, tos, 0, dev);
      if (reason > 0) return reason;
    }
    this.broadcastInput ??= this.make(this.loopback(dev), ipLocalDeliver, ipRtBug, RTN_BROADCAST, RTCF_BROADCAST | RTCF_LOCAL);
    this.broadcastInput.rtIsInput = true;
    skb.dst = this.broadcastInput;
    return 0;
  }

  /** Groups that were joined are for this router; others are not its business. */
  private routeInputMulticast(skb: SkBuff, daddr: number, saddr: number, dev: NetDevice): number {
    const { inDev } = dev;
    if (inDev === null || !inDev.mcList.has(daddr)) return SKB_DROP_REASON_IP_MULTICAST;
    if (ipv4IsMulticast(saddr) || ipv4IsLbcast(saddr)) return SKB_DROP_REASON_IP_INVALID_SOURCE;
    if (ipv4IsLoopback(saddr) && (inDev.cnf.routeLocalnet | this.inet.all.routeLocalnet) === 0) return SKB_DROP_REASON_IP_LOCALNET;
    if (ipv4IsZeronet(saddr)) {
      const igmp = skb.head.view.getUint8(skb.networkHeader + 9) === IPPROTO_IGMP;
      if (!ipv4IsLocalMulticast(daddr) && !igmp) return SKB_DROP_REASON_IP_INVALID_SOURCE;
    } else {
      const reason = this.validateSource(skb, saddr, 0, 0, 0, dev);
      if (reason > 0) return reason;
    }
    this.multicastInput ??= this.make(this.loopback(dev), ipLocalDeliver, ipRtBug, RTN_MULTICAST, RTCF_MULTICAST | RTCF_LOCAL);
    this.multicastInput.rtIsInput = true;
    skb.dst = this.multicastInput;
    if (skb.trace !== 0) this.net.tracer.stage(skb, 'ipRouteInput', `${formatIpv4(daddr)}: multicast group joined on ${dev.name}`);
    return 0;
  }

  /** Nothing leads there: the packet gets a dst that says so to its sender (ip_error). */
  private noRoute(skb: SkBuff, error: number): number {
    this.net.ipExtMib[IPSTATS_MIB_INNOROUTES]++;
    let rt = this.errors.get(error);
    if (rt === undefined) {
      rt = this.make(this.loopback(skb.dev), error === -EINVAL ? blackhole : ipError, ipRtBug, RTN_UNREACHABLE, 0);
      rt.rtIsInput = true;
      rt.error = error;
      this.errors.set(error, rt);
    }
    skb.dst = rt;
    return 0;
  }

  /**
   * May a packet from `saddr` come in by `dev`? (fib_validate_source). A drop reason, or 0, or SOURCE_ONLINK when the
   * sender is on the link itself.
   */
  validateSource(skb: SkBuff, saddr: number, daddr: number, tos: number, oif: number, dev: NetDevice): number {
    const { inDev } = dev;
    if (inDev === null) return SKB_DROP_REASON_IP_INVALID_SOURCE;
    const { cnf } = inDev;
    const { all } = this.inet;
    const rpFilter = skb.secPath !== null ? 0 : Math.max(cnf.rpFilter, all.rpFilter);
    // Without a reverse path filter, and unless a redirect may come of it, all that matters is that it is not one of ours.
    if (rpFilter === 0 && (dev.ifindex !== oif || (cnf.sendRedirects | all.sendRedirects) === 0) && !this.fib.rules.custom) {
      if ((cnf.acceptLocal | all.acceptLocal) !== 0 || !this.inet.isLocal(saddr)) return 0;
      return SKB_DROP_REASON_IP_LOCAL_SOURCE;
    }
    const { reverse, reverseRes } = this;
    reverse.daddr = saddr;
    reverse.saddr = daddr;
    reverse.tos = tos;
    reverse.iif = oif === 0 ? this.fib.loopbackIndex() : oif;
    reverse.oif = 0;
    reverse.mark = (cnf.srcValidMark | all.srcValidMark) !== 0 ? skb.mark : 0;
    reverse.scope = RT_SCOPE_UNIVERSE;
    if (this.fib.lookup(reverse, reverseRes) === 0) {
      if (reverseRes.type !== RTN_UNICAST) {
        if (reverseRes.type !== RTN_LOCAL) return SKB_DROP_REASON_IP_INVALID_SOURCE;
        if ((cnf.acceptLocal | all.acceptLocal) === 0) return SKB_DROP_REASON_IP_LOCAL_SOURCE;
      }
      const fi = reverseRes.fi as FibInfo;
      const matches = fi.nhs.some((nh) => nh.dev === dev) || (reverseRes.type === RTN_LOCAL && (dev.flags & IFF_LOOPBACK) !== 0);
      if (matches) return onlink(reverseRes.nh);
      if (inDev.ifaList.length !== 0) {
        if (rpFilter === 1) return SKB_DROP_REASON_IP_RPFILTER;
        reverse.oif = dev.ifindex;
        const found = this.fib.lookup(reverse, reverseRes, FIB_LOOKUP_IGNORE_LINKSTATE) === 0 && reverseRes.type === RTN_UNICAST;
        return found ? onlink(reverseRes.nh) : 0;
      }
    }
    return rpFilter !== 0 ? SKB_DROP_REASON_IP_RPFILTER : 0;
  }

  routeOutput(flow: Flow): RtEntry | number {
    const { res } = this;
    flow.tos &= DSCP_MASK;
    flow.iif = this.fib.loopbackIndex();
    res.clear();
    if (flow.saddr !== 0) {
      const error = this.checkOutputSource(flow);
      if (error < 0) return error;
      if (error > 0) return this.makeOutput(flow, this.net.devByIndex[flow.oif] as NetDevice, 0);
    }
    const orig = flow.oif;
    let dev: NetDevice | null = null;
    if (flow.oif !== 0) {
      dev = this.net.devByIndex[flow.oif] ?? null;
      if (dev === null) return -ENODEV;
      if (!isUp(dev) || dev.inDev === null) return -ENETUNREACH;
      if (ipv4IsLocalMulticast(flow.daddr) || ipv4IsLbcast(flow.daddr) || flow.protocol === IPPROTO_IGMP) {
        if (flow.saddr === 0) flow.saddr = this.inet.selectAddr(dev, 0, RT_SCOPE_LINK);
        return this.makeOutput(flow, dev, orig);
      }
      if (flow.saddr === 0) {
        if (ipv4IsMulticast(flow.daddr)) flow.saddr = this.inet.selectAddr(dev, 0, flow.scope);
        else if (flow.daddr === 0) flow.saddr = this.inet.selectAddr(dev, 0, RT_SCOPE_HOST);
      }
    }
    if (flow.daddr === 0) return this.outputToSelf(flow, orig);
    const error = this.fib.lookup(flow, res);
    if (error !== 0) {
      res.fi = null;
      res.nh = null;
      // The tables may be wrong, but the device was named: assume that the destination is on its link.
      if (dev === null) return error;
      if (flow.saddr === 0) flow.saddr = this.inet.selectAddr(dev, 0, RT_SCOPE_LINK);
      res.type = RTN_UNICAST;
      return this.makeOutput(flow, dev, orig);
    }
    if (res.type === RTN_LOCAL) {
      if (flow.saddr === 0) flow.saddr = res.fi?.prefsrc || flow.daddr;
      const lo = this.loopback(dev ?? (res.nh?.dev as NetDevice));
      const realOif = res.nh?.oif ?? 0;
      flow.oif = lo.ifindex;
      return this.makeOutput(flow, lo, orig === 0 ? 0 : realOif);
    }
    this.selectPath(flow, res);
    if (flow.saddr === 0) flow.saddr = this.resultPrefsrc(res);
    const out = (res.nh as FibNh).dev as NetDevice;
    flow.oif = out.ifindex;
    return this.makeOutput(flow, out, orig);
  }

  prefsrc(flow: Flow): number {
    const { res } = this;
    if (this.fib.lookup(flow, res) !== 0) return 0;
    this.selectPath(flow, res);
    return this.resultPrefsrc(res);
  }

  /** Looks a flow up as output does, with the answer in a result of the caller's own: for listings and exceptions. */
  resolve(flow: Flow, res: FibResult): number {
    const error = this.fib.lookup(flow, res);
    if (error === 0) this.selectPath(flow, res);
    return error;
  }

  private outputToSelf(flow: Flow, orig: number): RtEntry | number {
    flow.daddr = flow.saddr;
    if (flow.daddr === 0) {
      flow.daddr = INADDR_LOOPBACK;
      flow.saddr = INADDR_LOOPBACK;
    }
    const lo = this.net.device('lo');
    if (lo === undefined) return -ENETUNREACH;
    flow.oif = lo.ifindex;
    this.res.type = RTN_LOCAL;
    return this.makeOutput(flow, lo, orig);
  }

  /** A chosen source must be ours. 1: the flow goes to a group or to all, by the device that has the address. */
  private checkOutputSource(flow: Flow): number {
    const { saddr, daddr } = flow;
    if (ipv4IsMulticast(saddr) || ipv4IsLbcast(saddr) || ipv4IsZeronet(saddr)) return -EINVAL;
    if (flow.oif === 0 && (ipv4IsMulticast(daddr) || ipv4IsLbcast(daddr))) {
      const dev = this.inet.findDevice(saddr);
      if (dev === null) return -EINVAL;
      flow.oif = dev.ifindex;
      return 1;
    }
    if ((flow.flags & FLOWI_FLAG_ANYSRC) === 0 && this.inet.findDevice(saddr) === null) return -EINVAL;
    return 0;
  }

  /** Chooses among several next hops or default gateways (fib_select_path). */
  private selectPath(flow: Flow, res: FibResult): void {
    const { fi, table } = res;
    if (fi === null) return;
    if (fi.nhs.length > 1) {
      if (flow.oif === 0) selectMultipath(res, fi, multipathHash(flow, this.multipathHashPolicy, this.seed));
    } else if (table !== null && table.numDefault > 1 && res.type === RTN_UNICAST && table.rib.longest(flow.daddr, 32) === 0) {
      selectDefault(flow, res, this.neighbours);
    }
  }

  /** The source address that a route prefers (fib_result_prefsrc). */
  private resultPrefsrc(res: FibResult): number {
    const { fi, nh } = res;
    if (fi === null || nh === null) return 0;
    if (fi.prefsrc !== 0) return fi.prefsrc;
    if (nh.saddrGenid !== this.genid) {
      nh.saddr = this.inet.selectAddr(nh.dev, nh.gw, fi.scope);
      nh.saddrGenid = this.genid;
    }
    return nh.saddr;
  }

  /** The dst of a packet made here (__mkroute_output). */
  private makeOutput(flow: Flow, dev: NetDevice, orig: number): RtEntry | number {
    const { res } = this;
    const { inDev } = dev;
    if (inDev === null) return -EINVAL;
    const loopback = (dev.flags & IFF_LOOPBACK) !== 0;
    if (ipv4IsLoopback(flow.saddr) && !loopback && (inDev.cnf.routeLocalnet | this.inet.all.routeLocalnet) === 0) return -EINVAL;
    let type = res.type === 0 ? RTN_UNICAST : res.type;
    if (ipv4IsLbcast(flow.daddr)) type = RTN_BROADCAST;
    else if (ipv4IsMulticast(flow.daddr)) type = RTN_MULTICAST;
    else if (ipv4IsZeronet(flow.daddr)) return -EINVAL;
    let flags = loopback ? RTCF_LOCAL : 0;
    let { fi, nh } = res;
    if (type === RTN_BROADCAST) {
      flags |= RTCF_BROADCAST | RTCF_LOCAL;
      fi = null;
      nh = null;
    } else if (type === RTN_MULTICAST) {
      flags |= RTCF_MULTICAST | (inDev.mcList.has(flow.daddr) ? RTCF_LOCAL : 0);
      fi = null;
      nh = null;
    }
    const cacheable = nh !== null && !(type === RTN_LOCAL && orig !== 0 && orig !== dev.ifindex);
    const exception = nh === null || nh.exceptions === null ? null : this.exceptions.find(nh, flow.daddr);
    let rt = nh === null || !cacheable ? null : exception === null ? nh.rthOutput : exception.rthOutput;
    if (this.valid(rt)) return rt;
    const looped = (flags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0 && (flags & RTCF_LOCAL) !== 0 && !loopback;
    rt = this.make(dev, (flags & RTCF_LOCAL) !== 0 ? ipLocalDeliver : ipRtBug, looped ? ipMcOutput : ipOutput, type, flags);
    rt.rtIif = orig;
    if (nh !== null && fi !== null) this.setNexthop(rt, nh, fi, exception);
    if (cacheable && nh !== null) {
      if (exception === null) nh.rthOutput = rt;
      else exception.rthOutput = rt;
    }
    return rt;
  }

  private make(dev: NetDevice, input: DstHandler, output: DstHandler, type: number, flags: number): RtEntry {
    const rt = new RtEntry(dev, input, output, type, flags, this.genid);
    rt.lastuse = this.net.softirq.jiffies;
    return rt;
  }

  /** Gateway, metrics, and what was learned about the way (rt_set_nexthop). */
  private setNexthop(rt: RtEntry, nh: FibNh, fi: FibInfo, exception: FibNhException | null): void {
    rt.fi = fi;
    if (nh.gw !== 0 && nh.scope === RT_SCOPE_LINK) {
      rt.rtGateway = nh.gw;
      rt.rtUsesGateway = true;
    }
    rt.mtu = fi.metrics.get(RTAX_MTU) ?? 0;
    rt.hoplimit = fi.metrics.get(RTAX_HOPLIMIT) ?? 0;
    rt.rtMtuLocked = ((fi.metrics.get(RTAX_LOCK) ?? 0) & (1 << RTAX_MTU)) !== 0;
    if (exception === null) return;
    rt.pmtu = exception.pmtu;
    rt.expires = exception.expires;
    if (exception.mtuLocked) rt.rtMtuLocked = true;
    if (exception.gw !== 0) {
      rt.rtGateway = exception.gw;
      rt.rtUsesGateway = true;
    }
  }

  private loopback(fallback: NetDevice): NetDevice {
    return this.net.device('lo') ?? fallback;
  }

  /** Writes the decision on the packet's walk: table, matched prefix, next hop, and the line of the config. */
  private traceInput(skb: SkBuff, daddr: number, reason: number): void {
    const { res, flow } = this;
    const { alias, table } = res;
    const address = formatIpv4(daddr);
    if (alias === null || table === null) {
      const why = reason !== 0 ? 'refused before any lookup' : skb.dst?.error === 0 ? 'broadcast' : 'no route';
      this.net.tracer.stage(skb, 'ipRouteInput', `${address}: ${why}`);
      return;
    }
    if (flow.daddr === daddr) table.matched(flow, res);
    const name = table.id === 255 ? 'local' : table.id === RT_TABLE_MAIN ? 'main' : String(table.id);
    const prefix = res.prefixlen === 0 ? 'default' : `${formatIpv4(res.prefix)}/${res.prefixlen}`;
    const via = res.nh !== null && res.nh.gw !== 0 ? ` via ${formatIpv4(res.nh.gw)}` : '';
    const dev = res.nh?.dev == null ? '' : ` dev ${res.nh.dev.name}`;
    const type = TYPE_NAMES[alias.type];
    this.net.tracer.stage(skb, 'ipRouteInput', `${address}: table ${name}, ${type} ${prefix}${via}${dev}`, alias.origin);
  }
}

/** validateSource: the sender is on the link itself, not behind a gateway. */
export const SOURCE_ONLINK = -1;

function onlink(nh: FibNh | null): number {
  return nh !== null && nh.scope >= RT_SCOPE_HOST ? SOURCE_ONLINK : 0;
}

/** Ports for rules and hashes that look at them; 0 for fragments and protocols without. */
function readPorts(skb: SkBuff, flow: Flow): void {
  const { view, buf } = skb.head;
  const ip = skb.networkHeader;
  flow.protocol = view.getUint8(ip + 9);
  flow.sport = 0;
  flow.dport = 0;
  const th = ip + ((view.getUint8(ip) & 15) << 2);
  const hasPorts = flow.protocol === 6 || flow.protocol === 17 || flow.protocol === 132;
  if (!hasPorts || (view.getUint16(ip + 6) & 0x3fff) !== 0 || th + 4 > Math.min(buf.length, skb.data + skb.len)) return;
  flow.sport = view.getUint16(th);
  flow.dport = view.getUint16(th + 2);
}
