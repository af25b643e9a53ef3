/**
 * route-input.ts — the route of a packet that came in: martians, the lookup, and what its answer means (RFC 1812 §5.3.7;
 * cf. Linux net/ipv4/route.c ip_route_input_slow, __mkroute_input).
 */
import {
  type DstHandler,
  dstDiscard,
  ETH_P_IP,
  type Flow,
  formatIpv4,
  IPPROTO_IGMP,
  IPSTATS_MIB_INNOROUTES,
  ipv4IsLbcast,
  ipv4IsLocalMulticast,
  ipv4IsLoopback,
  ipv4IsMulticast,
  ipv4IsZeronet,
  type Net,
  type NetDevice,
  RT_SCOPE_UNIVERSE,
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
  SKB_DROP_REASON_IP_LOCALNET,
  SKB_DROP_REASON_IP_MULTICAST,
  type SkBuff,
} from '@packetwalk/framework';
import { type Devinet, inetAddrOnlink } from './devinet.ts';
import type { Fib } from './fib.ts';
import type { FibInfo, FibNh } from './fib-info.ts';
import { EHOSTUNREACH, EINVAL, FibResult } from './fib-table.ts';
import { SOURCE_ONLINK, SourceValidator } from './fib-validate-source.ts';
import { ipError } from './ip-error.ts';
import { ipForward } from './ip-forward.ts';
import { ipLocalDeliver } from './ip-input.ts';
import { ipOutput } from './ip-output.ts';
import { IPSKB_DOREDIRECT } from './ipcb.ts';
import { multipathHash, selectMultipath } from './multipath.ts';
import type { Ipv4Route } from './route.ts';
import { IPTOS_RT_MASK, newFlow, readPorts } from './route-flow.ts';
import { traceRouteInput } from './route-trace.ts';
import { ipRtBug, type RtEntry } from './rtable.ts';

const blackhole: DstHandler = dstDiscard('dstDiscard', SKB_DROP_REASON_IP_BLACKHOLE);

export class RouteInput {
  private readonly route: Ipv4Route;
  private readonly net: Net;
  private readonly fib: Fib;
  private readonly inet: Devinet;
  readonly validator: SourceValidator;
  // One flow and one result serve all packets: a lookup finishes before the next begins.
  private readonly flow: Flow = newFlow();
  readonly res: FibResult = new FibResult();
  /** Destinations for packets without a route, one for each errno. */
  private readonly errors = new Map<number, RtEntry>();
  private broadcastInput: RtEntry | null = null;
  private multicastInput: RtEntry | null = null;

  constructor(route: Ipv4Route) {
    this.route = route;
    this.net = route.net;
    this.fib = route.fib;
    this.inet = route.inet;
    this.validator = new SourceValidator(route.fib, route.inet);
  }

  /** Sets `skb.dst`; 0, or a drop reason. */
  find(skb: SkBuff, daddr: number, saddr: number, tos: number, dev: NetDevice): number {
    if (ipv4IsMulticast(daddr)) return this.multicast(skb, daddr, saddr, dev);
    const reason = this.slow(skb, daddr, saddr, tos & IPTOS_RT_MASK, dev);
    if (skb.trace !== 0) traceRouteInput(skb, daddr, this.flow, this.res, reason);
    return reason;
  }

  /** The kernel's ip_route_input_slow: martians, the lookup, and what its answer means. */
  private slow(skb: SkBuff, daddr: number, saddr: number, tos: number, dev: NetDevice): number {
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
    if (this.fib.rules.custom || this.route.multipathHashPolicy === 1) readPorts(skb, flow);
    const error = this.fib.lookup(flow, res);
    if (error !== 0) return this.noRoute(skb, inDev.cnf.forwarding === 0 ? -EHOSTUNREACH : error);
    if (res.type === RTN_BROADCAST) {
      if ((inDev.cnf.bcForwarding & this.inet.all.bcForwarding) !== 0) return this.forward(skb, saddr, daddr, tos, dev);
      return this.broadcast(skb, saddr, tos, dev);
    }
    if (res.type === RTN_LOCAL) {
      const verdict = this.validator.validate(skb, saddr, daddr, tos, 0, dev);
      if (verdict > 0) return verdict;
      return this.local(skb);
    }
    if (inDev.cnf.forwarding === 0) return this.noRoute(skb, -EHOSTUNREACH);
    if (res.type !== RTN_UNICAST) return SKB_DROP_REASON_IP_INVALID_DEST;
    return this.forward(skb, saddr, daddr, tos, dev);
  }

  /** A packet to be forwarded (ip_mkroute_input). */
  private forward(skb: SkBuff, saddr: number, daddr: number, tos: number, dev: NetDevice): number {
    const { res } = this;
    const fi = res.fi as FibInfo;
    if (fi.nhs.length > 1) selectMultipath(res, fi, multipathHash(this.flow, this.route.multipathHashPolicy, this.route.seed));
    const nh = res.nh as FibNh;
    const out = nh.dev as NetDevice;
    const verdict = this.validator.validate(skb, saddr, daddr, tos, nh.oif, dev);
    if (verdict > 0) return verdict;
    if (out === dev) {
      if (verdict === SOURCE_ONLINK && this.wantsRedirect(dev, saddr, nh)) skb.cb0 |= IPSKB_DOREDIRECT;
      // ARP asks as a proxy would: for an address on the same link there is nothing to proxy.
      if (skb.protocol !== ETH_P_IP && ((dev.inDev?.cnf.proxyArpPvlan ?? 0) | this.inet.all.proxyArpPvlan) === 0)
        return SKB_DROP_REASON_IP_INVALID_DEST;
    }
    const exception = nh.exceptions === null ? null : this.route.exceptions.find(nh, daddr);
    let rt = exception === null ? nh.rthInput : exception.rthInput;
    if (!this.route.valid(rt)) {
      rt = this.route.make(out, ipForward, ipOutput, res.type, 0);
      rt.rtIsInput = true;
      this.route.setNexthop(rt, nh, fi, exception);
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
    if (!this.route.valid(rt)) {
      rt = this.route.make(nh.dev ?? skb.dev, ipLocalDeliver, ipRtBug, RTN_LOCAL, RTCF_LOCAL);
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
      const verdict = this.validator.validate(skb, saddr, 0, tos, 0, dev);
      if (verdict > 0) return verdict;
    }
    this.broadcastInput ??= this.route.make(this.route.loopback(dev), ipLocalDeliver, ipRtBug, RTN_BROADCAST, RTCF_BROADCAST | RTCF_LOCAL);
    this.broadcastInput.rtIsInput = true;
    skb.dst = this.broadcastInput;
    return 0;
  }

  /** Groups that were joined are for this router; others are not its business. */
  private multicast(skb: SkBuff, daddr: number, saddr: number, dev: NetDevice): number {
    const { inDev } = dev;
    if (inDev === null || !inDev.mcList.has(daddr)) return SKB_DROP_REASON_IP_MULTICAST;
    if (ipv4IsMulticast(saddr) || ipv4IsLbcast(saddr)) return SKB_DROP_REASON_IP_INVALID_SOURCE;
    if (ipv4IsLoopback(saddr) && (inDev.cnf.routeLocalnet | this.inet.all.routeLocalnet) === 0) return SKB_DROP_REASON_IP_LOCALNET;
    if (ipv4IsZeronet(saddr)) {
      const igmp = skb.head.view.getUint8(skb.networkHeader + 9) === IPPROTO_IGMP;
      if (!ipv4IsLocalMulticast(daddr) && !igmp) return SKB_DROP_REASON_IP_INVALID_SOURCE;
    } else {
      const reason = this.validator.validate(skb, saddr, 0, 0, 0, dev);
      if (reason > 0) return reason;
    }
    this.multicastInput ??= this.route.make(this.route.loopback(dev), ipLocalDeliver, ipRtBug, RTN_MULTICAST, RTCF_MULTICAST | RTCF_LOCAL);
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
      rt = this.route.make(this.route.loopback(skb.dev), error === -EINVAL ? blackhole : ipError, ipRtBug, RTN_UNREACHABLE, 0);
      rt.rtIsInput = true;
      rt.error = error;
      this.errors.set(error, rt);
    }
    skb.dst = rt;
    return 0;
  }
}
