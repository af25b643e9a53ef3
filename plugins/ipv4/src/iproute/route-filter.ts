/**
 * iproute/route-filter.ts — which routes `ip route show` and `flush` mean (cf. iproute2 ip/iproute.c
 * iproute_list_flush_or_save, filter_nlmsg). What all routes of a listing have in common is not printed on each line.
 */
import {
  CommandError,
  type InetPrefix,
  inetMakeMask,
  invarg,
  matches,
  type Net,
  RT_TABLE_MAIN,
  toPrefix,
  type Words,
} from '@packetwalk/framework';
import type { RouteEntry } from '../fib.ts';
import { dsfieldNumber, protocolNumber, scopeNumber, type TableNames, typeNumber } from './route-types.ts';

/** Parts of a route that a listing may leave out. */
export type RoutePart = 'tos' | 'via' | 'dev' | 'proto' | 'scope' | 'src' | 'metric';

/** What a route in use, or a route, is asked about. */
export interface Selected {
  readonly prefix: number;
  readonly length: number;
  readonly tos: number;
  readonly type: number;
  readonly protocol: number;
  readonly scope: number;
  readonly prefsrc: number;
  readonly priority: number;
  /** Gateway when there is one next hop, 0 else; ifindexes of all. */
  readonly gateway: number;
  readonly oifs: readonly number[];
  /** Source prefix and input device: routes in use only. */
  readonly source: number;
  readonly iif: number;
}

type Test = (route: Selected) => boolean;

export interface RouteFilter {
  /** 0: all tables. */
  readonly table: number;
  /** The cache is asked for, not a table. */
  readonly cache: boolean;
  readonly hide: ReadonlySet<RoutePart>;
  readonly test: Test;
}

/** What filters look at of a route in a table. */
export function selectedRoute({ prefix, length, alias }: RouteEntry): Selected {
  const { fi, type, tos } = alias;
  return {
    prefix,
    length,
    tos,
    type,
    protocol: fi.protocol,
    scope: fi.scope,
    prefsrc: fi.prefsrc,
    priority: fi.priority,
    gateway: fi.nhs.length === 1 ? fi.nhs[0].gw : 0,
    oifs: fi.nhs.length === 1 ? [fi.nhs[0].oif] : [],
    source: 0,
    iif: 0,
  };
}

/** Reads selectors. */
export function parseRouteFilter(words: Words, net: Net, tables: TableNames): RouteFilter {
  return new FilterParser(net, tables).parse(words);
}

class FilterParser {
  private readonly net: Net;
  private readonly tables: TableNames;
  private table = RT_TABLE_MAIN;
  private cache = false;
  private readonly hide = new Set<RoutePart>();
  private readonly tests: Test[] = [];

  constructor(net: Net, tables: TableNames) {
    this.net = net;
    this.tables = tables;
  }

  parse(words: Words): RouteFilter {
    // Devices are looked up last, as iproute2 does: another wrong word is complained about first.
    const devices: (readonly [string, (ifindex: number) => void])[] = [];
    while (!words.done) {
      let word = words.next();
      if (matches(word, 'table')) this.setTable(words.next());
      else if (matches(word, 'cached') || word === 'cloned') this.cache = true;
      else if (word === 'tos' || matches(word, 'dsfield')) this.same('tos', (r) => r.tos, dsfieldNumber(words.next()));
      else if (matches(word, 'protocol')) {
        const name = words.next();
        if (name !== 'all') this.same('proto', (r) => r.protocol, protocolNumber(name, 'invalid "protocol"\n'));
      } else if (matches(word, 'scope')) {
        const name = words.next();
        if (name !== 'all') this.same('scope', (r) => r.scope, scopeNumber(name, 'invalid "scope"\n'));
      } else if (matches(word, 'type')) {
        const name = words.next();
        const type = typeNumber(name) ?? invarg('node type value is invalid\n', name);
        this.tests.push((r) => r.type === type);
      } else if (word === 'dev' || word === 'oif') {
        devices.push([words.next(), (ifindex) => this.only('dev', (r) => r.oifs.includes(ifindex))]);
      } else if (word === 'iif') {
        devices.push([words.next(), (ifindex) => this.tests.push((r) => r.iif === ifindex)]);
      } else if (word === 'via') this.prefix('via', (r) => r.gateway, toPrefix(words.next(), 'unspec'));
      else if (word === 'src') this.prefix('src', (r) => r.prefsrc, toPrefix(words.next(), 'unspec'));
      else if (matches(word, 'metric')) this.same('metric', (r) => r.priority, words.u32('"metric" value is invalid\n'));
      else if (word === 'from') this.source(words);
      else {
        if (word === 'to') word = words.next();
        this.tests.push(destination(word, words));
      }
    }
    for (const [name, apply] of devices) apply(this.net.needDevice(name).ifindex);
    const { table, cache, hide, tests } = this;
    return { table, cache, hide, test: (route) => tests.every((t) => t(route)) };
  }

  private setTable(name: string): void {
    if (name === 'cache') this.cache = true;
    else if (name === 'all') this.table = 0;
    else this.table = this.tables.find(name) ?? invarg('table id value is invalid\n', name);
  }

  private only(part: RoutePart, test: Test): void {
    this.hide.add(part);
    this.tests.push(test);
  }

  private same(part: RoutePart, of: (route: Selected) => number, value: number): void {
    this.only(part, (r) => of(r) === value);
  }

  /** An address that must lie in a prefix; it is hidden only when the prefix is one address. */
  private prefix(part: RoutePart, of: (route: Selected) => number, p: InetPrefix): void {
    this.tests.push((r) => of(r) !== 0 && covers(p, of(r)));
    if (p.length === 32) this.hide.add(part);
  }

  private source(words: Words): void {
    let word = words.next();
    if (matches(word, 'root') || matches(word, 'match')) word = words.next();
    const p = toPrefix(matches(word, 'exact') ? words.next() : word, 'unspec');
    this.tests.push((r) => r.source !== 0 && covers(p, r.source));
  }
}

function covers(p: { readonly address: number; readonly length: number }, address: number): boolean {
  return ((p.address ^ address) & inetMakeMask(p.length)) === 0;
}

/** `root P`: P and longer; `match P`: P and shorter; `exact P`, and alone: exactly P (an address alone matches its /32). */
function destination(word: string, words: Words): Test {
  if (matches(word, 'root')) {
    const p = toPrefix(words.next(), 'unspec');
    return (r) => r.length >= p.length && covers(p, r.prefix);
  }
  if (matches(word, 'match')) {
    const p = toPrefix(words.next(), 'unspec');
    return (r) => r.length <= p.length && covers({ address: r.prefix, length: r.length }, p.address);
  }
  const p = toPrefix(matches(word, 'exact') ? words.next() : word, 'unspec');
  return (r) => r.length === p.length && r.prefix === p.address;
}

/** Refuses a flush without any selector, as iproute2 does. */
export function needSelector(words: Words): void {
  if (words.done) throw new CommandError('"ip route flush" requires arguments.', 1);
}
