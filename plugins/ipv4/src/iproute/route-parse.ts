/** iproute/route-parse.ts — a route as `ip route add` takes it (cf. iproute2 ip/iproute.c iproute_modify). */
import {
  CommandError,
  duparg2,
  getTimeRtt,
  getUnsigned,
  inetMakeMask,
  invarg,
  matches,
  type Net,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_ANYCAST,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_NAT,
  RTN_UNICAST,
  RTN_UNSPEC,
  RTPROT_BOOT,
  toAddress,
  toPrefix,
  type Words,
} from '@packetwalk/framework';
import { type FibInfo, RTAX_CC_ALGO, RTAX_FEATURES, RTNH_F_ONLINK } from '../fib-info.ts';
import type { NexthopConfig, RouteConfig } from '../fib-semantics.ts';
import type { RouteMatch } from '../fib-table.ts';
import { parseRealms } from './realms.ts';
import { dsfieldNumber, protocolNumber, scopeNumber, type TableNames, typeNumber } from './route-types.ts';

/** Metrics by keyword: RTAX_* number, and whether the value is a time. */
const METRICS: Readonly<Record<string, readonly [number, 'number' | 'time']>> = {
  mtu: [2, 'number'],
  window: [3, 'number'],
  rtt: [4, 'time'],
  rttvar: [5, 'time'],
  ssthresh: [6, 'number'],
  cwnd: [7, 'number'],
  advmss: [8, 'number'],
  reordering: [9, 'number'],
  hoplimit: [10, 'number'],
  initcwnd: [11, 'number'],
  rto_min: [13, 'time'],
  initrwnd: [14, 'number'],
  quickack: [15, 'number'],
};

/** Metrics that a line may lock, and the factor of times in the kernel's units. */
const TIME_FACTOR: Readonly<Record<string, number>> = { rtt: 8, rttvar: 4, rto_min: 1 };

/** Congestion control of TCP, by the number that it has among the metrics. */
export const CC_ALGORITHMS: readonly string[] = ['reno', 'cubic'];

/** A parsed route, with what the line left open. */
export interface ParsedRoute {
  readonly prefix: number;
  readonly length: number;
  readonly type: number;
  readonly scope: number | undefined;
  readonly table: number | undefined;
  readonly protocol: number | undefined;
  readonly tos: number;
  readonly priority: number | undefined;
  readonly prefsrc: number;
  readonly metrics: ReadonlyMap<number, number>;
  readonly gw: number;
  readonly dev: string;
  readonly onlink: boolean;
  readonly realms: number;
  readonly nexthops: readonly NexthopConfig[];
}

/** What a route line needs to know about the router. */
export interface RouteNames {
  readonly net: Net;
  readonly tables: TableNames;
}

/** Reads what follows `ip route add`. Throws CommandError with iproute2's words. */
export function parseRoute(words: Words, names: RouteNames): ParsedRoute {
  let type = RTN_UNSPEC;
  let prefix: { address: number; length: number } | null = null;
  let scope: number | undefined;
  let table: number | undefined;
  let protocol: number | undefined;
  let tos = 0;
  let priority: number | undefined;
  let prefsrc = 0;
  let gw = 0;
  let dev = '';
  let onlink = false;
  let realms = 0;
  let locked = 0;
  const metrics = new Map<number, number>();
  const nexthops: NexthopConfig[] = [];
  while (!words.done) {
    let word = words.next();
    if (word === 'src') prefsrc = toAddress(words.next()).address;
    else if (word === 'via') {
      if (gw !== 0) invarg('use nexthop syntax to specify multiple via\n', word);
      gw = gateway(words);
    } else if (word === 'from') throw new CommandError('RTNETLINK answers: Invalid argument', 2);
    else if (word === 'tos' || matches(word, 'dsfield')) tos = dsfieldNumber(words.next());
    else if (matches(word, 'metric') || matches(word, 'priority') || word === 'preference')
      priority = words.u32('"metric" value is invalid\n');
    else if (word === 'scope') scope = scopeNumber(words.next());
    else if (Object.hasOwn(METRICS, word)) {
      const key = word;
      let value = words.next();
      if (value === 'lock') {
        locked |= 1 << METRICS[key][0];
        value = words.next();
      }
      metrics.set(METRICS[key][0], metricValue(key, value));
      // iproute2 takes a smallest retransmission time for the last word on it.
      if (key === 'rto_min') locked |= 1 << METRICS[key][0];
    } else if (word === 'features') metrics.set(RTAX_FEATURES, features(words));
    else if (word === 'congctl') {
      let name = words.next();
      if (name === 'lock') {
        locked |= 1 << RTAX_CC_ALGO;
        name = words.next();
      }
      const algorithm = CC_ALGORITHMS.indexOf(name);
      if (algorithm < 0) throw new CommandError('RTNETLINK answers: Invalid argument', 2);
      metrics.set(RTAX_CC_ALGO, algorithm);
    } else if (matches(word, 'pref')) {
      const value = words.next();
      if (!['low', 'medium', 'high'].includes(value)) invarg('"pref" value is invalid\n', value);
    } else if (matches(word, 'protocol')) protocol = protocolNumber(words.next());
    else if (matches(word, 'table')) table = tableNumber(words.next(), names.tables);
    else if (word === 'dev' || word === 'oif') dev = words.next();
    else if (word === 'onlink') onlink = true;
    else if (matches(word, 'realms')) realms = parseRealms(words.next(), REALM);
    else if (word === 'nexthop') {
      while (!words.done || word === 'nexthop') {
        nexthops.push(parseNexthop(words, names.net));
        word = words.peek() ?? '';
        if (word !== 'nexthop') break;
        words.next();
      }
    } else {
      if (word === 'to') word = words.next();
      const named = typeNumber(word);
      if (named !== undefined && prefix === null && type === RTN_UNSPEC) {
        type = named;
        word = words.next();
      }
      if (prefix !== null) duparg2('to', word);
      prefix = toPrefix(word, 'unspec');
    }
  }
  if (prefix === null) prefix = { address: 0, length: 0 };
  if (locked !== 0) metrics.set(1, locked);
  if (dev !== '') names.net.needDevice(dev);
  if (prefix.length > 0 && (prefix.address & ~inetMakeMask(prefix.length)) !== 0) {
    throw new CommandError('Error: Invalid prefix for given prefix length.', 2);
  }
  return {
    prefix: prefix.address,
    length: prefix.length,
    type,
    scope,
    table,
    protocol,
    tos,
    priority,
    prefsrc,
    metrics,
    gw,
    dev,
    onlink,
    realms,
    nexthops,
  };
}

/** Behaviours of TCP by route: ECN is one (RTAX_FEATURES). */
function features(words: Words): number {
  if (!words.take('ecn')) invarg('"features" value not valid\n', words.peek() ?? '');
  return 1;
}

function gateway(words: Words): number {
  const word = words.next();
  if (word === 'inet') return toAddress(words.next()).address;
  if (word === 'inet6') throw new CommandError('RTNETLINK answers: Address family not supported by protocol', 2);
  return toAddress(word).address;
}

const REALM = '"realm" value is invalid\n';

function parseNexthop(words: Words, net: Net): NexthopConfig {
  let gw = 0;
  let oif = 0;
  let weight = 1;
  let flags = 0;
  let realms = 0;
  if (words.done) throw new CommandError('Error: unexpected end of line after "nexthop"', 255);
  for (let word = words.peek(); word !== undefined && word !== 'nexthop'; word = words.peek()) {
    words.next();
    if (word === 'via') gw = gateway(words);
    else if (word === 'dev') oif = net.needDevice(words.next()).ifindex;
    else if (word === 'weight') {
      const value = words.next();
      const n = getUnsigned(value, 0xffff);
      if (n === null || n === 0 || n > 256) invarg('"weight" is invalid\n', value);
      else weight = n;
    } else if (word === 'onlink') flags |= RTNH_F_ONLINK;
    else if (matches(word, 'realms')) realms = parseRealms(words.next(), REALM);
    else throw new CommandError(`Error: "nexthop" or end of line is expected instead of "${word}"`, 255);
  }
  return { gw, oif, weight, flags, realms };
}

function metricValue(key: string, word: string): number {
  if (METRICS[key][1] === 'time') {
    const time = getTimeRtt(word) ?? invarg(`"${key}" value is invalid\n`, word);
    return time.raw ? time.value : time.value * TIME_FACTOR[key];
  }
  const value = getUnsigned(word) ?? invarg(`"${key}" value is invalid\n`, word);
  if (key === 'hoplimit' && value > 255) return invarg('"hoplimit" value is invalid\n', word);
  return value;
}

/** Id of a table word. */
export function tableNumber(word: string, tables: TableNames): number {
  return tables.find(word) ?? invarg('"table" value is invalid\n', word);
}

/** The kernel's view of a line that adds or changes a route: scope, table and protocol that it left open. */
export function toRouteConfig(parsed: ParsedRoute, net: Net, origin = ''): RouteConfig {
  checkTos(parsed.tos);
  const type = parsed.type === RTN_UNSPEC ? RTN_UNICAST : parsed.type;
  const oif = parsed.dev === '' ? 0 : net.needDevice(parsed.dev).ifindex;
  const single: NexthopConfig = { gw: parsed.gw, oif, weight: 1, flags: parsed.onlink ? RTNH_F_ONLINK : 0, realms: parsed.realms };
  return {
    prefix: parsed.prefix,
    length: parsed.length,
    tos: parsed.tos,
    type,
    scope: parsed.scope ?? defaultScope(type, parsed),
    table: parsed.table ?? defaultTable(type),
    protocol: parsed.protocol ?? RTPROT_BOOT,
    priority: parsed.priority ?? 0,
    prefsrc: parsed.prefsrc,
    metrics: parsed.metrics,
    nexthops: parsed.nexthops.length > 0 ? parsed.nexthops : [single],
    origin,
  };
}

/** The ECN bits of a TOS are no part of a route. */
function checkTos(tos: number): void {
  if ((tos & 3) !== 0) throw new CommandError('Error: Invalid dsfield (tos): ECN bits must be 0.', 2);
}

function defaultScope(type: number, parsed: ParsedRoute): number {
  if (type === RTN_LOCAL || type === RTN_NAT) return RT_SCOPE_HOST;
  if (type === RTN_BROADCAST || type === RTN_MULTICAST || type === RTN_ANYCAST) return RT_SCOPE_LINK;
  if (type === RTN_UNICAST && parsed.gw === 0 && parsed.nexthops.length === 0) return RT_SCOPE_LINK;
  return RT_SCOPE_UNIVERSE;
}

function defaultTable(type: number): number {
  return type === RTN_LOCAL || type === RTN_BROADCAST || type === RTN_NAT || type === RTN_ANYCAST ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
}

/** What a line that deletes a route must match. */
export function toRouteMatch(parsed: ParsedRoute, net: Net): { table: number; match: RouteMatch } {
  checkTos(parsed.tos);
  const oif = parsed.dev === '' ? 0 : net.needDevice(parsed.dev).ifindex;
  const nexthops = (fi: FibInfo): boolean => {
    if (parsed.nexthops.length > 0) {
      return (
        fi.nhs.length === parsed.nexthops.length &&
        parsed.nexthops.every((want, i) => (want.oif === 0 || want.oif === fi.nhs[i].oif) && (want.gw === 0 || want.gw === fi.nhs[i].gw))
      );
    }
    if (oif !== 0 && !(fi.nhs.length === 1 && fi.nhs[0].oif === oif)) return false;
    if (parsed.gw !== 0 && !(fi.nhs.length === 1 && fi.nhs[0].gw === parsed.gw)) return false;
    return [...parsed.metrics].every(([metric, value]) => fi.metrics.get(metric) === value);
  };
  const table = parsed.table ?? defaultTable(parsed.type);
  return {
    table,
    match: {
      prefix: parsed.prefix,
      length: parsed.length,
      tos: parsed.tos,
      scope: parsed.scope ?? RT_SCOPE_NOWHERE,
      ...(parsed.type === RTN_UNSPEC ? {} : { type: parsed.type }),
      ...(parsed.protocol === undefined ? {} : { protocol: parsed.protocol }),
      ...(parsed.prefsrc === 0 ? {} : { prefsrc: parsed.prefsrc }),
      ...(parsed.priority === undefined || parsed.priority === 0 ? {} : { priority: parsed.priority }),
      nexthops,
    },
  };
}
