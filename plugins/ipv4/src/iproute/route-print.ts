/** iproute/route-print.ts — routes as `ip route show` prints them, text and JSON (cf. iproute2 ip/iproute.c print_route). */
import {
  dsfieldN2a,
  formatIpv4,
  type Net,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  RTPROT_BOOT,
  rtprotN2a,
} from '@packetwalk/framework';
import type { RouteEntry } from '../fib.ts';
import { type FibNh, RTAX_CC_ALGO, RTAX_FEATURES, RTNH_F_DEAD, RTNH_F_LINKDOWN, RTNH_F_ONLINK } from '../fib-info.ts';
import { realmWords } from './realms.ts';
import type { RoutePart } from './route-filter.ts';
import { CC_ALGORITHMS } from './route-parse.ts';
import { scopeName, type TableNames, typeName } from './route-types.ts';

/** Metric names by RTAX_* number, in the order of printing. */
const METRIC_NAMES: readonly (readonly [number, string])[] = [
  [2, 'mtu'],
  [3, 'window'],
  [4, 'rtt'],
  [5, 'rttvar'],
  [6, 'ssthresh'],
  [7, 'cwnd'],
  [8, 'advmss'],
  [9, 'reordering'],
  [10, 'hoplimit'],
  [11, 'initcwnd'],
  [12, 'features'],
  [13, 'rto_min'],
  [14, 'initrwnd'],
  [15, 'quickack'],
  [16, 'congctl'],
];
const TIME_DIVISOR: Readonly<Record<number, number>> = { 4: 8, 5: 4, 13: 1 };

export interface RoutePrintOptions {
  readonly net: Net;
  readonly tables: TableNames;
  /** Print `table X` where the listing covers several tables. */
  readonly showTable: boolean;
  readonly details: boolean;
  /** With -N: numbers, not names. */
  readonly numeric?: boolean;
  /** What all listed routes have in common, left out of each line then. */
  readonly hide?: ReadonlySet<RoutePart>;
}

/** `192.0.2.0/24`, `192.0.2.1`, `default`. */
export function formatPrefix(prefix: number, length: number): string {
  if (length === 0) return 'default';
  return length === 32 ? formatIpv4(prefix) : `${formatIpv4(prefix)}/${length}`;
}

/** One route as a line, multipath hops on lines of their own, without the final newline. */
export function routeText({ table, prefix, length, alias }: RouteEntry, options: RoutePrintOptions): string {
  const { fi, type, tos } = alias;
  const shows = (part: RoutePart): boolean => options.hide?.has(part) !== true;
  const text: string[] = [];
  if (type !== RTN_UNICAST || options.details) text.push(options.numeric ? String(type) : typeName(type));
  text.push(formatPrefix(prefix, length));
  if (tos !== 0 && shows('tos')) text.push('tos', dsfieldN2a(tos));
  const [nh] = fi.nhs;
  const single = fi.nhs.length === 1;
  if (single) {
    if (nh.gw !== 0 && shows('via')) text.push('via', formatIpv4(nh.gw));
    if (nh.oif !== 0 && shows('dev')) text.push('dev', deviceName(options.net, nh));
  }
  if (options.showTable && (table !== RT_TABLE_MAIN || options.details))
    text.push('table', options.numeric ? String(table) : options.tables.name(table));
  if ((fi.protocol !== RTPROT_BOOT || options.details) && shows('proto'))
    text.push('proto', options.numeric ? String(fi.protocol) : rtprotN2a(fi.protocol));
  if ((fi.scope !== RT_SCOPE_UNIVERSE || options.details) && shows('scope'))
    text.push('scope', options.numeric ? String(fi.scope) : scopeName(fi.scope));
  if (fi.prefsrc !== 0 && shows('src')) text.push('src', formatIpv4(fi.prefsrc));
  if (fi.priority !== 0 && shows('metric')) text.push('metric', String(fi.priority));
  if (single) text.push(...flagNames(nh), ...realmWords(nh.realms));
  text.push(...metricTexts(fi.metrics));
  let line = `${text.join(' ')} `;
  if (!single) for (const hop of fi.nhs) line += `\n\t${hopText(hop, options.net)} `;
  return line;
}

function hopText(nh: FibNh, net: Net): string {
  const text = ['nexthop'];
  if (nh.gw !== 0) text.push('via', formatIpv4(nh.gw));
  text.push(...realmWords(nh.realms));
  text.push('dev', deviceName(net, nh), 'weight', String(nh.weight), ...flagNames(nh));
  return text.join(' ');
}

function deviceName(net: Net, nh: FibNh): string {
  return nh.dev?.name ?? net.devByIndex[nh.oif]?.name ?? `if${nh.oif}`;
}

function flagNames(nh: FibNh): string[] {
  const names: string[] = [];
  if ((nh.flags & RTNH_F_DEAD) !== 0) names.push('dead');
  if ((nh.flags & RTNH_F_ONLINK) !== 0) names.push('onlink');
  if ((nh.flags & RTNH_F_LINKDOWN) !== 0) names.push('linkdown');
  return names;
}

export function metricTexts(metrics: ReadonlyMap<number, number>): string[] {
  const texts: string[] = [];
  const locked = metrics.get(1) ?? 0;
  for (const [number, name] of METRIC_NAMES) {
    const value = metrics.get(number);
    if (value === undefined) continue;
    texts.push(name);
    if ((locked & (1 << number)) !== 0) texts.push('lock');
    texts.push(metricText(number, value));
  }
  return texts;
}

function metricText(number: number, value: number): string {
  if (number === RTAX_FEATURES) return 'ecn';
  if (number === RTAX_CC_ALGO) return CC_ALGORITHMS[value];
  const divisor = TIME_DIVISOR[number];
  return divisor === undefined ? String(value) : formatTime(Math.floor(value / divisor));
}

function formatTime(ms: number): string {
  return ms >= 1000 ? `${Number((ms / 1000).toPrecision(6))}s` : `${Number(ms.toPrecision(6))}ms`;
}

/** One route as iproute2's JSON has it. */
export function routeJson({ table, prefix, length, alias }: RouteEntry, options: RoutePrintOptions): Record<string, unknown> {
  const { fi, type, tos } = alias;
  const shows = (part: RoutePart): boolean => options.hide?.has(part) !== true;
  const json: Record<string, unknown> = {};
  if (type !== RTN_UNICAST || options.details) json.type = typeName(type);
  json.dst = formatPrefix(prefix, length);
  if (tos !== 0 && shows('tos')) json.tos = dsfieldN2a(tos);
  const [nh] = fi.nhs;
  const single = fi.nhs.length === 1;
  if (single) {
    if (nh.gw !== 0 && shows('via')) json.gateway = formatIpv4(nh.gw);
    if (nh.oif !== 0 && shows('dev')) json.dev = deviceName(options.net, nh);
  }
  if (options.showTable && (table !== RT_TABLE_MAIN || options.details)) json.table = options.tables.name(table);
  if ((fi.protocol !== RTPROT_BOOT || options.details) && shows('proto')) json.protocol = rtprotN2a(fi.protocol);
  if ((fi.scope !== RT_SCOPE_UNIVERSE || options.details) && shows('scope')) json.scope = scopeName(fi.scope);
  if (fi.prefsrc !== 0 && shows('src')) json.prefsrc = formatIpv4(fi.prefsrc);
  if (fi.priority !== 0 && shows('metric')) json.metric = fi.priority;
  json.flags = single ? flagNames(nh) : [];
  const metrics = metricJson(fi.metrics);
  if (metrics !== null) json.metrics = [metrics];
  if (!single) {
    json.nexthops = fi.nhs.map((hop) => ({
      ...(hop.gw === 0 ? {} : { gateway: formatIpv4(hop.gw) }),
      dev: deviceName(options.net, hop),
      weight: hop.weight,
      flags: flagNames(hop),
    }));
  }
  return json;
}

export function metricJson(metrics: ReadonlyMap<number, number>): Record<string, unknown> | null {
  const json: Record<string, unknown> = {};
  for (const [number, name] of METRIC_NAMES) {
    const value = metrics.get(number);
    if (value === undefined) continue;
    if (number === RTAX_FEATURES) json.ecn = null;
    else if (number === RTAX_CC_ALGO) json.congestion = CC_ALGORITHMS[value];
    else json[name] = Math.floor(value / (TIME_DIVISOR[number] ?? 1));
  }
  return Object.keys(json).length === 0 ? null : json;
}
