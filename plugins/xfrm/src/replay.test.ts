/** Replay windows against a model that remembers every number of 64 bits, and against RFC 4303's words. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReplay, REPLAY_OK, REPLAY_OUTSIDE, REPLAY_SEEN, type Replay } from './replay.ts';

/** The naive model: a set of all numbers ever taken. */
class Model {
  readonly taken = new Set<bigint>();
  newest = 0n;
  readonly window: bigint;
  readonly esn: boolean;

  constructor(window: number, esn: boolean, newest: bigint) {
    this.window = BigInt(window);
    this.esn = esn;
    this.newest = newest;
  }

  /** The 64-bit number that 32 bits on the wire stand for: the smallest not below the window's bottom. */
  guess(low: number): bigint {
    const wire = BigInt(low >>> 0);
    if (!this.esn) return wire;
    const bottom = this.newest - this.window + 1n;
    const base = bottom < 0n ? bottom - (1n << 32n) : bottom;
    let high = (base >> 32n) - 1n;
    while ((high << 32n) + wire < bottom) high++;
    return (high << 32n) + wire;
  }

  check(low: number): number {
    const number = this.guess(low);
    if (number <= 0n) return REPLAY_OUTSIDE;
    if (number > this.newest) return REPLAY_OK;
    if (this.newest - number >= this.window) return REPLAY_OUTSIDE;
    return this.taken.has(number) ? REPLAY_SEEN : REPLAY_OK;
  }

  advance(low: number): void {
    const number = this.guess(low);
    this.taken.add(number);
    if (number > this.newest) this.newest = number;
  }
}

function start(replay: Replay, model: Model): void {
  replay.seq = Number(BigInt.asIntN(32, model.newest));
  replay.seqHi = Number(BigInt.asIntN(32, model.newest >> 32n));
}

/** Steps from the newest number: mostly close, sometimes far. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -70, max: 40 }) },
    { weight: 2, arbitrary: fc.integer({ min: -5000, max: 5000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -0x80000000, max: 0x7fffffff }) },
  ),
  { maxLength: 200 },
);

describe.each([1, 7, 31, 32, 33, 64, 100, 128, 1000, 4096])('a window of %i', (window) => {
  it.each([false, true])('takes what the model takes (ESN: %s)', (esn) => {
    const starts = esn
      ? fc.constantFrom(0n, 1n, 30n, 0xffff_fff0n, 0xffff_ffffn, 0x1_0000_0005n, 0xffff_0000_fff0n)
      : fc.constantFrom(0n, 77n, 0xffff_0000n);
    fc.assert(
      fc.property(starts, steps, (newest, list) => {
        const replay = createReplay(window, esn);
        const model = new Model(window, esn, newest);
        start(replay, model);
        for (const step of list) {
          const seq = Number(BigInt.asIntN(32, model.newest + BigInt(step)));
          const verdict = model.check(seq);
          expect(replay.check(seq)).toBe(verdict);
          if (verdict !== REPLAY_OK) continue;
          if (esn) expect(replay.highOf(seq)).toBe(Number(BigInt.asIntN(32, model.guess(seq) >> 32n)));
          replay.advance(seq);
          model.advance(seq);
          expect(replay.seq).toBe(Number(BigInt.asIntN(32, model.newest)));
          expect(replay.check(seq)).toBe(REPLAY_SEEN);
        }
      }),
      { numRuns: 60 },
    );
  });
});

it('shows the bits as the kernel does: the newest is bit 0 of a small window, (seq-1) mod window of a large one', () => {
  const small = createReplay(32, false);
  for (const seq of [1, 2, 5]) small.advance(seq);
  expect(small.bitmap[0]).toBe(0b11001);
  const large = createReplay(128, false);
  for (const seq of [1, 2, 5, 40]) large.advance(seq);
  expect(Array.from(large.bitmap)).toEqual([0b10011, 0b10000000, 0, 0]);
});

it('a window of 0 refuses nothing', () => {
  for (const replay of [createReplay(0, false), createReplay(0, true)]) {
    replay.advance(7);
    expect([replay.check(7), replay.check(0)]).toEqual([REPLAY_OK, REPLAY_OK]);
  }
});

describe('sending', () => {
  it.each([32, 64])('ends after 2^32 numbers without ESN, unless it may wrap (window %i)', (window) => {
    const replay = createReplay(window, false);
    expect(replay.next(false)).toBe(true);
    expect(replay.oseq).toBe(1);
    replay.oseq = -2;
    expect([replay.next(false), replay.oseq]).toEqual([true, -1]);
    expect([replay.next(false), replay.oseq]).toEqual([false, -1]);
    expect([replay.next(true), replay.oseq]).toEqual([true, 0]);
  });

  it('goes on to the upper half with ESN, to the end', () => {
    const replay = createReplay(64, true);
    replay.oseq = -1;
    expect([replay.next(false), replay.oseq, replay.oseqHi]).toEqual([true, 0, 1]);
    replay.oseq = -1;
    replay.oseqHi = -1;
    expect([replay.next(false), replay.oseq, replay.oseqHi]).toEqual([false, -1, -1]);
  });
});
