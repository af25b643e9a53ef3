/** random-rules.test.ts — random rule sets and frames, against a model that looks at words and objects in the plainest way. */
import { NF_IP_FORWARD } from '@packetwalk/framework';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EbtablesLab } from './testing/ebtables-lab.ts';
import { type Frame, frameBytes, naturalPktType } from './testing/frames.ts';

interface Condition {
  readonly words: string;
  /** Holds `-p` words that the rule needs for it; empty for none. */
  readonly needs: string;
  holds(frame: Frame, state: ModelState): boolean;
}

interface ModelState {
  mark: number;
}

interface ModelRule {
  readonly needs: string;
  readonly conditions: readonly Condition[];
  readonly target: string;
}

const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:ff:00:02', '01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff'];
const IPS = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '192.168.0.1'];
const ip32 = (text: string): number => text.split('.').reduce((n, b) => n * 256 + Number(b), 0);
const mac48 = (text: string): number => Number.parseInt(text.replaceAll(':', ''), 16);

const not = (invert: boolean): string => (invert ? '! ' : '');
const bool = fc.boolean();

function simple<T>(
  values: fc.Arbitrary<T>,
  needs: string,
  make: (v: T) => [string, (f: Frame, s: ModelState) => boolean],
): fc.Arbitrary<Condition> {
  return fc.tuple(values, bool).map(([v, invert]) => {
    const [words, holds] = make(v);
    const [option, ...rest] = words.split(' ');
    return { words: `${option} ${not(invert)}${rest.join(' ')}`, needs, holds: (f, s) => holds(f, s) !== invert };
  });
}

const condition: fc.Arbitrary<Condition> = fc.oneof(
  simple(fc.constantFrom(...MACS), '', (m) => [`-s ${m}`, (f) => f.src === m]),
  simple(fc.constantFrom('02:00:00:00:00:00/ff:ff:ff:00:00:00', '02:00:00:ff:00:00/ff:ff:ff:ff:00:00'), '', (m) => {
    const digits = m.includes('/ff:ff:ff:ff') ? 2 ** 16 : 2 ** 24;
    return [`-s ${m}`, (f) => Math.floor(mac48(f.src) / digits) === Math.floor(mac48(m.split('/')[0]) / digits)];
  }),
  simple(fc.constantFrom(...MACS), '', (m) => [`-d ${m}`, (f) => f.dst === m]),
  simple(fc.constant('Multicast'), '', (m) => [`-d ${m}`, (f) => /^.[13579bdf]/.test(f.dst)]),
  simple(fc.constantFrom('p0', 'p1', 'p'), '', (d) => [`-i ${d === 'p' ? 'p+' : d}`, (f) => f.in.startsWith(d)]),
  simple(fc.constantFrom('p0', 'p1', 'p2'), '', (d) => [`-o ${d}`, (f) => f.out === d]),
  simple(fc.constantFrom('br0', 'br1'), '', (d) => [`--logical-in ${d}`, () => d === 'br0']),
  simple(fc.constantFrom(...IPS), 'IPv4', (a) => [`--ip-src ${a}`, (f) => f.ip?.src === a]),
  simple(fc.constantFrom(8, 16, 24), 'IPv4', (n) => [
    `--ip-dst 10.0.0.0/${n}`,
    (f) => Math.floor(ip32(f.ip?.dst ?? '') / 2 ** (32 - n)) === Math.floor(ip32('10.0.0.0') / 2 ** (32 - n)),
  ]),
  simple(fc.constantFrom('tcp', 'udp'), 'IPv4', (p) => [`--ip-proto ${p}`, (f) => f.ip?.proto === (p === 'tcp' ? 6 : 17)]),
  simple(fc.constantFrom(0, 16), 'IPv4', (t) => [`--ip-tos 0x${t.toString(16)}`, (f) => f.ip?.tos === t]),
  simple(fc.constantFrom(1, 2), 'ARP', (op) => [`--arp-op ${op}`, (f) => f.arp?.op === op]),
  simple(fc.constantFrom(...IPS), 'ARP', (a) => [`--arp-ip-dst ${a}`, (f) => f.arp?.tip === a]),
  simple(fc.constantFrom(5, 6), '802_1Q', (v) => [`--vlan-id ${v}`, (f) => f.vlan === v]),
  simple(fc.constantFrom(0, 1, 5), '', (m) => [`--mark ${m}`, (_f, s) => s.mark === m]),
  simple(fc.constantFrom('broadcast', 'multicast', 'otherhost'), '', (t) => [`--pkttype-type ${t}`, (f) => naturalPktType(f) === t]),
  simple(fc.subarray(MACS, { minLength: 1 }), '', (ms) => [`--among-src ${ms.join(',')}`, (f) => ms.includes(f.src)]),
);

const target = fc.constantFrom(
  'ACCEPT',
  'DROP',
  'CONTINUE',
  'RETURN',
  'mark --mark-set 1 --mark-target CONTINUE',
  'mark --mark-or 4 --mark-target CONTINUE',
  'U',
  'V',
);
const rule: fc.Arbitrary<ModelRule> = fc.tuple(fc.array(condition, { maxLength: 3 }), target).map(([conditions, t]) => {
  const needs = conditions.find((c) => c.needs !== '')?.needs ?? '';
  // One of each option; and what needs another protocol is left out.
  const seen = new Set<string>();
  const kept = conditions.filter((c) => {
    const option = c.words.split(' ')[0];
    if (seen.has(option) || (c.needs !== '' && c.needs !== needs)) return false;
    seen.add(option);
    return true;
  });
  return { needs, conditions: kept, target: t };
});

const frame: fc.Arbitrary<Frame> = fc
  .record({
    dst: fc.constantFrom(...MACS),
    src: fc.constantFrom(...MACS.slice(0, 3)),
    in: fc.constantFrom('p0', 'p1'),
    out: fc.constantFrom('p1', 'p2'),
    vlan: fc.option(fc.constantFrom(5, 6, 7)),
    body: fc.oneof(
      fc.record({
        ip: fc.record({
          src: fc.constantFrom(...IPS),
          dst: fc.constantFrom(...IPS),
          proto: fc.constantFrom(1, 6, 17),
          tos: fc.constantFrom(0, 16),
          sport: fc.integer({ min: 1, max: 0xffff }),
          dport: fc.integer({ min: 1, max: 0xffff }),
        }),
      }),
      fc.record({ arp: fc.record({ op: fc.constantFrom(1, 2, 3), sip: fc.constantFrom(...IPS), tip: fc.constantFrom(...IPS) }) }),
      fc.constant({}),
    ),
  })
  .map(({ body, ...f }) => ({ ...f, vlan: f.vlan ?? undefined, ...body }));

const TYPE: Readonly<Record<string, (f: Frame) => boolean>> = {
  IPv4: (f) => f.vlan === undefined && f.ip !== undefined,
  ARP: (f) => f.vlan === undefined && f.arp !== undefined,
  '802_1Q': (f) => f.vlan !== undefined,
};

type Model = Readonly<Record<string, { policy: string; rules: readonly ModelRule[] }>>;

/** ACCEPT, DROP or RETURN. */
function judge(model: Model, chain: string, f: Frame, state: ModelState, counts: Map<ModelRule, number>): string {
  for (const r of model[chain].rules) {
    if (r.needs !== '' && !TYPE[r.needs](f)) continue;
    if (!r.conditions.every((c) => c.holds(f, state))) continue;
    counts.set(r, (counts.get(r) ?? 0) + 1);
    const [name] = r.target.split(' ');
    if (name === 'ACCEPT' || name === 'DROP' || name === 'RETURN') return name;
    if (name === 'mark') state.mark = r.target.includes('set') ? 1 : state.mark | 4;
    if (name === 'U' || name === 'V') {
      const verdict = judge(model, name, f, state, counts);
      if (verdict !== 'RETURN') return verdict;
    }
  }
  return model[chain].policy;
}

const text = (chain: string, { needs, conditions, target: t }: ModelRule): string =>
  `-A ${chain} ${needs === '' ? '' : `-p ${needs} `}${conditions.map((c) => c.words).join(' ')} -j ${t}`;

describe('random rule sets', () => {
  it('do what a plain model does: verdicts, marks, counters', () => {
    const rules = fc.array(rule, { maxLength: 6 });
    fc.assert(
      fc.property(
        rules,
        rules,
        rules,
        fc.constantFrom('ACCEPT', 'DROP'),
        fc.constantFrom('ACCEPT', 'DROP', 'RETURN'),
        fc.array(frame, { minLength: 4, maxLength: 8 }),
        (forward, u, v, policy, uPolicy, frames) => {
          // No loops: V jumps nowhere, U to V alone.
          const without = (list: readonly ModelRule[], names: readonly string[]): ModelRule[] =>
            list.filter((r) => !names.includes(r.target));
          const model: Model = {
            FORWARD: { policy, rules: forward },
            U: { policy: uPolicy, rules: without(u, ['U']) },
            V: { policy: 'RETURN', rules: without(v, ['U', 'V']) },
          };
          const lab = new EbtablesLab();
          const heads = Object.entries(model).map(([name, c]) => `:${name} ${c.policy}\n`);
          const lines = Object.entries(model).flatMap(([name, c]) => c.rules.map((r) => `${text(name, r)}\n`));
          lab.need('ebtables-restore', `*filter\n${heads.join('')}${lines.join('')}`);
          const counts = new Map<ModelRule, number>();
          for (const f of frames) {
            const state = { mark: 0 };
            const verdict = judge(model, 'FORWARD', f, state, counts);
            const got = lab.frame(frameBytes(f), NF_IP_FORWARD, f.in, f.out);
            expect(got === null ? 'DROP' : 'ACCEPT').toBe(verdict === 'RETURN' ? policy : verdict);
            if (got !== null) expect(got.mark).toBe(state.mark);
          }
          const listed = [...lab.need('ebtables -L --Lc').matchAll(/pcnt = (\d+)/g)].map((m) => Number(m[1]));
          expect(listed).toEqual(Object.values(model).flatMap((c) => c.rules.map((r) => counts.get(r) ?? 0)));
          expect(lab.softirq.pool.inUse).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});
