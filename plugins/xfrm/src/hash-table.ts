/**
 * hash-table.ts — objects by three int32, in chains whose order the caller decides. Keys and links lie in one typed array, so
 * that a lookup among 10,000 touches two cache lines and no object but the one it finds: with a Map of arrays it cost 12 times
 * what it costs among 10, with this twice (npm run bench:xfrm).
 *
 *      heads    [ hash & mask ] → entry, -1: none
 *      entries  | a | b | c | next |  a | b | c | next | …        values[entry]
 */

const NONE = -1;
/** Ints of an entry, and where the link is. */
const WIDTH = 4;
const NEXT = 3;
const FIRST_SIZE = 16;

function hash(a: number, b: number, c: number): number {
  const h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  return h ^ (h >>> 15) ^ (h >>> 7);
}

export class HashTable<T> {
  private heads: Int32Array = new Int32Array(2 * FIRST_SIZE).fill(NONE);
  private entries: Int32Array = new Int32Array(WIDTH * FIRST_SIZE);
  private readonly values: (T | null)[] = [];
  private free = NONE;
  private mask: number = 2 * FIRST_SIZE - 1;
  size = 0;

  /** The first entry of a key, NONE (negative) when there is none. */
  first(a: number, b: number, c: number): number {
    return this.match(this.heads[hash(a, b, c) & this.mask], a, b, c);
  }

  /** The entry behind `entry` with the same key. */
  next(entry: number): number {
    const { entries } = this;
    const at = WIDTH * entry;
    return this.match(entries[at + NEXT], entries[at], entries[at + 1], entries[at + 2]);
  }

  private match(from: number, a: number, b: number, c: number): number {
    const { entries } = this;
    for (let i = from; i >= 0; i = entries[WIDTH * i + NEXT]) {
      const at = WIDTH * i;
      if (entries[at] === a && entries[at + 1] === b && entries[at + 2] === c) return i;
    }
    return NONE;
  }

  value(entry: number): T {
    return this.values[entry] as T;
  }

  /** Adds an object in front of the first of its key for which `before` is true, else behind all of them. */
  add(a: number, b: number, c: number, value: T, before: (other: T) => boolean): void {
    const entry = this.take();
    const { entries, heads } = this;
    entries.set([a, b, c], WIDTH * entry);
    this.values[entry] = value;
    this.size++;
    const bucket = hash(a, b, c) & this.mask;
    let last = NONE;
    let at = heads[bucket];
    for (; at >= 0; at = entries[WIDTH * at + NEXT]) {
      const same = entries[WIDTH * at] === a && entries[WIDTH * at + 1] === b && entries[WIDTH * at + 2] === c;
      if (same && before(this.values[at] as T)) break;
      last = at;
    }
    entries[WIDTH * entry + NEXT] = at;
    if (last < 0) heads[bucket] = entry;
    else entries[WIDTH * last + NEXT] = entry;
  }

  remove(a: number, b: number, c: number, value: T): void {
    const { entries, heads } = this;
    const bucket = hash(a, b, c) & this.mask;
    let last = NONE;
    for (let at = heads[bucket]; at >= 0; at = entries[WIDTH * at + NEXT]) {
      if (this.values[at] === value) {
        const next = entries[WIDTH * at + NEXT];
        if (last < 0) heads[bucket] = next;
        else entries[WIDTH * last + NEXT] = next;
        this.values[at] = null;
        entries[WIDTH * at + NEXT] = this.free;
        this.free = at;
        this.size--;
        return;
      }
      last = at;
    }
  }

  /** A free entry; the table grows when there is none. */
  private take(): number {
    if (this.free >= 0) {
      const entry = this.free;
      this.free = this.entries[WIDTH * entry + NEXT];
      return entry;
    }
    if (this.values.length * WIDTH === this.entries.length) this.grow();
    this.values.push(null);
    return this.values.length - 1;
  }

  /** Twice as many entries and buckets; chains keep their order. */
  private grow(): void {
    const old = this.entries;
    const count = this.values.length;
    const oldHeads = this.heads;
    this.entries = new Int32Array(old.length * 2);
    this.entries.set(old);
    this.heads = new Int32Array(4 * count).fill(NONE);
    this.mask = 4 * count - 1;
    const tails = new Int32Array(4 * count).fill(NONE);
    for (const head of oldHeads) {
      for (let at = head; at >= 0; at = old[WIDTH * at + NEXT]) {
        const bucket = hash(old[WIDTH * at], old[WIDTH * at + 1], old[WIDTH * at + 2]) & this.mask;
        if (tails[bucket] < 0) this.heads[bucket] = at;
        else this.entries[WIDTH * tails[bucket] + NEXT] = at;
        this.entries[WIDTH * at + NEXT] = NONE;
        tails[bucket] = at;
      }
    }
  }
}
