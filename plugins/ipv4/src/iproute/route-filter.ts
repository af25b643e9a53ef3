/** iproute/route-filter.ts — which routes `ip route show` and `flush` mean (cf. iproute2 ip/iproute.c iproute_list_flush_or_save). */
import {
  CommandError,
  inetMakeMask,
  invarg,
  matches,
  type Net,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  toAddress,
  toPrefix,
  type Words,
} from '@packetwalk/framework';
import type { RouteEntry } from '../fib.ts';
import { dsfieldNumber, protocolNumber, scopeNumber, type TableNames, typeNumber } from './route-types.ts';

export interface RouteFilter {
  /** 0: all tables. */
  readonly table: number;
  /** The cache is asked for, not a table. */
  readonly cache: boolean;
  readonly dev: string;
  readonly test: (route: RouteEntry) => boolean;
}

type Test = (route: RouteEntry) => boolean;

/** Reads selectors. */
export function parseRouteFilter(words: Words, net: Net, tables: TableNames): RouteFilter {
  let table = RT_TABLE_MAIN;
  let cache = false;
  let dev = '';
  const tests: Test[] = [];
  while (!words.done) {
    let word = words.next();
    if (matches(word, 'table')) {
      const name = words.next();
      if (name === 'cache') cache = true;
      else if (name === 'all') table = 0;
      else table = tables.find(name) ?? invarg('table id value is invalid\n', name);
    } else if (matches(word, 'cached') || word === 'cloned') cache = true;
    else if (word === 'tos' || matches(word, 'dsfield')) {
      const tos = dsfieldNumber(words.next());
      tests.push((r) => r.alias.tos === tos);
    } else if (matches(word, 'protocol')) {
      const name = words.next();
      if (name !== 'all') {
        const protocol = protocolNumber(name);
        tests.push((r) => r.alias.fi.protocol === protocol);
      }
    } else if (matches(word, 'scope')) {
      const name = words.next();
      if (name !== 'all') {
        const scope = scopeNumber(name);
        tests.push((r) => r.alias.fi.scope === scope);
      }
    } else if (matches(word, 'type')) {
      const name = words.next();
      const type = typeNumber(name) ?? invarg('node type value is invalid\n', name);
      tests.push((r) => r.alias.type === type);
    } else if (word === 'dev' || word === 'oif' || word === 'iif') {
      dev = words.next();
      const { ifindex } = net.needDevice(dev);
      tests.push((r) => r.alias.fi.nhs.some((nh) => nh.oif === ifindex));
    } else if (word === 'via') {
      const gw = toAddress(words.next()).address;
      tests.push((r) => r.alias.fi.nhs.length === 1 && r.alias.fi.nhs[0].gw === gw);
    } else if (word === 'src') {
      const src = toAddress(words.next()).address;
      tests.push((r) => r.alias.fi.prefsrc === src);
    } else if (matches(word, 'metric')) {
      const priority = words.u32('"metric" value is invalid\n');
      tests.push((r) => r.alias.fi.priority === priority);
    } else {
      if (word === 'to') word = words.next();
      tests.push(prefixTest(word, words));
    }
  }
  return { table, cache, dev, test: (route) => tests.every((t) => t(route)) };
}

/** `root P`: P and longer; `match P`: P and shorter; `exact P`, and alone: exactly P (an address alone matches its /32). */
function prefixTest(word: string, words: Words): Test {
  const covers = (a: { address: number; length: number }, address: number): boolean =>
    ((a.address ^ address) & inetMakeMask(a.length)) === 0;
  if (matches(word, 'root')) {
    const p = toPrefix(words.next());
    return (r) => r.length >= p.length && covers(p, r.prefix);
  }
  if (matches(word, 'match')) {
    const p = toPrefix(words.next());
    return (r) => r.length <= p.length && covers({ address: r.prefix, length: r.length }, p.address);
  }
  const p = toPrefix(matches(word, 'exact') ? words.next() : word);
  return (r) => r.length === p.length && r.prefix === p.address;
}

/** The tables that a filter without `table` speaks of are main alone; a listing of several names them. */
export function filterTables(filter: RouteFilter, ids: readonly number[]): number[] {
  if (filter.table === 0) return [...ids].sort((a, b) => listOrder(a) - listOrder(b));
  return ids.includes(filter.table) ? [filter.table] : [];
}

// The kernel lists policy tables first, then default, main and local.
function listOrder(table: number): number {
  if (table === RT_TABLE_LOCAL) return 0x1_0000_0002;
  if (table === RT_TABLE_MAIN) return 0x1_0000_0001;
  return table;
}

/** Refuses a flush without any selector, as iproute2 does. */
export function needSelector(words: Words): void {
  if (words.done) throw new CommandError('"ip route flush" requires arguments.', 255);
}
