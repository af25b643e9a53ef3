import fc from 'fast-check';
import { expect, it } from 'vitest';
import { align } from './align.ts';

/** Length of the longest common subsequence, by definition. */
function longest(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return 0;
  if (a[0] === b[0]) return 1 + longest(a.slice(1), b.slice(1));
  return Math.max(longest(a.slice(1), b), longest(a, b.slice(1)));
}

it('gives every part once, in order, and pairs as many as can be', () => {
  const list = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 });
  fc.assert(
    fc.property(list, list, (left, right) => {
      const rows = align(left, right);
      expect(rows.flatMap(([i]) => (i < 0 ? [] : [i]))).toEqual([...left.keys()]);
      expect(rows.flatMap(([, j]) => (j < 0 ? [] : [j]))).toEqual([...right.keys()]);
      const pairs = rows.filter(([i, j]) => i >= 0 && j >= 0);
      for (const [i, j] of pairs) expect(left[i]).toBe(right[j]);
      expect(pairs.length).toBe(longest(left, right));
    }),
  );
});
