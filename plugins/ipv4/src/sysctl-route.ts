/**
 * sysctl-route.ts — net.ipv4.route.*: what is learned about routes and for how long, and the routing cache (cf. Linux
 * net/ipv4/route.c ipv4_route_table).
 */
import { CommandError, intSysctl, type SysctlDef } from '@packetwalk/framework';
import type { Ipv4Route } from './route.ts';

/** Settings of the routing cache; times in ms. */
export interface RouteGcSettings {
  /** Entries it may have at most. */
  maxSize: number;
  /** From here on new entries pay for collecting old ones. */
  gcThresh: number;
  /** Entries of a chain from which on a new one takes the place of another. */
  gcElasticity: number;
  /** How often a part of the cache is looked through. */
  gcInterval: number;
  /** Shortest time from one pass through the cache to the next. */
  gcMinInterval: number;
  /** How long an entry stays that nobody uses; also how long a redirect is believed. */
  gcTimeout: number;
}

/** Values of a router with the cache, or those that Linux shows since it has none. */
export function initialRouteGc(cache: boolean): RouteGcSettings {
  return {
    maxSize: cache ? 65536 : 0x7fffffff,
    gcThresh: cache ? 8192 : -1,
    gcElasticity: 8,
    gcInterval: 60_000,
    gcMinInterval: 500,
    gcTimeout: 300_000,
  };
}

/** Name below net.ipv4.route, field, and ms in one of its units. */
const GC_FIELDS: readonly [string, keyof RouteGcSettings, number][] = [
  ['max_size', 'maxSize', 1],
  ['gc_thresh', 'gcThresh', 1],
  ['gc_elasticity', 'gcElasticity', 1],
  ['gc_interval', 'gcInterval', 1000],
  ['gc_min_interval', 'gcMinInterval', 1000],
  ['gc_min_interval_ms', 'gcMinInterval', 1],
  ['gc_timeout', 'gcTimeout', 1000],
];

/** All of them, for `ctx.sysctl`. */
export function routeSysctls(route: Ipv4Route): SysctlDef[] {
  const { exceptions, gc } = route;
  const settings = GC_FIELDS.map(([name, field, unit]) =>
    intSysctl(
      `net.ipv4.route.${name}`,
      () => Math.floor(gc[field] / unit),
      (value) => {
        gc[field] = value * unit;
      },
    ),
  );
  return [
    ...settings,
    intSysctl(
      'net.ipv4.route.min_pmtu',
      () => exceptions.minPmtu,
      (v) => {
        exceptions.minPmtu = v;
      },
      68,
    ),
    intSysctl(
      'net.ipv4.route.mtu_expires',
      () => exceptions.mtuExpires / 1000,
      (v) => {
        exceptions.mtuExpires = v * 1000;
      },
      0,
    ),
    intSysctl(
      'net.ipv4.route.min_adv_mss',
      () => route.minAdvMss,
      (v) => {
        route.minAdvMss = v;
      },
    ),
    {
      name: 'net.ipv4.route.flush',
      get: () => {
        throw new CommandError('sysctl: permission denied on key "net.ipv4.route.flush"', 255);
      },
      set: () => route.forget(),
    },
  ];
}
