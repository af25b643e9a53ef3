/**
 * fib-dir24.ts — DIR-24-8 (Gupta, Lin & McKeown, "Routing lookups in hardware at memory access speeds", 1998): an entry
 * for each of the 2^24 /24s, and 256 more for a /24 that holds longer prefixes. One load answers, seldom two.
 *
 *     near      │ entry of 0.0.0.0/24 │ entry of 0.0.1.0/24 │ …      2^24 entries
 *     far       │ 256 entries: group 0 │ group 1 │ …                 one entry per address
 *
 *     entry     0: no route;  1 … limit−1: value + 1;  from limit on (near only): limit + group
 *
 * Entries are 16 bits wide until a value or a group does not fit, then 32. Prefix lengths, which only changes need, lie
 * in arrays of their own, so that they stay out of the caches that lookups use.
 */
import type { FibBackend, FibStorage } from '@packetwalk/framework';

const NEAR_ENTRIES: number = 1 << 24;
const GROUP_ENTRIES = 256;
const FIRST_GROUPS = 16;
const NARROW_LIMIT = 0x8000;
const WIDE_LIMIT = 0x40000000;

type Entries = Uint16Array | Int32Array;

export class FibDir24 implements FibBackend {
  private readonly storage: FibStorage;
  private limit!: number;
  private near!: Entries;
  private far!: Entries;
  private nearLengths!: Uint8Array;
  private farLengths!: Uint8Array;
  private groups!: number;
  private freeGroups!: number[];

  constructor(storage: FibStorage) {
    this.storage = storage;
    this.clear();
  }

  lookup(address: number): number {
    const entry = this.near[address >>> 8];
    if (entry < this.limit) return entry - 1;
    return this.far[((entry - this.limit) << 8) | (address & 255)] - 1;
  }

  insert(prefix: number, length: number, value: number): void {
    if (value + 1 >= this.limit) this.widen();
    this.change(prefix, length, value + 1, length, true);
  }

  remove(prefix: number, length: number, coverLength: number, coverValue: number): void {
    this.change(prefix, length, coverValue + 1, Math.max(coverLength, 0), false);
    if (length > 24) this.closeGroup(prefix >>> 8);
  }

  clear(): void {
    this.limit = NARROW_LIMIT;
    this.near = this.storage.uint16('near', NEAR_ENTRIES);
    this.nearLengths = this.storage.uint8('near-lengths', NEAR_ENTRIES);
    this.far = this.storage.uint16('far', FIRST_GROUPS * GROUP_ENTRIES);
    this.farLengths = this.storage.uint8('far-lengths', FIRST_GROUPS * GROUP_ENTRIES);
    this.groups = 0;
    this.freeGroups = [];
    this.storage.publish();
  }

  memory(): number {
    return this.near.byteLength + this.nearLengths.byteLength + this.far.byteLength + this.farLengths.byteLength;
  }

  /** Puts an entry where no prefix longer than `length` is the answer. */
  private change(prefix: number, length: number, entry: number, entryLength: number, adding: boolean): void {
    const first = prefix >>> 8;
    if (length > 24) {
      if (adding && this.near[first] < this.limit) this.openGroup(first);
      this.paintGroup(this.near[first] - this.limit, prefix & 255, 1 << (32 - length), length, entry, entryLength);
      return;
    }
    const { near, nearLengths, limit } = this;
    for (let i = first; i < first + (1 << (24 - length)); i++) {
      if (near[i] >= limit) {
        this.paintGroup(near[i] - limit, 0, GROUP_ENTRIES, length, entry, entryLength);
      } else if (nearLengths[i] <= length) {
        near[i] = entry;
        nearLengths[i] = entryLength;
      }
    }
  }

  private paintGroup(group: number, from: number, count: number, length: number, entry: number, entryLength: number): void {
    const first = group * GROUP_ENTRIES + from;
    for (let i = first; i < first + count; i++) {
      if (this.farLengths[i] > length) continue;
      this.far[i] = entry;
      this.farLengths[i] = entryLength;
    }
  }

  /** Gives a /24 a group of its own, filled with its entry. */
  private openGroup(index: number): void {
    const group = this.freeGroups.pop() ?? this.groups++;
    const first = group * GROUP_ENTRIES;
    if (first === this.far.length) this.growFar();
    if (this.limit + group > 0xffff) this.widen();
    this.far.fill(this.near[index], first, first + GROUP_ENTRIES);
    this.farLengths.fill(this.nearLengths[index], first, first + GROUP_ENTRIES);
    this.near[index] = this.limit + group;
  }

  /** Takes the group back when no prefix in it is longer than 24 bits: then it holds one entry. */
  private closeGroup(index: number): void {
    const group = this.near[index] - this.limit;
    const first = group * GROUP_ENTRIES;
    for (let i = first; i < first + GROUP_ENTRIES; i++) if (this.farLengths[i] > 24) return;
    this.near[index] = this.far[first];
    this.nearLengths[index] = this.farLengths[first];
    this.storage.quiesce(() => this.freeGroups.push(group));
  }

  private growFar(): void {
    const length = this.far.length * 2;
    const far = this.limit === NARROW_LIMIT ? this.storage.uint16('far', length) : this.storage.int32('far', length);
    const lengths = this.storage.uint8('far-lengths', length);
    far.set(this.far);
    lengths.set(this.farLengths);
    this.far = far;
    this.farLengths = lengths;
    this.storage.publish();
  }

  /** Makes entries 32 bits wide; they stay so. */
  private widen(): void {
    if (this.limit === WIDE_LIMIT) return;
    const near = this.storage.int32('near', NEAR_ENTRIES);
    const far = this.storage.int32('far', this.far.length);
    near.set(this.near);
    far.set(this.far);
    for (let i = 0; i < NEAR_ENTRIES; i++) if (near[i] >= NARROW_LIMIT) near[i] += WIDE_LIMIT - NARROW_LIMIT;
    this.near = near;
    this.far = far;
    this.limit = WIDE_LIMIT;
    this.storage.publish();
  }
}
