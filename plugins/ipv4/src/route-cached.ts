/**
 * route-cached.ts — lookups by way of the routing cache: a hit, or the slow lookup and a new entry (cf. Linux 2.6
 * net/ipv4/route.c ip_route_input, __ip_route_output_key).
 *
 * What is cached is what the slow lookup says, so that packets go the same way with the cache as without. An answer that
 * depends on more than the key of an entry is not cached: on ports, a multicast membership, a transform that a packet has
 * come through, or on which default gateway seems to be alive.
 */
import {
  ETH_P_IP,
  type Flow,
  formatIpv4,
  IPPROTO_IGMP,
  IPSTATS_MIB_INNOROUTES,
  ipv4IsMulticast,
  type NetDevice,
  RT_SCOPE_UNIVERSE,
  RTCF_BROADCAST,
  RTCF_DIRECTSRC,
  RTCF_DOREDIRECT,
  SKB_DROP_REASON_IP_INVALID_DEST,
  type SkBuff,
} from '@packetwalk/framework';
import type { FibResult } from './fib-table.ts';
import { IPSKB_DOREDIRECT } from './ipcb.ts';
import type { Ipv4Route } from './route.ts';
import {
  type RouteCache,
  RT_STAT_IN_BRD,
  RT_STAT_IN_MARTIAN_DST,
  RT_STAT_IN_MARTIAN_SRC,
  RT_STAT_IN_NO_ROUTE,
  RT_STAT_IN_SLOW_MC,
  RT_STAT_IN_SLOW_TOT,
  RT_STAT_OUT_SLOW_MC,
  RT_STAT_OUT_SLOW_TOT,
} from './route-cache.ts';
import type { RouteInput } from './route-input.ts';
import type { RouteOutput } from './route-output.ts';
import { CachedRoute, type RtEntry } from './rtable.ts';

/** See Routing.routeInput; `tos` is masked. */
export function cachedRouteInput(
  route: Ipv4Route,
  cache: RouteCache,
  input: RouteInput,
  skb: SkBuff,
  daddr: number,
  saddr: number,
  tos: number,
  dev: NetDevice,
): number {
  // ARP asks for other reasons, and gets other answers.
  if (skb.protocol !== ETH_P_IP || skb.secPath !== null) return input.find(skb, daddr, saddr, tos, dev);
  const found = cache.findInput(daddr, saddr, tos, dev.ifindex, skb.mark);
  if (found !== null) return take(skb, found);
  const reason = input.find(skb, daddr, saddr, tos, dev);
  const { stats } = cache;
  if (ipv4IsMulticast(daddr)) {
    stats[RT_STAT_IN_SLOW_MC]++;
    return reason;
  }
  stats[RT_STAT_IN_SLOW_TOT]++;
  if (reason !== 0) {
    stats[reason === SKB_DROP_REASON_IP_INVALID_DEST ? RT_STAT_IN_MARTIAN_DST : RT_STAT_IN_MARTIAN_SRC]++;
    return reason;
  }
  const template = skb.dst as RtEntry;
  if (template.error !== 0) stats[RT_STAT_IN_NO_ROUTE]++;
  if ((template.rtFlags & RTCF_BROADCAST) !== 0) stats[RT_STAT_IN_BRD]++;
  if (!keyed(route, input.res)) return 0;
  const made = new CachedRoute(template, daddr, saddr, tos, dev.ifindex, 0, skb.mark);
  if (saddr !== 0 && input.validator.onlink(saddr, dev)) made.rtFlags |= RTCF_DIRECTSRC;
  if ((skb.cb0 & IPSKB_DOREDIRECT) !== 0) made.rtFlags |= RTCF_DOREDIRECT;
  made.lastuse = route.net.softirq.jiffies;
  skb.dst = cache.intern(made);
  return 0;
}

/** Gives a packet the route of its flow, and what that says about it. */
function take(skb: SkBuff, rt: CachedRoute): number {
  if ((rt.rtFlags & RTCF_DOREDIRECT) !== 0) skb.cb0 |= IPSKB_DOREDIRECT;
  if (rt.error !== 0) skb.net.ipExtMib[IPSTATS_MIB_INNOROUTES]++;
  skb.dst = rt;
  if (skb.trace !== 0) skb.net.tracer.stage(skb, 'ipRouteInput', `${formatIpv4(rt.daddr)}: routing cache, dev ${rt.dev.name}`);
  return 0;
}

/** See Routing.routeOutput; `flow.tos` is masked. */
export function cachedRouteOutput(route: Ipv4Route, cache: RouteCache, output: RouteOutput, flow: Flow): RtEntry | number {
  const { daddr, saddr, tos, oif, mark, flags, scope, protocol } = flow;
  if (flags !== 0 || scope !== RT_SCOPE_UNIVERSE || protocol === IPPROTO_IGMP) return output.find(flow);
  const { stats } = cache;
  if (ipv4IsMulticast(daddr)) {
    stats[RT_STAT_OUT_SLOW_MC]++;
    return output.find(flow);
  }
  const found = cache.findOutput(daddr, saddr, tos, oif, mark);
  if (found !== null) {
    flow.daddr = found.rtDst;
    flow.saddr = found.rtSrc;
    flow.oif = found.rtOif;
    return found;
  }
  stats[RT_STAT_OUT_SLOW_TOT]++;
  const template = output.find(flow);
  if (typeof template === 'number' || output.choseGateway || !keyed(route, output.res)) return template;
  const made = new CachedRoute(template, daddr, saddr, tos, 0, oif, mark);
  made.rtDst = flow.daddr;
  made.rtSrc = flow.saddr;
  made.rtOif = flow.oif;
  made.lastuse = route.net.softirq.jiffies;
  return cache.intern(made);
}

/** The answer depends on nothing but addresses, TOS, device and mark. */
function keyed({ fib, multipathHashPolicy }: Ipv4Route, { fi }: FibResult): boolean {
  return !fib.rules.looksAtPorts && (multipathHashPolicy === 0 || fi === null || fi.nhs.length === 1);
}
