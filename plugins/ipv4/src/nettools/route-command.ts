/** nettools/route-command.ts — `route`: the main table, in the words of net-tools (route(8)). */
import {
  type Command,
  CommandError,
  formatIpv4,
  getUnsigned,
  inetMakeMask,
  inetMaskLen,
  parseIpv4,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTPROT_BOOT,
} from '@packetwalk/framework';
import type { Fib } from '../fib.ts';
import { RTAX_ADVMSS, RTAX_RTT, RTAX_WINDOW } from '../fib-info.ts';
import { FibResult } from '../fib-table.ts';
import type { Ipv4Route } from '../route.ts';
import { cacheText } from './cache-table.ts';
import { type RouteColumns, routeText } from './route-table.ts';
import { tableOptions } from './table-options.ts';

const USAGE = `Usage: route [-nNvee] [-FC]                       List the main routing table, or the routing cache
       route {add|del} {-host|-net} Target[/prefix] [netmask Nm] [gw Gw] [metric N] [mss M] [window W] [reject] [[dev] If]
       route {add|del} default gw Gw [[dev] If]

        -n, --numeric            show addresses in place of names
        -e, --extend             show other columns; twice: all columns
        -F, --fib                the routing table (the default)
        -C, --cache              the routing cache
`;

/** Exit status of a line that cannot be read. */
const E_USAGE = 3;

const usage = (text: string): CommandError => new CommandError(`${text}${text === '' ? '' : '\n'}${USAGE.trimEnd()}`, E_USAGE);

export function routeCommand(route: Ipv4Route): Command {
  const { fib } = route;
  return {
    name: 'route',
    summary: 'show and change the main routing table, the old way',
    usage: USAGE,
    run(args, io) {
      const { options, rest, wrong } = tableOptions(args);
      if (wrong !== '') throw usage(`route: ${wrong}`);
      if (options.help) throw usage('');
      const [verb, ...words] = rest;
      if (verb === undefined) {
        const columns: RouteColumns = options.extended === 0 ? 'fib' : options.extended === 1 ? 'netstat' : 'all';
        if (options.fib || !options.cache) io.out(routeText(fib, columns, options.numeric));
        if (options.cache) io.out(cacheText(route, columns));
      } else if (options.cache) throw new CommandError("Modifying `inet' routing cache not supported", 3);
      else if (verb === 'add') change(fib, words, true);
      else if (verb === 'del' || verb === 'delete') change(fib, words, false);
      else throw usage('');
      return 0;
    },
  };
}

interface Typed {
  prefix: number;
  length: number;
  gw: number;
  dev: string;
  metric: number;
  reject: boolean;
  metrics: Map<number, number>;
}

function change(fib: Fib, words: readonly string[], add: boolean): void {
  const typed = parse(words);
  try {
    if (add) insert(fib, typed);
    else remove(fib, typed);
  } catch (error) {
    // The ioctl knows numbers only: iproute2's explanations have no place here.
    if (!(error instanceof CommandError)) throw error;
    const viaOther = fib.addrType(typed.gw) === RTN_UNICAST && isRouted(fib, typed.gw);
    throw new CommandError(`${add ? 'SIOCADDRT' : 'SIOCDELRT'}: ${plain(error.message, viaOther)}`, 7);
  }
}

/** There is a way to the address, be it by another gateway. */
function isRouted(fib: Fib, address: number): boolean {
  const flow = { daddr: address, saddr: 0, tos: 0, iif: 0, oif: 0, mark: 0, protocol: 0, scope: 0, sport: 0, dport: 0, flags: 0 };
  return fib.lookup(flow, new FibResult()) === 0;
}

function plain(message: string, viaOther: boolean): string {
  if (/invalid gateway/i.test(message)) return viaOther ? 'Invalid argument' : 'Network is unreachable';
  if (/Device for nexthop is not up|Network is down/.test(message)) return 'Network is down';
  if (/Cannot find device/.test(message)) return 'No such device';
  return /^RTNETLINK answers: (.*)$/m.exec(message)?.[1] ?? 'Invalid argument';
}

function parse(args: readonly string[]): Typed {
  const words = [...args];
  const typed: Typed = { prefix: 0, length: -1, gw: 0, dev: '', metric: 0, reject: false, metrics: new Map() };
  let kind = '';
  if (words[0] === '-net' || words[0] === '-host') kind = words.shift() as string;
  const target = words.shift();
  if (target === undefined) throw usage('');
  let netmask: number | undefined;
  const value = (): string => {
    const word = words.shift();
    if (word === undefined) throw usage('');
    return word;
  };
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === 'netmask') netmask = address(value());
    else if (word === 'gw' || word === 'gateway') typed.gw = address(value(), 'Unknown host');
    else if (word === 'metric') typed.metric = number(value());
    else if (word === 'mss' || word === 'mtu') typed.metrics.set(RTAX_ADVMSS, number(value()) - 40);
    else if (word === 'window') {
      const window = number(value());
      if (window < 128) throw usage('route: Invalid window.');
      typed.metrics.set(RTAX_WINDOW, window);
    } else if (word === 'irtt') typed.metrics.set(RTAX_RTT, number(value()) * 8);
    else if (word === 'reject') typed.reject = true;
    else if (word === 'mod' || word === 'dyn' || word === 'reinstate') continue;
    else if (word === 'dev' || word === 'device') typed.dev = value();
    else if (words.length === 0 && typed.dev === '') typed.dev = word;
    else throw usage('');
  }
  setTarget(typed, target, kind, netmask);
  return typed;
}

const MISMATCH = "route: netmask doesn't match route address";

function setTarget(typed: Typed, target: string, kind: string, netmask: number | undefined): void {
  if (target === 'default') {
    typed.length = 0;
    return;
  }
  const [text, suffix] = target.split('/', 2);
  typed.prefix = address(text);
  if (suffix !== undefined) typed.length = prefixLength(suffix);
  if (netmask !== undefined) {
    if (kind === '-host' || suffix !== undefined) throw usage("route: netmask doesn't make sense with host route");
    typed.length = inetMaskLen(netmask);
    if (typed.length < 0) throw usage(`route: bogus netmask ${formatIpv4(netmask)}`);
  }
  if (typed.length < 0) typed.length = kind === '-net' ? classLength(typed.prefix) : 32;
  if ((typed.prefix & ~inetMakeMask(typed.length)) !== 0) throw usage(MISMATCH);
}

function prefixLength(text: string): number {
  const length = getUnsigned(text, 32);
  if (length === null) throw usage(MISMATCH);
  return length;
}

/** Length of the network part by class (RFC 791 §3.2), as of old. */
function classLength(prefix: number): number {
  const first = prefix >>> 24;
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

function address(word: string, wrong = 'Host name lookup failure'): number {
  const found = parseIpv4(word);
  if (found === null) throw new CommandError(`${word}: ${wrong}`, 6);
  return found;
}

function number(word: string): number {
  const found = getUnsigned(word);
  if (found === null) throw usage('');
  return found;
}

function insert(fib: Fib, typed: Typed): void {
  const oif = typed.dev === '' ? 0 : fib.net.needDevice(typed.dev).ifindex;
  const { prefix, length, metrics } = typed;
  if (!typed.reject && typed.gw === 0 && oif === 0) throw new CommandError('RTNETLINK answers: No such device', 2);
  fib.addRoute(
    {
      prefix,
      length,
      tos: 0,
      type: typed.reject ? RTN_UNREACHABLE : RTN_UNICAST,
      scope: typed.reject ? RT_SCOPE_HOST : typed.gw === 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
      table: RT_TABLE_MAIN,
      protocol: RTPROT_BOOT,
      priority: typed.metric,
      prefsrc: 0,
      metrics,
      nexthops: [{ gw: typed.gw, oif, weight: 1, flags: 0 }],
    },
    'add',
  );
}

function remove(fib: Fib, typed: Typed): void {
  const oif = typed.dev === '' ? 0 : fib.net.needDevice(typed.dev).ifindex;
  fib.delRoute(RT_TABLE_MAIN, {
    prefix: typed.prefix,
    length: typed.length,
    tos: 0,
    scope: RT_SCOPE_NOWHERE,
    ...(typed.metric === 0 ? {} : { priority: typed.metric }),
    nexthops: (fi) => (oif === 0 || fi.nhs[0].oif === oif) && (typed.gw === 0 || fi.nhs[0].gw === typed.gw),
  });
}
