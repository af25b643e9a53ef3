/**
 * compiled/value-classes.ts — from the value of a field (an address, a port) to the rules that may match it.
 *
 *      single values, in a hash          10.0.0.1 ▶ row 7    10.0.0.9 ▶ row 8 …
 *      everything else, in segments      | row 0 | row 1 |  row 2   | row 3 |
 *                                        starts 0   starts 1        …          binary search
 */
import type { Bounds } from './rule-bounds.ts';
import { clearBit, RuleRows, setBit } from './rule-rows.ts';

const MIN = -0x80000000;
const MAX = 0x7fffffff;
/** Entries that narrow the search, 8 KiB of them. */
const NEARBY = 4096;

export class ValueClasses {
  readonly rows: RuleRows;
  /** The row for packets whose field cannot be read: all rules. */
  readonly unknown: number;
  /** No rule asks for anything: `unknown` is right for every packet. */
  readonly trivial: boolean;
  /** First value of each segment; its row has the same index. */
  private readonly starts: Int32Array;
  /** The segment of the first value of each 2^`step` values from `first` on: the search between two of them is short. */
  private readonly nearby: Uint16Array;
  private readonly step: number;
  /** The first value behind the first segment, and the first of the last one. */
  private readonly first: number;
  private readonly last: number;
  /** Open addressing: value and row in turn; a row of -1 is free. */
  private readonly table: Int32Array;
  private readonly shift: number;

  /** @param bounds of each rule of the block */
  constructor(bounds: readonly Bounds[]) {
    const n = bounds.length;
    this.rows = new RuleRows(n);
    this.trivial = bounds.every((b) => b === null);
    const singles = new Map<number, number[]>();
    const entering = new Map<number, number[]>();
    const leaving = new Map<number, number[]>();
    const any = new Int32Array(this.rows.width);
    const note = (map: Map<number, number[]>, value: number, rule: number): void => {
      const list = map.get(value);
      if (list === undefined) map.set(value, [rule]);
      else list.push(rule);
    };
    for (let rule = 0; rule < n; rule++) {
      const ranges = bounds[rule];
      if (ranges === null) setBit(any, rule);
      else
        for (let i = 0; i < ranges.length; i += 2) {
          if (ranges[i] === ranges[i + 1]) note(singles, ranges[i], rule);
          else {
            note(entering, ranges[i], rule);
            if (ranges[i + 1] < MAX) note(leaving, ranges[i + 1] + 1, rule);
          }
        }
    }
    this.starts = Int32Array.from(new Set([MIN, ...entering.keys(), ...leaving.keys()])).sort();
    const { starts } = this;
    const many = starts.length > 1;
    this.first = many ? starts[1] : MAX;
    this.last = many ? starts[starts.length - 1] : MAX;
    const length = this.last - this.first;
    this.step = Math.max(0, Math.ceil(Math.log2((length + 1) / NEARBY)));
    this.nearby = new Uint16Array(Math.floor(length / 2 ** this.step) + 2);
    for (let i = 0; i < this.nearby.length; i++) {
      this.nearby[i] = search(starts, Math.min(this.first + i * 2 ** this.step, MAX), 0, starts.length);
    }
    const row = any.slice();
    for (const start of this.starts) {
      // A rule may leave and enter at one value when two of its ranges touch.
      for (const rule of leaving.get(start) ?? []) clearBit(row, rule);
      for (const rule of entering.get(start) ?? []) setBit(row, rule);
      this.rows.add(row);
    }
    const size = Math.max(2, 2 ** Math.ceil(Math.log2(singles.size * 2 + 1)));
    this.shift = Math.clz32(size - 1);
    this.table = new Int32Array(size * 2);
    for (let i = 1; i < this.table.length; i += 2) this.table[i] = -1;
    for (const [value, rules] of singles) {
      const segment = this.segment(value) * this.rows.width;
      const own = this.rows.words.slice(segment, segment + this.rows.width);
      for (const rule of rules) setBit(own, rule);
      this.put(value, this.rows.add(own));
    }
    const all = new Int32Array(this.rows.width);
    for (let rule = 0; rule < n; rule++) setBit(all, rule);
    this.unknown = this.rows.add(all);
  }

  /** The row for a value. */
  find(value: number): number {
    const { table } = this;
    const mask = table.length - 1;
    for (let i = (Math.imul(value, 0x9e3779b1) >>> this.shift) << 1; table[i + 1] >= 0; i = (i + 2) & mask) {
      if (table[i] === value) return table[i + 1];
    }
    return this.segment(value);
  }

  /** The last segment that starts at or below the value. */
  private segment(value: number): number {
    const { starts, nearby, first } = this;
    // Most packets are far from anything that rules ask for.
    if (value < first) return 0;
    if (value >= this.last) return starts.length - 1;
    const at = (value - first) >>> this.step;
    const low = nearby[at];
    const high = nearby[at + 1] + 1;
    return high - low === 1 ? low : search(starts, value, low, high);
  }

  private put(value: number, row: number): void {
    const { table } = this;
    const mask = table.length - 1;
    let i = (Math.imul(value, 0x9e3779b1) >>> this.shift) << 1;
    while (table[i + 1] >= 0) i = (i + 2) & mask;
    table[i] = value;
    table[i + 1] = row;
  }
}

/** The last of `starts` from `low` up to `high` that is not above the value. */
function search(starts: Int32Array, value: number, low: number, high: number): number {
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (starts[middle] <= value) low = middle;
    else high = middle;
  }
  return low;
}
