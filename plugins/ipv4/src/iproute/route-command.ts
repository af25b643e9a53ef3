/** iproute/route-command.ts — `ip route` (ip-route(8)). */
import { type Command, CommandError, type CommandIo, iprouteJson, matches, RT_TABLE_MAIN, Words } from '@packetwalk/framework';
import type { Fib, RouteEntry } from '../fib.ts';
import { FibResult, type RouteVerb } from '../fib-table.ts';
import type { Ipv4Route } from '../route.ts';
import { showCache } from './cache-list.ts';
import { needSelector, parseRouteFilter, type RouteFilter, selectedRoute } from './route-filter.ts';
import { routeGet } from './route-get.ts';
import { parseRoute, toRouteConfig, toRouteMatch } from './route-parse.ts';
import { type RoutePrintOptions, routeJson, routeText } from './route-print.ts';
import type { TableNames } from './route-types.ts';

const USAGE = `Usage: ip route { show | flush } SELECTOR
       ip route get ADDRESS [ from ADDRESS iif STRING ] [ oif STRING ] [ tos TOS ] [ mark NUMBER ]
       ip route { add | del | change | append | prepend | replace } ROUTE
SELECTOR := [ root PREFIX ] [ match PREFIX ] [ exact PREFIX ] [ table TABLE_ID ] [ proto RTPROTO ]
            [ type TYPE ] [ scope SCOPE ] [ dev STRING ] [ via ADDRESS ] [ src ADDRESS ]
ROUTE := NODE_SPEC [ INFO_SPEC ]
NODE_SPEC := [ TYPE ] PREFIX [ tos TOS ] [ table TABLE_ID ] [ proto RTPROTO ] [ scope SCOPE ] [ metric METRIC ]
INFO_SPEC := { NH | nexthop NH [ weight NUMBER ] ... } [ src ADDRESS ] [ mtu [ lock ] NUMBER ] [ advmss NUMBER ] ...
NH := [ via ADDRESS ] [ dev STRING ] [ onlink ]
TYPE := { unicast | local | broadcast | multicast | throw | unreachable | prohibit | blackhole | nat }
`;

const VERBS: readonly (readonly [string, RouteVerb | 'delete' | 'get' | 'show' | 'flush' | 'help'])[] = [
  ['add', 'add'],
  ['change', 'change'],
  ['chg', 'change'],
  ['replace', 'replace'],
  ['prepend', 'prepend'],
  ['append', 'append'],
  ['delete', 'delete'],
  ['get', 'get'],
  ['list', 'show'],
  ['show', 'show'],
  ['lst', 'show'],
  ['flush', 'flush'],
  ['help', 'help'],
];

export function ipRouteCommand(route: Ipv4Route, tables: TableNames): Command {
  const { net, fib } = route;
  return {
    name: 'ip route',
    summary: 'show and change routing tables',
    usage: USAGE,
    run(args, io) {
      const words = new Words(args);
      const word = words.done ? 'show' : words.next();
      const verb = VERBS.find(([name]) => matches(word, name))?.[1];
      switch (verb) {
        case undefined:
          throw new CommandError(`Command "${word}" is unknown, try "ip route help".`, 255);
        case 'help':
          io.err(USAGE);
          return 255;
        case 'show':
          show(route, tables, words, io);
          return 0;
        case 'get':
          routeGet(words, route, tables, io, (flow) => {
            const res = new FibResult();
            if (route.resolve(flow, res) !== 0 || res.alias === null || res.table === null)
              throw new CommandError('RTNETLINK answers: Network is unreachable', 2);
            res.table.matched(flow, res);
            const entry: RouteEntry = { table: res.table.id, prefix: res.prefix, length: res.prefixlen, alias: res.alias };
            print([entry], { net, tables, showTable: true, details: io.flags.has('details') }, io);
          });
          return 0;
        case 'flush':
          needSelector(words);
          flush(route, parseRouteFilter(words, net, tables), io);
          return 0;
        case 'delete': {
          needRoute(words);
          const { table, match } = toRouteMatch(parseRoute(words, { net, tables }), net);
          fib.delRoute(table, match);
          return 0;
        }
        default:
          needRoute(words);
          fib.addRoute(toRouteConfig(parseRoute(words, { net, tables }), net), verb);
          return 0;
      }
    },
  };
}

function needRoute(words: Words): void {
  if (words.done) throw new CommandError(USAGE.trimEnd(), 255);
}

function* select(route: Ipv4Route, filter: RouteFilter): Iterable<RouteEntry> {
  const { fib } = route;
  const only = filter.table === 0 ? undefined : fib.table(filter.table);
  for (const table of only === undefined ? fib.dumpOrder() : [only]) {
    for (const entry of fib.routes(table)) if (filter.test(selectedRoute(entry))) yield entry;
  }
}

/** Refuses a table that nobody has made; `what` it is that ends. */
function checkTable({ table }: RouteFilter, fib: Fib, what: string): void {
  if (table === 0 || table === RT_TABLE_MAIN || fib.table(table) !== undefined) return;
  throw new CommandError(`Error: ipv4: FIB table does not exist.\n${what} terminated`, 2);
}

function show(route: Ipv4Route, tables: TableNames, words: Words, io: CommandIo): void {
  const filter = parseRouteFilter(words, route.net, tables);
  if (filter.cache) {
    showCache(route, filter, io);
    return;
  }
  checkTable(filter, route.fib, 'Dump');
  const { hide } = filter;
  print(
    [...select(route, filter)],
    { net: route.net, tables, showTable: filter.table === 0, details: io.flags.has('details'), numeric: io.flags.has('numeric'), hide },
    io,
  );
}

function print(entries: readonly RouteEntry[], options: RoutePrintOptions, io: CommandIo): void {
  if (io.flags.has('json')) {
    io.out(
      `${iprouteJson(
        entries.map((e) => routeJson(e, options)),
        io.flags.has('pretty'),
      )}\n`,
    );
    return;
  }
  let text = '';
  for (const entry of entries) {
    const line = routeText(entry, options);
    text += `${io.flags.has('oneline') ? line.replaceAll('\n', '\\') : line}\n`;
  }
  io.out(text);
}

function flush(route: Ipv4Route, filter: RouteFilter, io: CommandIo): void {
  if (filter.cache) {
    route.forget();
    if (io.flags.has('stats')) io.out('*** IPv4 routing cache is flushed.\n');
    return;
  }
  checkTable(filter, route.fib, 'Flush');
  const gone = [...select(route, filter)];
  for (const { table, prefix, length, alias } of gone) {
    route.fib.table(table)?.flushPrefix(prefix, length, (a) => a === alias);
  }
  route.flush();
  if (!io.flags.has('stats')) return;
  if (gone.length === 0) io.out('Nothing to flush.\n');
  else io.out(`\n*** Round 1, deleting ${gone.length} entries ***\n*** Flush is complete after 1 round ***\n`);
}
