/** The policy database against a naive model: a list, gone through in the order of priority and age. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_LIMITS, NO_MARK } from './xfrm-lifetime.ts';
import type { XfrmPolicy, XfrmPolicyConfig } from './xfrm-policy.ts';
import { ANY_SELECTOR, XfrmFlow } from './xfrm-selector.ts';
import { Spd } from './xfrm-spd.ts';

/** Few addresses and ports, so that packets meet policies. */
const address = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })).map(([a, b]) => (10 << 24) | (a << 8) | b);
const length = fc.constantFrom(0, 8, 23, 24, 31, 32);
const port = fc.integer({ min: 0, max: 3 });
const mask = fc.constantFrom(0, 0xffff);
const selector = fc.record({
  saddr: address,
  daddr: address,
  saddrLen: length,
  daddrLen: length,
  proto: fc.constantFrom(0, 6, 17),
  sport: port,
  dport: port,
  sportMask: mask,
  dportMask: mask,
  ifindex: fc.constantFrom(0, 0, 2),
});
const config: fc.Arbitrary<XfrmPolicyConfig> = fc
  .record({
    sel: selector,
    dir: fc.constantFrom(0, 1, 2),
    priority: fc.integer({ min: 0, max: 3 }),
    marked: fc.boolean(),
    block: fc.boolean(),
  })
  .map(({ sel, marked, ...rest }) => ({
    ...rest,
    sel: { ...ANY_SELECTOR, ...sel },
    index: 0,
    sub: false,
    flags: 0,
    ifId: 0,
    mark: marked ? { value: 1, mask: 3 } : NO_MARK,
    limits: NO_LIMITS,
    templates: [],
  }));
const flow = fc.record({
  saddr: address,
  daddr: address,
  proto: fc.constantFrom(1, 6, 17),
  sport: port,
  dport: port,
  oif: fc.constantFrom(1, 2),
  tos: fc.constant(0),
  mark: fc.integer({ min: 0, max: 7 }),
});

type Step = { kind: 'add' | 'update'; config: XfrmPolicyConfig } | { kind: 'remove'; which: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('add' as const, 'add' as const, 'update' as const), config }),
  fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }),
);

/** Bit by bit, as one would say it. */
function inPrefix(a: number, b: number, bits: number): boolean {
  for (let i = 31; i > 31 - bits; i--) if (((a >>> i) & 1) !== ((b >>> i) & 1)) return false;
  return true;
}

function takes({ config: { sel, mark } }: XfrmPolicy, f: XfrmFlow): boolean {
  return (
    inPrefix(sel.saddr, f.saddr, sel.saddrLen) &&
    inPrefix(sel.daddr, f.daddr, sel.daddrLen) &&
    (sel.proto === 0 || sel.proto === f.proto) &&
    (sel.sportMask === 0 || sel.sport === f.sport) &&
    (sel.dportMask === 0 || sel.dport === f.dport) &&
    (sel.ifindex === 0 || sel.ifindex === f.oif) &&
    (f.mark & mark.mask) === mark.value
  );
}

function naive(policies: readonly XfrmPolicy[], dir: number, f: XfrmFlow): XfrmPolicy | null {
  let best: XfrmPolicy | null = null;
  for (const policy of policies) {
    if (policy.dir !== dir || !takes(policy, f)) continue;
    if (best === null || policy.priority < best.priority || (policy.priority === best.priority && policy.pos < best.pos)) best = policy;
  }
  return best;
}

describe('the policy database', () => {
  it('finds what going through all policies finds, whatever came and went', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(flow, { minLength: 1, maxLength: 30 }), (steps, flows) => {
        const spd = new Spd();
        const model: XfrmPolicy[] = [];
        for (const s of steps) {
          if (s.kind === 'remove') {
            const [gone] = model.splice(s.which % Math.max(1, model.length), 1);
            if (gone !== undefined) spd.remove(gone);
            continue;
          }
          const old = spd.find(s.config);
          if (old !== undefined && s.kind === 'add') {
            expect(() => spd.insert(s.config, false)).toThrow('File exists');
            continue;
          }
          const policy = spd.insert(s.config, true);
          if (old !== undefined) model.splice(model.indexOf(old), 1);
          model.push(policy);
        }
        expect(Array.from(spd.count)).toEqual([0, 1, 2].map((dir) => model.filter((p) => p.dir === dir).length));
        expect(spd.list()).toEqual([...model].reverse());
        for (const fields of flows) {
          const f = Object.assign(new XfrmFlow(), fields);
          for (const dir of [0, 1, 2]) expect(spd.lookup(dir, f, 0)).toBe(naive(model, dir, f));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives indexes as the kernel does, and finds by them', () => {
    const spd = new Spd();
    const of = (dir: number, daddr: number): XfrmPolicy =>
      spd.insert(
        {
          sel: { ...ANY_SELECTOR, daddr, daddrLen: 32 },
          dir,
          priority: 0,
          index: 0,
          block: false,
          sub: false,
          flags: 0,
          ifId: 0,
          mark: NO_MARK,
          limits: NO_LIMITS,
          templates: [],
        },
        false,
      );
    expect([of(1, 1), of(0, 2), of(2, 3)].map((p) => p.index)).toEqual([1, 8, 18]);
    expect(spd.withIndex(0, 8)?.sel.daddr).toBe(2);
    expect(spd.withIndex(1, 8)).toBeUndefined();
  });
});
