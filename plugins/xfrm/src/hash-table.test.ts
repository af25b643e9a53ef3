import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HashTable } from './hash-table.ts';

interface Item {
  readonly key: readonly [number, number, number];
  readonly rank: number;
  tag: number;
}

it('keeps what a list of items keeps, each key in the order of ranks, and what was said of them', () => {
  const key = fc.tuple(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -1, max: 1 }), fc.constantFrom(50, 51));
  const step = fc.record({ key, rank: fc.nat(5), remove: fc.integer({ min: 0, max: 3 }), which: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new HashTable<Item>();
      const list: Item[] = [];
      for (const { key: k, rank, remove, which } of steps) {
        if (remove === 0 && list.length > 0) {
          const [gone] = list.splice(which % list.length, 1);
          table.remove(...gone.key, gone);
        } else {
          const item = { key: k, rank, tag: which & 255 };
          table.add(...k, item, item.tag, (other) => other.rank > rank);
          const behind = list.findIndex((o) => o.key.join() === k.join() && o.rank > rank);
          list.splice(behind < 0 ? list.length : behind, 0, item);
          const other = list[which % list.length];
          other.tag = 255 - rank;
          table.setTag(...other.key, other, other.tag);
        }
      }
      expect(table.size).toBe(list.length);
      for (const k of new Set(list.map((item) => item.key.join()))) {
        const [a, b, c] = k.split(',').map(Number);
        const found: Item[] = [];
        for (let e = table.first(a, b, c); e >= 0; e = table.next(e)) {
          found.push(table.value(e));
          expect(table.tag(e)).toBe(table.value(e).tag);
        }
        expect(found).toEqual(list.filter((item) => item.key.join() === k));
      }
      expect(table.first(99, 0, 0)).toBeLessThan(0);
    }),
    { numRuns: 300 },
  );
});
