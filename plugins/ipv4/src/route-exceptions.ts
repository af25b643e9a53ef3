/**
 * route-exceptions.ts — what is learned about single destinations by a next hop: a better gateway from redirects, a
 * smaller MTU from "fragmentation needed" (RFC 1191; cf. Linux net/ipv4/route.c update_or_create_fnhe, __ip_do_redirect).
 * The routing table stays as it is.
 */
import {
  dstMtu,
  FLOWI_FLAG_ANYSRC,
  type Flow,
  IP_DADDR,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  ipv4IsLbcast,
  ipv4IsMulticast,
  ipv4IsZeronet,
  NUD_VALID,
  RT_SCOPE_UNIVERSE,
  RTN_UNICAST,
  type Rtable,
  type SkBuff,
} from '@packetwalk/framework';
import { inetAddrOnlink } from './devinet.ts';
import { type FibNh, type FibNhException, RTNH_F_DEAD } from './fib-info.ts';
import { FibResult } from './fib-table.ts';
import { skbRtable } from './ipv4.ts';
import type { Ipv4Route } from './route.ts';
import type { RtEntry } from './rtable.ts';

/** Exceptions that one next hop keeps; the least used goes first (FNHE_HASH_SIZE × FNHE_RECLAIM_DEPTH). */
const MAX_EXCEPTIONS = 2048 * 5;

export class RouteExceptions {
  /** net.ipv4.route.min_pmtu, bytes; mtu_expires, ms. */
  minPmtu = 552;
  mtuExpires = 600_000;
  private readonly route: Ipv4Route;
  private readonly res = new FibResult();
  /** What was learned before is forgotten (fnhe_genid). */
  private genid = 0;

  constructor(route: Ipv4Route) {
    this.route = route;
  }

  /** The exception for a destination that has not expired, or null. */
  find(nh: FibNh, daddr: number): FibNhException | null {
    const found = nh.exceptions?.get(daddr);
    if (found === undefined) return null;
    if (!this.good(found)) {
      nh.exceptions?.delete(daddr);
      return null;
    }
    found.used = this.route.net.softirq.jiffies;
    return found;
  }

  /** Not forgotten, nor by itself. */
  good(exception: FibNhException): boolean {
    return exception.genid === this.genid && (exception.expires === 0 || this.route.net.softirq.jiffies < exception.expires);
  }

  /** Forgets all of them, each when it is next met. */
  forget(): void {
    this.genid++;
  }

  /** "Fragmentation needed" about a packet of ours: `skb.data` is at the quoted header. */
  updatePmtu(skb: SkBuff, protocol: number, mtu: number, oif: number): void {
    const flow = packetFlow(skb, skb.data, protocol, oif);
    const rt = this.route.routeOutput(flow);
    if (typeof rt === 'number') return;
    flow.oif = 0;
    this.learnPmtu(rt, flow, mtu);
  }

  /** The device that a packet leaves by has found out what the path takes; the path of packets: nothing is done twice. */
  updateDstPmtu(skb: SkBuff, mtu: number): void {
    const rt = skbRtable(skb);
    const halfway = this.route.net.softirq.jiffies + this.mtuExpires / 2;
    if (rt.pmtu === mtu && !rt.rtMtuLocked && halfway < rt.expires) return;
    const ip = skb.networkHeader;
    this.learnPmtu(rt, packetFlow(skb, ip, skb.head.view.getUint8(ip + IP_PROTOCOL), skb.dev.ifindex), mtu);
  }

  /** __ip_rt_update_pmtu */
  private learnPmtu(rt: Rtable, flow: Flow, mtu: number): void {
    const old = dstMtu(rt);
    if (rt.rtMtuLocked || old < mtu) return;
    const tooSmall = mtu < this.minPmtu;
    const pmtu = tooSmall ? Math.min(old, this.minPmtu) : mtu;
    this.learn(flow, (e) => {
      e.pmtu = pmtu;
      e.mtuLocked = tooSmall;
      e.expires = this.route.net.softirq.jiffies + this.mtuExpires;
    });
  }

  /** A redirect about a packet of ours: checked as RFC 1122 §3.2.2.2 wants, then remembered for that destination. */
  redirected(skb: SkBuff, protocol: number, gateway: number, oif: number): void {
    const flow = packetFlow(skb, skb.data, protocol, oif);
    const { inDev } = skb.dev;
    const rt = this.route.routeOutput(flow);
    if (inDev === null || typeof rt === 'number' || !rt.rtUsesGateway) return;
    const sender = skb.head.view.getInt32(skb.networkHeader + IP_SADDR);
    if (rt.rtGateway !== sender || gateway === sender) return;
    const { inet } = this.route;
    const { cnf } = inDev;
    const { all } = inet;
    const accepts = cnf.forwarding !== 0 ? cnf.acceptRedirects & all.acceptRedirects : cnf.acceptRedirects | all.acceptRedirects;
    if (accepts === 0 || ipv4IsMulticast(gateway) || ipv4IsLbcast(gateway) || ipv4IsZeronet(gateway)) return;
    if ((cnf.sharedMedia | all.sharedMedia) === 0) {
      if (!inetAddrOnlink(inDev, gateway, sender)) return;
      if ((cnf.secureRedirects | all.secureRedirects) !== 0 && !this.isGateway(gateway, skb)) return;
    } else if (this.route.addrType(gateway) !== RTN_UNICAST) return;
    const neigh = this.route.neighbours.value?.resolve(gateway, rt.dev) ?? null;
    if (neigh === null) return;
    if ((neigh.nudState & NUD_VALID) === 0) {
      this.route.neighbours.value?.eventSend(neigh);
      return;
    }
    flow.oif = 0;
    this.learn(flow, (e) => {
      e.gw = gateway;
      e.expires = this.route.net.softirq.jiffies + this.route.gc.gcTimeout;
    });
    // The routing cache shows what was learned at once; the table stays as it was.
    if (this.route.cache !== null) this.route.routeOutput({ ...flow, flags: 0 });
  }

  /** The address is the gateway of some route by the device the packet came in by (ip_fib_check_default). */
  private isGateway(gateway: number, skb: SkBuff): boolean {
    for (const fi of this.route.fib.infos.onDevice(skb.dev)) {
      if (fi.nhs.some((nh) => nh.dev === skb.dev && nh.gw === gateway && (nh.flags & RTNH_F_DEAD) === 0)) return true;
    }
    return false;
  }

  private learn(flow: Flow, change: (exception: FibNhException) => void): void {
    const { res } = this;
    if (this.route.resolve(flow, res) !== 0 || res.nh === null) return;
    const { nh } = res;
    nh.exceptions ??= new Map();
    let exception = nh.exceptions.get(flow.daddr);
    if (exception === undefined || exception.genid !== this.genid) {
      if (nh.exceptions.size >= MAX_EXCEPTIONS) evictOldest(nh.exceptions);
      // Flows of the next hop that are cached must find the exception.
      expire(nh.rthInput, nh.rthOutput);
      exception = {
        daddr: flow.daddr,
        genid: this.genid,
        gw: 0,
        pmtu: 0,
        mtuLocked: false,
        expires: 0,
        rthInput: null,
        rthOutput: null,
        used: 0,
      };
      nh.exceptions.set(flow.daddr, exception);
    }
    change(exception);
    expire(exception.rthInput, exception.rthOutput);
    exception.rthInput = null;
    exception.rthOutput = null;
    exception.used = this.route.net.softirq.jiffies;
  }
}

function evictOldest(exceptions: Map<number, FibNhException>): void {
  let oldest: FibNhException | null = null;
  for (const e of exceptions.values()) if (oldest === null || e.used < oldest.used) oldest = e;
  if (oldest === null) return;
  exceptions.delete(oldest.daddr);
  expire(oldest.rthInput, oldest.rthOutput);
}

/** Whoever holds these routes looks them up again. */
function expire(...routes: readonly (RtEntry | null)[]): void {
  for (const rt of routes) if (rt !== null) rt.obsolete = 1;
}

/** The flow that the packet whose header is at `ip` belongs to. */
function packetFlow(skb: SkBuff, ip: number, protocol: number, oif: number): Flow {
  const { view } = skb.head;
  return {
    daddr: view.getInt32(ip + IP_DADDR),
    saddr: view.getInt32(ip + IP_SADDR),
    tos: view.getUint8(ip + IP_TOS),
    iif: 0,
    oif,
    mark: 0,
    protocol,
    scope: RT_SCOPE_UNIVERSE,
    sport: 0,
    dport: 0,
    flags: FLOWI_FLAG_ANYSRC,
  };
}
