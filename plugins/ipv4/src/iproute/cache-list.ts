/**
 * iproute/cache-list.ts — `ip route show cache`: the entries of the routing cache, or without one what next hops have
 * learned about single destinations (cf. Linux net/ipv4/route.c fib_dump_info_fnhe).
 */
import { type CommandIo, iprouteJson, RT_SCOPE_UNIVERSE, RTCF_REDIRECTED, RTN_UNICAST, RTPROT_UNSPEC } from '@packetwalk/framework';
import type { FibInfo, FibNh, FibNhException } from '../fib-info.ts';
import { cachedAdvmss, cachedDevice, cachedSpecDst } from '../proc/rt-cache.ts';
import type { Ipv4Route } from '../route.ts';
import type { CachedRoute, RtEntry } from '../rtable.ts';
import { type RouteInUse, routeInUseJson, routeInUseText } from './cache-print.ts';
import type { RouteFilter, Selected } from './route-filter.ts';

interface Listed {
  readonly selected: Selected;
  readonly inUse: RouteInUse;
}

export function showCache(route: Ipv4Route, filter: RouteFilter, io: CommandIo): void {
  const listed = [...(route.cache === null ? learned(route, io) : cached(route, io))].filter(({ selected }) => filter.test(selected));
  const shown = listed.map(({ inUse }) => ({
    ...inUse,
    dev: filter.hide.has('dev') ? undefined : inUse.dev,
    gateway: filter.hide.has('via') ? undefined : inUse.gateway,
  }));
  if (io.flags.has('json'))
    io.out(
      `${iprouteJson(
        shown.map((rt) => routeInUseJson(rt, io)),
        io.flags.has('pretty'),
      )}\n`,
    );
  else io.out(shown.map((rt) => `${routeInUseText(rt, io)}\n`).join(''));
}

/** What filters may ask about any of these. */
function selectedOf(rt: RtEntry, dst: number): Selected {
  return {
    prefix: dst,
    length: 32,
    tos: 0,
    type: rt.rtType,
    protocol: RTPROT_UNSPEC,
    scope: RT_SCOPE_UNIVERSE,
    prefsrc: 0,
    priority: 0,
    gateway: rt.rtGateway,
    oifs: [rt.dev.ifindex],
    source: 0,
    iif: 0,
  };
}

function secondsLeft(route: Ipv4Route, expires: number): number | undefined {
  return expires === 0 ? undefined : Math.max(0, Math.floor((expires - route.net.softirq.jiffies) / 1000));
}

function* cached(route: Ipv4Route, io: CommandIo): Iterable<Listed> {
  const { net } = route;
  for (const rt of route.cache?.entries() ?? []) {
    const prefsrc = rt.rtIsInput ? cachedSpecDst(route, rt) : rt.rtSrc === rt.saddr ? 0 : rt.rtSrc;
    yield {
      selected: { ...selectedOf(rt, rt.rtDst), tos: rt.tos, prefsrc, source: rt.saddr, iif: rt.iif },
      inUse: {
        type: rt.rtType,
        dst: rt.rtDst,
        from: rt.saddr === 0 ? undefined : rt.saddr,
        tos: rt.tos,
        gateway: rt.rtUsesGateway ? rt.rtGateway : undefined,
        dev: cachedDevice(route, rt),
        prefsrc,
        mark: rt.mark,
        flags: rt.rtFlags,
        expires: secondsLeft(route, rt.expires),
        users: rt.refcnt,
        used: rt.use,
        age: Math.floor((net.softirq.jiffies - rt.lastuse) / 1000),
        ...metrics(route, rt, io),
        iif: rt.iif === 0 ? undefined : net.devByIndex[rt.iif]?.name,
      },
    };
  }
}

function metrics(route: Ipv4Route, rt: CachedRoute, io: CommandIo): Partial<RouteInUse> {
  const learned = { mtu: rt.pmtu !== 0 ? rt.pmtu : rt.mtu, mtuLocked: rt.rtMtuLocked, hoplimit: rt.hoplimit };
  return io.flags.has('details') ? { ...learned, mtu: learned.mtu || rt.dev.mtu, advmss: cachedAdvmss(route, rt) } : learned;
}

/** Those that some packet has used, as the kernel lists them. */
function* learned(route: Ipv4Route, io: CommandIo): Iterable<Listed> {
  const seen = new Set<FibInfo>();
  for (const table of route.fib.dumpOrder()) {
    for (const { alias } of route.fib.routes(table)) {
      if (seen.has(alias.fi)) continue;
      seen.add(alias.fi);
      for (const nh of alias.fi.nhs) yield* exceptionsOf(route, nh, io);
    }
  }
}

function* exceptionsOf(route: Ipv4Route, nh: FibNh, io: CommandIo): Iterable<Listed> {
  for (const exception of nh.exceptions?.values() ?? []) {
    const rt = exception.rthInput ?? exception.rthOutput;
    if (rt === null || !route.exceptions.good(exception)) continue;
    yield { selected: selectedOf(rt, exception.daddr), inUse: exceptionInUse(route, rt, exception, io) };
  }
}

function exceptionInUse(route: Ipv4Route, rt: RtEntry, exception: FibNhException, io: CommandIo): RouteInUse {
  return {
    type: RTN_UNICAST,
    dst: exception.daddr,
    gateway: rt.rtUsesGateway ? rt.rtGateway : undefined,
    dev: rt.dev.name,
    flags: rt.rtFlags & RTCF_REDIRECTED,
    expires: secondsLeft(route, exception.expires),
    users: 1,
    age: io.flags.has('stats') ? Math.floor((route.net.softirq.jiffies - exception.used) / 1000) : 0,
    mtu: exception.pmtu,
    mtuLocked: exception.mtuLocked,
  };
}
