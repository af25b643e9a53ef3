/**
 * route.ts — where packets go: the dst of a packet that came in, and of one made here (cf. Linux net/ipv4/route.c).
 *
 * A next hop keeps the destination it gave out first, and all packets by it share that one until routing changes
 * (`genid`): in steady state a packet costs a lookup in the FIB and allocates nothing. With the routing cache each flow
 * has a destination of its own instead, found without the FIB.
 */
import {
  type DstHandler,
  type Flow,
  type NeighTable,
  type Net,
  type NetDevice,
  RT_SCOPE_LINK,
  RTCF_REDIRECTED,
  type SkBuff,
  type Slot,
} from '@packetwalk/framework';
import type { Devinet } from './devinet.ts';
import type { Fib } from './fib.ts';
import { type FibInfo, type FibNh, type FibNhException, RTAX_HOPLIMIT, RTAX_LOCK, RTAX_MTU } from './fib-info.ts';
import type { FibResult } from './fib-table.ts';
import type { Ipv4Routing } from './ipv4.ts';
import { RouteCache } from './route-cache.ts';
import { cachedRouteInput, cachedRouteOutput } from './route-cached.ts';
import { RouteExceptions } from './route-exceptions.ts';
import { IPTOS_RT_MASK } from './route-flow.ts';
import { mayUseHint, RouteHints } from './route-hint.ts';
import { RouteInput } from './route-input.ts';
import { RouteOutput } from './route-output.ts';
import { sendRedirect } from './route-redirect.ts';
import { RtEntry } from './rtable.ts';
import { initialRouteGc, type RouteGcSettings } from './sysctl-route.ts';

export class Ipv4Route implements Ipv4Routing {
  readonly net: Net;
  readonly fib: Fib;
  readonly inet: Devinet;
  readonly neighbours: Slot<NeighTable>;
  readonly exceptions: RouteExceptions;
  /** net.ipv4.route.gc_* and max_size. */
  readonly gc: RouteGcSettings;
  /** Null: each next hop has one destination for all its packets. */
  readonly cache: RouteCache | null;
  /** net.ipv4.fib_multipath_hash_policy: 0 addresses, 1 addresses and ports. */
  multipathHashPolicy = 0;
  /** net.ipv4.route.min_adv_mss, bytes. */
  minAdvMss = 256;
  /** @internal destinations made before the last change of routing are of an older generation (rt_genid) */
  genid = 1;
  /** @internal flows hash to next hops by it */
  readonly seed: number;
  private readonly hints: RouteHints = new RouteHints();
  /** The lookups themselves, past the cache. */
  readonly input: RouteInput;
  readonly output: RouteOutput;

  /** @param cache whether to keep a routing cache */
  constructor(net: Net, fib: Fib, inet: Devinet, neighbours: Slot<NeighTable>, cache: boolean) {
    this.net = net;
    this.fib = fib;
    this.inet = inet;
    this.neighbours = neighbours;
    this.gc = initialRouteGc(cache);
    this.cache = cache ? new RouteCache(net, this.gc) : null;
    this.exceptions = new RouteExceptions(this);
    this.seed = net.softirq.random.int32();
    this.input = new RouteInput(this);
    this.output = new RouteOutput(this);
  }

  flush(): void {
    this.genid++;
    this.hints.forget();
    this.cache?.flush();
  }

  /** Forgets what was learned, too: `ip route flush cache`, net.ipv4.route.flush (fnhe_genid_bump). */
  forget(): void {
    this.exceptions.forget();
    this.flush();
  }

  addrType(address: number, dev?: NetDevice): number {
    return this.fib.addrType(address, dev ?? null);
  }

  sendRedirect(skb: SkBuff): void {
    sendRedirect(skb, this.inet);
  }

  redirected(skb: SkBuff, protocol: number, gateway: number, oif = 0): void {
    this.exceptions.redirected(skb, protocol, gateway, oif);
  }

  updatePmtu(skb: SkBuff, protocol: number, mtu: number, oif = 0): void {
    this.exceptions.updatePmtu(skb, protocol, mtu, oif);
  }

  updateDstPmtu(skb: SkBuff, mtu: number): void {
    this.exceptions.updateDstPmtu(skb, mtu);
  }

  routeInput(skb: SkBuff, daddr: number, saddr: number, tos: number, dev: NetDevice): number {
    const { cache, input } = this;
    if (cache !== null) return cachedRouteInput(this, cache, input, skb, daddr, saddr, tos & IPTOS_RT_MASK, dev);
    if (this.needsPorts || !mayUseHint(skb)) return input.find(skb, daddr, saddr, tos, dev);
    const rt = this.hints.find(daddr, saddr, tos & IPTOS_RT_MASK, dev.ifindex);
    if (rt !== null) {
      skb.dst = rt;
      return 0;
    }
    const reason = input.find(skb, daddr, saddr, tos, dev);
    if (reason === 0) this.hints.keep(skb, daddr, saddr, tos & IPTOS_RT_MASK, dev.ifindex);
    return reason;
  }

  /** The way of a packet may depend on its ports. */
  private get needsPorts(): boolean {
    return this.fib.rules.looksAtPorts || this.multipathHashPolicy !== 0;
  }

  routeOutput(flow: Flow): RtEntry | number {
    flow.tos &= IPTOS_RT_MASK;
    const { cache, output } = this;
    return cache === null ? output.find(flow) : cachedRouteOutput(this, cache, output, flow);
  }

  prefsrc(flow: Flow): number {
    return this.output.prefsrc(flow);
  }

  /** Looks a flow up as output does, with the answer in a result of the caller's own: for listings and exceptions. */
  resolve(flow: Flow, res: FibResult): number {
    return this.output.resolve(flow, res);
  }

  /** True when nothing about routing has changed since the entry was made. */
  valid(rt: RtEntry | null): rt is RtEntry {
    return rt !== null && rt.genid === this.genid && rt.obsolete === 0;
  }

  /** @internal a route without next hop (rt_dst_alloc) */
  make(dev: NetDevice, input: DstHandler, output: DstHandler, type: number, flags: number): RtEntry {
    const rt = new RtEntry(dev, input, output, type, flags, this.genid);
    rt.lastuse = this.net.softirq.jiffies;
    return rt;
  }

  /** @internal gateway, metrics, and what was learned about the way (rt_set_nexthop) */
  setNexthop(rt: RtEntry, nh: FibNh, fi: FibInfo, exception: FibNhException | null): void {
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
      rt.rtFlags |= RTCF_REDIRECTED;
    }
  }

  /** @internal */
  loopback(fallback: NetDevice): NetDevice {
    return this.net.device('lo') ?? fallback;
  }
}
