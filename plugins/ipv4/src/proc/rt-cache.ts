/**
 * proc/rt-cache.ts — the routing cache as /proc/net/rt_cache and /proc/net/stat/rt_cache show it (cf. Linux 2.6
 * net/ipv4/route.c rt_cache_seq_show, rt_cpu_seq_show).
 */
import { IP_MAX_MTU, NUD_CONNECTED, RTCF_BROADCAST, RTCF_LOCAL } from '@packetwalk/framework';
import { RTAX_ADVMSS, RTAX_RTT, RTAX_RTTVAR, RTAX_WINDOW } from '../fib-info.ts';
import type { Ipv4Route } from '../route.ts';
import { RT_STATS } from '../route-cache.ts';
import { newFlow } from '../route-flow.ts';
import type { CachedRoute } from '../rtable.ts';
import { hexAddress } from './hex-address.ts';

/** Room that TCP and IP headers take of a segment: MTUs here are made of advmss. */
const HEADERS = 40;

/** A line of the cache. */
export interface CacheLine {
  readonly dev: string;
  readonly destination: number;
  readonly gateway: number;
  /** RTCF_* */
  readonly flags: number;
  readonly refs: number;
  readonly use: number;
  readonly source: number;
  readonly mtu: number;
  readonly window: number;
  readonly irtt: number;
  readonly tos: number;
  /** Users of the cached link-layer header, -1: there is none; and 1 while nobody doubts it. */
  readonly hhRefs: number;
  readonly hhUptodate: number;
  readonly specDst: number;
}

/** The entries of the cache; none when there is no cache. */
export function cacheLines(route: Ipv4Route): CacheLine[] {
  const lines: CacheLine[] = [];
  for (const rt of route.cache?.entries() ?? []) {
    const { fi, neighbour } = rt;
    lines.push({
      dev: cachedDevice(route, rt),
      destination: rt.rtDst,
      gateway: rt.rtGateway !== 0 ? rt.rtGateway : rt.rtDst,
      flags: rt.rtFlags,
      refs: rt.refcnt,
      use: rt.use,
      source: rt.rtSrc,
      mtu: cachedAdvmss(route, rt) + HEADERS,
      window: fi?.metrics.get(RTAX_WINDOW) ?? 0,
      irtt: ((fi?.metrics.get(RTAX_RTT) ?? 0) >> 3) + (fi?.metrics.get(RTAX_RTTVAR) ?? 0),
      tos: rt.tos,
      hhRefs: neighbour === null ? -1 : 1,
      hhUptodate: neighbour !== null && (neighbour.nudState & NUD_CONNECTED) !== 0 ? 1 : 0,
      specDst: cachedSpecDst(route, rt),
    });
  }
  return lines;
}

/** What is for this router goes to `lo`, whatever it came in by. */
export function cachedDevice(route: Ipv4Route, rt: CachedRoute): string {
  return rt.rtIsInput && (rt.rtFlags & RTCF_LOCAL) !== 0 ? route.loopback(rt.dev).name : rt.dev.name;
}

/** Largest segment to announce, bytes: the route's, or what fits the device (ipv4_default_advmss). */
export function cachedAdvmss(route: Ipv4Route, rt: CachedRoute): number {
  const set = rt.fi?.metrics.get(RTAX_ADVMSS);
  return set ?? Math.min(Math.max(rt.dev.mtu - HEADERS, route.minAdvMss), IP_MAX_MTU - HEADERS);
}

/** The address that this router would answer from (rt_spec_dst). */
export function cachedSpecDst(route: Ipv4Route, rt: CachedRoute): number {
  if (!rt.rtIsInput) return rt.rtSrc;
  if ((rt.rtFlags & (RTCF_LOCAL | RTCF_BROADCAST)) === RTCF_LOCAL) return rt.rtDst;
  return route.prefsrc({ ...newFlow(), daddr: rt.rtSrc });
}

/** Text of /proc/net/rt_cache; each line is padded to 127 characters. */
export function procNetRtCache(route: Ipv4Route): string {
  const rows = ['Iface\tDestination\tGateway \tFlags\t\tRefCnt\tUse\tMetric\tSource\t\tMTU\tWindow\tIRTT\tTOS\tHHRef\tHHUptod\tSpecDst'];
  for (const line of cacheLines(route)) {
    const flags = (line.flags >>> 0).toString(16).toUpperCase().padStart(8);
    const tos = line.tos.toString(16).toUpperCase().padStart(2, '0');
    const front = [
      line.dev,
      hexAddress(line.destination),
      hexAddress(line.gateway),
      flags,
      line.refs,
      line.use,
      0,
      hexAddress(line.source),
    ];
    rows.push([...front, line.mtu, line.window, line.irtt, tos, line.hhRefs, line.hhUptodate, hexAddress(line.specDst)].join('\t'));
  }
  return rows.map((row) => `${row.padEnd(127)}\n`).join('');
}

/** Heading of each column of the statistics; the value below it is padded to this width, but for the last. */
const STAT_COLUMNS = [
  'entries  ',
  'in_hit   ',
  'in_slow_tot ',
  'in_slow_mc ',
  'in_no_route ',
  'in_brd   ',
  'in_martian_dst ',
  'in_martian_src ',
  'out_hit  ',
  'out_slow_tot ',
  'out_slow_mc ',
  'gc_total ',
  'gc_ignored ',
  'gc_goal_miss ',
  'gc_dst_overflow ',
  'in_hlist_search ',
  'out_hlist_search',
];

/** Text of /proc/net/stat/rt_cache. */
export function procNetStatRtCache(route: Ipv4Route): string {
  const stats = route.cache?.stats ?? new Float64Array(RT_STATS.length);
  const values = [route.cache?.size ?? 0, ...stats];
  const row = values.map((value, i) => (value % 2 ** 32).toString(16).padStart(8, '0').padEnd(STAT_COLUMNS[i].length));
  return `${STAT_COLUMNS.join('')}\n${row.join('').trimEnd()}\n`;
}
