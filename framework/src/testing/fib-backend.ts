/**
 * fib-backend.ts — the conformance suite of FIB backends: `describeFibBackend(factory)` in a vitest file runs any
 * implementation against a linear list of prefixes. Needs vitest and fast-check, optional peers of the framework.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Random, SeededRandom } from '../clock.ts';
import { FIB_VALUE_MAX, type FibBackend, type FibBackendFactory, LocalFibStorage } from '../fib.ts';
import { fibMask, LinearFib } from './linear-fib.ts';
import { PaintedFib } from './painted-fib.ts';
import { coversOf, type RouteSet, syntheticRoutes, withDistinctValues } from './synthetic-routes.ts';

/** A backend and the model, changed together. */
class Pair {
  readonly model: LinearFib = new LinearFib();
  readonly backend: FibBackend;

  constructor(factory: FibBackendFactory) {
    this.backend = factory.create({ table: 254, storage: new LocalFibStorage() });
  }

  insert(prefix: number, length: number, value: number): void {
    const network = prefix & fibMask(length);
    this.model.insert(network, length, value);
    this.backend.insert(network, length, value);
  }

  remove(prefix: number, length: number): void {
    const network = prefix & fibMask(length);
    if (!this.model.has(network, length)) return;
    this.model.remove(network, length);
    const cover = length === 0 ? undefined : this.model.longest(network, length - 1);
    this.backend.remove(network, length, cover?.length ?? -1, cover?.value ?? -1);
  }

  /** The first and last address of each prefix, those beside it, and `others`. */
  check(others: readonly number[] = []): void {
    for (const { prefix, length } of this.model.entries) {
      const last = prefix | ~fibMask(length);
      for (const address of [prefix, last, (prefix - 1) | 0, (last + 1) | 0]) this.checkAddress(address);
    }
    for (const address of others) this.checkAddress(address | 0);
  }

  checkAddress(address: number): void {
    const expected = this.model.lookup(address);
    const got = this.backend.lookup(address);
    if (got !== expected) expect.fail(`lookup(${dotted(address)}) is ${got}, must be ${expected}`);
  }
}

interface Change {
  readonly remove: boolean;
  readonly prefix: number;
  readonly length: number;
  readonly value: number;
}

/** Prefixes that nest and neighbour each other: few distinct bits in few places. */
const change: fc.Arbitrary<Change> = fc.record({
  remove: fc.boolean(),
  prefix: fc.oneof(
    fc.integer({ min: -0x80000000, max: 0x7fffffff }),
    fc.integer({ min: 0, max: 0xff }).map((low) => 0x0a000000 | low),
    fc.integer({ min: 0, max: 0xf }).map((nibble) => (nibble << 28) | (nibble << 12)),
    fc.constantFrom(0, -1, 0x0a0a0a0a, 0x0a0a0a0b, 0x0a0a8000),
  ),
  length: fc.oneof(fc.integer({ min: 0, max: 32 }), fc.constantFrom(0, 8, 16, 23, 24, 25, 31, 32)),
  value: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: FIB_VALUE_MAX })),
});

export interface FibConformanceOptions {
  /** Random sequences of changes to try, 400 unless told: fewer for a backend in which short prefixes cost much. */
  readonly runs?: number;
  /** Takes a table of 901,899 prefixes and 12 million lookups instead of a small one: minutes. */
  readonly full?: boolean;
}

/** Milliseconds a test may take on a busy machine. */
const TIMEOUT = 60_000;
const FULL_TIMEOUT = 1_200_000;

/** Runs the conformance suite on a backend. Call it at the top level of a vitest file. */
export function describeFibBackend(factory: FibBackendFactory, { runs = 400, full = false }: FibConformanceOptions = {}): void {
  describe(`FIB backend ${factory.name}`, { timeout: full ? FULL_TIMEOUT : TIMEOUT }, () => {
    it('answers -1 when empty', () => {
      new Pair(factory).check([0, -1, 1, 0x7fffffff, -0x80000000]);
    });

    it('holds each prefix length alone, at both ends of the address space and at the class edges', () => {
      const pair = new Pair(factory);
      for (let length = 0; length <= 32; length++) {
        for (const prefix of [0, -1, 0x0a0b0c0d, 0x7fffffff, -0x80000000, 0xc0000000 | 0]) {
          pair.insert(prefix, length, length);
          pair.check([0, -1, prefix, prefix ^ 1]);
          pair.remove(prefix, length);
          pair.check([0, -1, prefix, prefix ^ 1]);
        }
      }
    });

    it('finds the longest of all 33 nested prefixes, added and removed in either order', () => {
      const address = 0xac10fe01 | 0;
      const lengths = Array.from({ length: 33 }, (_, length) => length);
      const flips = lengths.map((length) => (length === 0 ? address : address ^ (1 << (32 - length))));
      for (const [adding, removing] of [
        [lengths, lengths],
        [lengths, lengths.toReversed()],
        [lengths.toReversed(), lengths],
        [lengths.toReversed(), lengths.toReversed()],
      ]) {
        const pair = new Pair(factory);
        for (const length of adding) {
          pair.insert(address, length, 1000 + length);
          pair.check(flips);
        }
        for (const length of removing) {
          pair.remove(address, length);
          pair.check(flips);
        }
      }
    });

    it('replaces a value, under longer prefixes too', () => {
      const pair = new Pair(factory);
      pair.insert(0x0a000000, 8, 1);
      pair.insert(0x0a010000, 16, 2);
      pair.insert(0x0a000000, 9, 3);
      pair.insert(0x0a800000, 9, 4);
      pair.insert(0x0a000000, 8, 5);
      pair.check();
      pair.remove(0x0a000000, 9);
      pair.remove(0x0a800000, 9);
      pair.check([0x0a7fffff, 0x0a800001]);
      expect(pair.backend.lookup(0x0a020000)).toBe(5);
    });

    it('keeps the smallest and the largest value apart from no answer', () => {
      const pair = new Pair(factory);
      pair.insert(0, 0, 0);
      pair.insert(0x0a000000, 8, FIB_VALUE_MAX);
      pair.insert(0x0a0a0a0a, 32, 0);
      pair.insert(0x0a0a0a0b, 32, FIB_VALUE_MAX);
      pair.check([0x0b000000, 0x0a0a0a09]);
      pair.remove(0, 0);
      pair.check([0x0b000000]);
    });

    it('gives a removed prefix to its cover, and neighbours with the same value stay', () => {
      const pair = new Pair(factory);
      pair.insert(0xc0a80000 | 0, 16, 7);
      for (let net = 0; net < 256; net++) pair.insert(0xc0a80000 | (net << 8) | 0, 24, 7);
      pair.check();
      for (let net = 1; net < 256; net += 2) pair.remove(0xc0a80000 | (net << 8) | 0, 24);
      pair.insert(0xc0a80000 | 0, 16, 8);
      pair.check();
      pair.remove(0xc0a80000 | 0, 16);
      pair.check();
    });

    it('holds 1,024 hosts in a row and none after they are gone', () => {
      const pair = new Pair(factory);
      for (let host = 0; host < 1024; host++) pair.insert(0x0a000000 + host, 32, host);
      pair.check();
      for (let host = 1023; host >= 0; host--) pair.remove(0x0a000000 + ((host * 389) & 1023), 32);
      for (let host = -1; host <= 1024; host++) expect(pair.backend.lookup(0x0a000000 + host)).toBe(-1);
    });

    it('agrees with the linear list after any sequence of changes', () => {
      fc.assert(
        fc.property(fc.array(change, { maxLength: 80, size: 'max' }), (changes) => {
          const pair = new Pair(factory);
          for (const { remove, prefix, length, value } of changes) {
            if (remove) pair.remove(prefix, length);
            else pair.insert(prefix, length, value);
          }
          pair.check(changes.map(({ prefix }) => prefix));
          for (const { prefix, length } of [...pair.model.entries]) pair.remove(prefix, length);
          pair.check(changes.map(({ prefix }) => prefix));
        }),
        { numRuns: runs, seed: 2 },
      );
    });

    it('stays right at every step of a long churn', () => {
      const random = new SeededRandom(0x5eed);
      const pair = new Pair(factory);
      for (let step = 0; step < 6000; step++) {
        const length = 8 + random.below(25);
        const prefix = churnAddress(random) & fibMask(length);
        if (random.below(5) < (step < 3000 ? 3 : 1)) pair.insert(prefix, length, random.below(256));
        else pair.remove(prefix, length);
        for (let i = 0; i < 4; i++) pair.checkAddress(churnAddress(random));
        pair.checkAddress(prefix);
        pair.checkAddress(prefix | ~fibMask(length));
      }
      pair.check();
    });

    it('answers a batch as it answers one', () => {
      const random = new SeededRandom(0xba7c);
      const pair = new Pair(factory);
      for (let i = 0; i < 500; i++) pair.insert(random.int32(), 1 + random.below(32), i);
      const addresses = Int32Array.from({ length: 999 }, (_, i) => (i & 1 ? random.int32() : pair.model.entries[i % 400].prefix));
      const values = new Int32Array(addresses.length).fill(-2);
      pair.backend.lookupBatch?.(addresses, values, addresses.length - 1);
      if (pair.backend.lookupBatch === undefined) return;
      expect(values.at(-1)).toBe(-2);
      for (let i = 0; i < addresses.length - 1; i++) expect(values[i]).toBe(pair.model.lookup(addresses[i]));
    });

    it('agrees with a painted table like the internet, before and after half of it goes and comes', () => {
      const routes = syntheticRoutes(full ? 901_899 : 20_000);
      for (const set of [routes, withDistinctValues(routes)]) checkAgainstPainting(factory, set, full ? 1_000_000 : 30_000);
    });

    it('is as new after clear()', () => {
      const pair = new Pair(factory);
      const empty = pair.backend.memory();
      for (let i = 0; i < 2000; i++) pair.backend.insert(i << 12, 20 + (i % 13), i);
      expect(pair.backend.memory()).toBeGreaterThanOrEqual(empty);
      pair.backend.clear();
      expect(pair.backend.memory()).toBeLessThanOrEqual(empty);
      pair.check([0, 1 << 12, 77 << 12]);
      pair.insert(0x0a000000, 8, 1);
      pair.check();
    });
  });
}

/** Builds the table, removes every other prefix and adds it again; looks up 2 × `lookups` addresses after each step. */
function checkAgainstPainting(factory: FibBackendFactory, routes: RouteSet, lookups: number): void {
  const { count, prefixes, lengths, values } = routes;
  const backend = factory.create({ table: 254, storage: new LocalFibStorage() });
  const covers = coversOf(routes);
  const insert = (index: number): void => backend.insert(prefixes[index], lengths[index], values[index]);
  for (let i = 0; i < count; i++) insert(i);
  checkLookups(backend, routes, lookups);
  // From the end: a cover stands before what it covers, so it is still there.
  for (let i = count - 1; i > 0; i -= 2) {
    const cover = covers[i];
    backend.remove(prefixes[i], lengths[i], cover < 0 ? -1 : lengths[cover], cover < 0 ? -1 : values[cover]);
  }
  checkLookups(backend, everyOther(routes), lookups);
  for (let i = count - 1; i > 0; i -= 2) insert(i);
  checkLookups(backend, routes, lookups);
}

/** What is left of a table when every other prefix from the last on is gone. */
function everyOther({ count, prefixes, lengths, values }: RouteSet): RouteSet {
  const kept = (_: number, index: number): boolean => index === 0 || (count - 1 - index) % 2 === 1;
  const left = prefixes.filter(kept);
  return { count: left.length, prefixes: left, lengths: lengths.filter(kept), values: values.filter(kept) };
}

function checkLookups(backend: FibBackend, routes: RouteSet, lookups: number): void {
  const painted = new PaintedFib(routes);
  const random = new SeededRandom(12);
  for (let i = 0; i < lookups; i++) {
    const index = random.below(routes.count);
    for (const address of [random.int32(), routes.prefixes[index] | (random.int32() & ~fibMask(routes.lengths[index]))]) {
      const expected = painted.lookup(address);
      const got = backend.lookup(address);
      if (got !== expected) expect.fail(`lookup(${dotted(address)}) is ${got}, must be ${expected}`);
    }
  }
}

/** An address of 10.0.0.0/8 out of few, so that changes meet each other. */
function churnAddress(random: Random): number {
  return 0x0a000000 | (random.int32() & 0x0703ff07);
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}
