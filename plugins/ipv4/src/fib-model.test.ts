/**
 * Routing against a model that is too simple to be wrong: lists of routes and rules, searched from end to end. Whatever is
 * typed, and whatever becomes of devices and addresses, both give the same answers; what is refused changes nothing.
 */
import {
  CommandError,
  type Flow,
  inetMakeMask,
  RTN_BLACKHOLE,
  RTN_LOCAL,
  RTN_THROW,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from '@packetwalk/framework';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EAGAIN, EHOSTUNREACH, EINVAL, ENETUNREACH, FibResult } from './fib-table.ts';
import type { Ipv4Route } from './route.ts';
import { Ipv4Lab, ip } from './testing/ipv4-lab.ts';

interface ModelRoute {
  readonly table: number;
  readonly prefix: number;
  readonly length: number;
  readonly tos: number;
  readonly metric: number;
  readonly type: number;
  readonly dev: string;
  readonly gw: number;
}

interface ModelRule {
  readonly pref: number;
  readonly from: readonly [number, number];
  readonly tos: number;
  readonly table: number;
}

interface ModelAddress {
  readonly dev: string;
  readonly address: number;
  readonly length: number;
}

const inPrefix = (address: number, prefix: number, length: number): boolean => ((address ^ prefix) & inetMakeMask(length)) === 0;

const ERRORS = new Map([
  [RTN_BLACKHOLE, -EINVAL],
  [RTN_UNREACHABLE, -EHOSTUNREACH],
]);

class Model {
  routes: ModelRoute[] = [];
  rules: ModelRule[] = [];
  addresses: ModelAddress[] = [
    { dev: 'p0', address: ip('10.0.0.1'), length: 24 },
    { dev: 'p1', address: ip('10.1.0.1'), length: 24 },
  ];
  readonly up = new Set(['p0', 'p1']);

  /** What a flow gets: an errno, or type, device and gateway. */
  answer(daddr: number, saddr: number, tos: number): string {
    const local = this.addresses.find((a) => a.address === daddr);
    if (local !== undefined) return `${RTN_LOCAL} ${local.dev} 0`;
    const policy = this.rules.toSorted((a, b) => a.pref - b.pref);
    for (const rule of [...policy, { pref: 32766, from: [0, 0] as const, tos: 0, table: 254 }]) {
      if (!inPrefix(saddr, rule.from[0], rule.from[1]) || (rule.tos !== 0 && rule.tos !== tos)) continue;
      const found = this.lookup(rule.table, daddr, tos);
      if (found !== null) return found;
    }
    return String(-ENETUNREACH);
  }

  private lookup(table: number, daddr: number, tos: number): string | null {
    const connected = this.addresses
      .filter(({ dev }) => this.up.has(dev))
      .map(({ dev, address, length }) => ({
        table: 254,
        prefix: address & inetMakeMask(length),
        length,
        tos: 0,
        metric: 0,
        type: RTN_UNICAST,
        dev,
        gw: 0,
      }));
    const fitting = [...connected, ...this.routes].filter(
      (r) => r.table === table && inPrefix(daddr, r.prefix, r.length) && (r.tos === 0 || r.tos === tos),
    );
    // Longer prefixes first, then TOS, then metric; among equals the one that came first.
    const [best] = fitting.toSorted((a, b) => b.length - a.length || b.tos - a.tos || a.metric - b.metric);
    if (best === undefined || best.type === RTN_THROW) return null;
    const error = ERRORS.get(best.type);
    return error === undefined ? `${best.type} ${best.dev} ${best.gw}` : String(error);
  }
}

interface Step {
  readonly line: string;
  readonly apply: (model: Model) => void;
}

const PREFIXES = [
  ['0.0.0.0', 0],
  ['172.16.0.0', 12],
  ['172.16.0.0', 16],
  ['172.16.5.0', 24],
  ['172.16.5.9', 32],
  ['10.1.0.128', 25],
] as const;
const TYPES = { blackhole: RTN_BLACKHOLE, unreachable: RTN_UNREACHABLE, throw: RTN_THROW };
const GATEWAYS = [
  ['p0', '10.0.0.2'],
  ['p0', '10.0.0.3'],
  ['p1', '10.1.0.2'],
  ['p1', '10.2.0.2'],
] as const;

const prefix = fc.constantFrom(...PREFIXES);
const place = fc.record({
  prefix,
  table: fc.constantFrom(254, 100),
  tos: fc.constantFrom(0, 0x10),
  metric: fc.constantFrom(0, 5),
});
const key = (r: Pick<ModelRoute, 'table' | 'prefix' | 'length' | 'tos' | 'metric'>): string =>
  `${r.table} ${r.prefix} ${r.length} ${r.tos} ${r.metric}`;

const route = fc
  .tuple(
    fc.constantFrom('add', 'append', 'prepend', 'replace', 'change'),
    place,
    fc.oneof(fc.constantFrom(...GATEWAYS), fc.constantFrom('blackhole', 'unreachable', 'throw')),
  )
  .map(
    ([
      verb,
      {
        prefix: [text, length],
        table,
        tos,
        metric,
      },
      way,
    ]): Step => {
      const typed = typeof way === 'string';
      const made: ModelRoute = {
        table,
        prefix: ip(text),
        length,
        tos,
        metric,
        type: typed ? TYPES[way as keyof typeof TYPES] : RTN_UNICAST,
        dev: typed ? '' : way[0],
        gw: typed ? 0 : ip(way[1]),
      };
      const target = `${typed ? way : ''} ${text}/${length}`;
      const line = `ip route ${verb} ${target} ${typed ? '' : `via ${way[1]}`} table ${table} tos 0x${tos.toString(16)} metric ${metric}`;
      return {
        line,
        apply(model) {
          const first = model.routes.findIndex((r) => key(r) === key(made));
          if (first < 0) model.routes.push(made);
          else if (verb === 'append') model.routes.splice(model.routes.findLastIndex((r) => key(r) === key(made)) + 1, 0, made);
          else if (verb === 'prepend') model.routes.splice(first, 0, made);
          else model.routes[first] = made;
        },
      };
    },
  );

const unroute = place.map(
  ({ prefix: [text, length], table, tos, metric }): Step => ({
    line: `ip route del ${text}/${length} table ${table} tos 0x${tos.toString(16)} metric ${metric}`,
    apply(model) {
      // Metric 0 means any metric.
      const at = model.routes
        .toSorted((a, b) => a.metric - b.metric)
        .find(
          (r) =>
            r.table === table && r.prefix === ip(text) && r.length === length && r.tos === tos && (metric === 0 || r.metric === metric),
        );
      model.routes = model.routes.filter((r) => r !== at);
    },
  }),
);

const rule = fc
  .record({
    pref: fc.integer({ min: 1, max: 6 }),
    from: fc.constantFrom(['0.0.0.0', 0] as const, ['10.0.0.0', 24] as const),
    tos: fc.constantFrom(0, 0x10),
    table: fc.constantFrom(100, 254),
  })
  .chain((r) =>
    fc.constantFrom('add', 'del').map((verb): Step => {
      const made: ModelRule = { pref: r.pref, from: [ip(r.from[0]), r.from[1]], tos: r.tos, table: r.table };
      const same = (other: ModelRule): boolean =>
        other.pref === made.pref &&
        other.table === made.table &&
        (made.tos === 0 || other.tos === made.tos) &&
        (made.from[1] === 0 || other.from[1] === made.from[1]);
      return {
        line: `ip rule ${verb} pref ${r.pref} from ${r.from[0]}/${r.from[1]} ${r.tos === 0 ? '' : `tos 0x${r.tos.toString(16)}`} lookup ${r.table}`,
        apply(model) {
          if (verb === 'add') model.rules.push(made);
          else
            model.rules.splice(
              model.rules
                .toSorted((a, b) => a.pref - b.pref)
                .map((o) => model.rules.indexOf(o))
                .find((i) => same(model.rules[i])) ?? model.rules.length,
              1,
            );
        },
      };
    }),
  );

/** Down: routes by the device go. Up: only the connected ones come back. */
const link = fc.tuple(fc.constantFrom('p0', 'p1'), fc.boolean()).map(
  ([dev, up]): Step => ({
    line: `ip link set ${dev} ${up ? 'up' : 'down'}`,
    apply(model) {
      if (up) model.up.add(dev);
      else {
        model.up.delete(dev);
        model.routes = model.routes.filter((r) => r.dev !== dev);
      }
    },
  }),
);

/** A second network on p1, with a gateway of its own in GATEWAYS: without its address the routes by it stay, as in Linux. */
const address = fc.boolean().map((add): Step => {
  const own: ModelAddress = { dev: 'p1', address: ip('10.2.0.1'), length: 24 };
  return {
    line: `ip addr ${add ? 'add' : 'del'} 10.2.0.1/24 dev p1`,
    apply(model) {
      model.addresses = model.addresses.filter((a) => a.address !== own.address);
      if (add) model.addresses.push(own);
    },
  };
});

const DESTINATIONS = [
  '172.16.5.9',
  '172.16.5.8',
  '172.16.9.9',
  '172.20.0.1',
  '8.8.8.8',
  '10.0.0.77',
  '10.1.0.77',
  '10.1.0.200',
  '10.2.0.9',
  '10.0.0.1',
  '10.2.0.1',
].map(ip);

function ask(lab: Ipv4Lab, daddr: number, saddr: number, tos: number): string {
  const { fib } = lab.ipv4.routing as Ipv4Route;
  const flow: Flow = { daddr, saddr, tos, iif: 1, oif: 0, mark: 0, protocol: 0, scope: 0, sport: 0, dport: 0, flags: 0 };
  const res = new FibResult();
  const error = fib.lookup(flow, res);
  if (error !== 0) return String(error === -EAGAIN ? -ENETUNREACH : error);
  return `${res.type} ${res.nh?.dev?.name ?? ''} ${res.nh?.gw ?? 0}`;
}

const listing = (lab: Ipv4Lab): string =>
  ['ip route show table all', 'ip rule show', 'ip -o addr show', 'ip -o link show'].map((line) => lab.command(line)).join('');

it('answers as the model does, whatever is typed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 5, arbitrary: route }, { weight: 2, arbitrary: unroute }, rule, link, address), { maxLength: 40 }),
      (steps) => {
        const lab = new Ipv4Lab({ config: { routes: [] } });
        const model = new Model();
        void lab.router.start();
        for (const { line, apply } of steps) {
          const before = listing(lab);
          try {
            lab.command(line);
            apply(model);
          } catch (error) {
            expect(error).not.toBeInstanceOf(CommandError);
            expect(listing(lab), `after the refused ${line}`).toBe(before);
          }
          for (const daddr of DESTINATIONS) {
            for (const [saddr, tos] of [
              [ip('10.0.0.9'), 0],
              [ip('192.0.2.1'), 0x10],
            ]) {
              expect(ask(lab, daddr, saddr, tos), `${line}: ${daddr >>> 0} ${saddr >>> 0} ${tos}`).toBe(model.answer(daddr, saddr, tos));
            }
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});
