import { describe, expect, it } from 'vitest';
import { HostRandom } from './host-random.ts';

describe('HostRandom', () => {
  it('gives int32 numbers, both signs, over more than one batch', () => {
    const random = new HostRandom();
    const numbers = Array.from({ length: 5000 }, () => random.int32());
    for (const n of numbers) expect(n | 0).toBe(n);
    // 5000 draws from 2^32: three equal pairs or more have a probability below 10^-7.
    expect(new Set(numbers).size).toBeGreaterThan(4997);
    const negative = numbers.filter((n) => n < 0).length;
    // Binomial, sigma 35: six of them.
    expect(Math.abs(negative - 2500)).toBeLessThan(212);
  });

  it('stays below the bound and reaches all values', () => {
    const random = new HostRandom();
    const seen = new Set(Array.from({ length: 2000 }, () => random.below(10)));
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(random.below(1)).toBe(0);
  });

  it('gives every router numbers of its own', () => {
    expect(new HostRandom().int32()).not.toBe(new HostRandom().int32());
  });
});
