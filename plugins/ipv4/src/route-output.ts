/**
 * route-output.ts — the route of a packet made here, and the source address it should have (RFC 1122 §3.3.4.3; cf. Linux
 * net/ipv4/route.c ip_route_output_key_hash_rcu, __mkroute_output).
 */
import {
  FLOWI_FLAG_ANYSRC,
  type Flow,
  IFF_LOOPBACK,
  INADDR_LOOPBACK,
  IPPROTO_IGMP,
  ipv4IsLbcast,
  ipv4IsLocalMulticast,
  ipv4IsLoopback,
  ipv4IsMulticast,
  ipv4IsZeronet,
  isUp,
  type Net,
  type NetDevice,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RTCF_BROADCAST,
  RTCF_LOCAL,
  RTCF_MULTICAST,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
} from '@packetwalk/framework';
import type { Devinet } from './devinet.ts';
import type { Fib } from './fib.ts';
import { selectDefault } from './fib-default.ts';
import type { FibNh } from './fib-info.ts';
import { EINVAL, ENETUNREACH, ENODEV, FibResult } from './fib-table.ts';
import { ipLocalDeliver } from './ip-input.ts';
import { ipMcOutput, ipOutput } from './ip-output.ts';
import { multipathHash, selectMultipath } from './multipath.ts';
import type { Ipv4Route } from './route.ts';
import { ipRtBug, type RtEntry } from './rtable.ts';

export class RouteOutput {
  private readonly route: Ipv4Route;
  private readonly net: Net;
  private readonly fib: Fib;
  private readonly inet: Devinet;
  // One result serves all lookups: one finishes before the next begins.
  readonly res: FibResult = new FibResult();
  /** The flow looked up last had several default gateways to choose from: ask again for the next packet. */
  choseGateway = false;

  constructor(route: Ipv4Route) {
    this.route = route;
    this.net = route.net;
    this.fib = route.fib;
    this.inet = route.inet;
  }

  /** The route, the flow filled in; or a negative errno. */
  find(flow: Flow): RtEntry | number {
    const { res } = this;
    this.choseGateway = false;
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
      const lo = this.route.loopback(dev ?? (res.nh?.dev as NetDevice));
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

  /** See Ipv4Routing. */
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
      if (dev === null) return -ENETUNREACH;
      flow.oif = dev.ifindex;
      return 1;
    }
    if ((flow.flags & FLOWI_FLAG_ANYSRC) === 0 && this.inet.findDevice(saddr) === null) return -ENETUNREACH;
    return 0;
  }

  /** Chooses among several next hops or default gateways (fib_select_path). */
  private selectPath(flow: Flow, res: FibResult): void {
    const { fi, table } = res;
    if (fi === null) return;
    if (fi.nhs.length > 1) {
      if (flow.oif === 0) selectMultipath(res, fi, multipathHash(flow, this.route.multipathHashPolicy, this.route.seed));
    } else if (table !== null && table.numDefault > 1 && res.type === RTN_UNICAST && table.rib.longest(flow.daddr, 32) === 0) {
      this.choseGateway = true;
      selectDefault(flow, res, this.route.neighbours);
    }
  }

  /** The source address that a route prefers (fib_result_prefsrc). */
  private resultPrefsrc(res: FibResult): number {
    const { fi, nh } = res;
    if (fi === null || nh === null) return 0;
    if (fi.prefsrc !== 0) return fi.prefsrc;
    if (nh.saddrGenid !== this.route.genid) {
      nh.saddr = this.inet.selectAddr(nh.dev, nh.gw, fi.scope);
      nh.saddrGenid = this.route.genid;
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
    const exception = nh === null || nh.exceptions === null ? null : this.route.exceptions.find(nh, flow.daddr);
    let rt = nh === null || !cacheable ? null : exception === null ? nh.rthOutput : exception.rthOutput;
    if (this.route.valid(rt)) return rt;
    const looped = (flags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0 && (flags & RTCF_LOCAL) !== 0 && !loopback;
    rt = this.route.make(dev, (flags & RTCF_LOCAL) !== 0 ? ipLocalDeliver : ipRtBug, looped ? ipMcOutput : ipOutput, type, flags);
    rt.rtIif = orig;
    if (nh !== null && fi !== null) this.route.setNexthop(rt, nh, fi, exception);
    if (cacheable && nh !== null) {
      if (exception === null) nh.rthOutput = rt;
      else exception.rthOutput = rt;
    }
    return rt;
  }
}
