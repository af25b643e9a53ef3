/**
 * hash-table.ts — objects by three int32, in chains whose order the caller decides. Keys and links lie in typed arrays, with a tag
 * of the caller's: what it has to know of most objects to take them, without having to look at one. An object that is not in the
 * cache costs more than all the rest: among 10,000 a lookup with tags costs less than twice what it costs among 10, without three
 * times, with a Map of arrays twelve times (npm run bench:xfrm).
 *
 *      heads    [ hash & mask ] → entry, -1: none
 *      entries  | a | b | c | tag, next |  a | b | c | tag, next | …        values[entry]
 */

const NONE = -1;
/** Ints of an entry, and where tag and link are: the upper 8 bits and the lower 24, all ones at the end of a chain. */
const WIDTH = 4;
const LINK = 3;
const TAG_SHIFT = 24;
const NEXT_MASK = 0xffffff;
const FIRST_SIZE = 16;

function hash(a: number, b: number, c: number): number {
  // The second product spreads keys that count up together: addresses in steps of 256, and reqids.
  const sum = (Math.imul(a, 0x9e3779b1) + Math.imul(b, 0x85ebca6b) + Math.imul(c, 0xc2b2ae35)) | 0;
  const h = Math.imul(sum ^ (sum >>> 16), 0x7feb352d);
  return h ^ (h >>> 15);
}

/** The entry behind one with this tag and link; negative: none. */
const following = (link: number): number => ((link & NEXT_MASK) === NEXT_MASK ? NONE : link & NEXT_MASK);
const linked = (tag: number, next: number): number => (tag << TAG_SHIFT) | (next & NEXT_MASK);

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
    const link = entries[at + LINK] & NEXT_MASK;
    return link === NEXT_MASK ? NONE : this.match(link, entries[at], entries[at + 1], entries[at + 2]);
  }

  private match(from: number, a: number, b: number, c: number): number {
    const { entries } = this;
    for (let i = from; i >= 0; i = following(entries[WIDTH * i + LINK])) {
      const at = WIDTH * i;
      if (entries[at] === a && entries[at + 1] === b && entries[at + 2] === c) return i;
    }
    return NONE;
  }

  value(entry: number): T {
    return this.values[entry] as T;
  }

  /** What was said of the object, 0–255. */
  tag(entry: number): number {
    return this.entries[WIDTH * entry + LINK] >>> TAG_SHIFT;
  }

  /** Adds an object in front of the first of its key for which `before` is true, else behind all of them. */
  add(a: number, b: number, c: number, value: T, tag: number, before: (other: T) => boolean): void {
    const entry = this.take();
    const { entries, heads } = this;
    entries.set([a, b, c], WIDTH * entry);
    this.values[entry] = value;
    this.size++;
    const bucket = hash(a, b, c) & this.mask;
    let last = NONE;
    let at = heads[bucket];
    for (; at >= 0; at = following(entries[WIDTH * at + LINK])) {
      const same = entries[WIDTH * at] === a && entries[WIDTH * at + 1] === b && entries[WIDTH * at + 2] === c;
      if (same && before(this.values[at] as T)) break;
      last = at;
    }
    entries[WIDTH * entry + LINK] = linked(tag, at);
    if (last < 0) heads[bucket] = entry;
    else this.relink(last, entry);
  }

  /** Says something else of an object. */
  setTag(a: number, b: number, c: number, value: T, tag: number): void {
    for (let e = this.first(a, b, c); e >= 0; e = this.next(e)) {
      if (this.values[e] === value) this.entries[WIDTH * e + LINK] = linked(tag, this.entries[WIDTH * e + LINK]);
    }
  }

  remove(a: number, b: number, c: number, value: T): void {
    const { entries, heads } = this;
    const bucket = hash(a, b, c) & this.mask;
    let last = NONE;
    for (let at = heads[bucket]; at >= 0; at = following(entries[WIDTH * at + LINK])) {
      if (this.values[at] === value) {
        const next = following(entries[WIDTH * at + LINK]);
        if (last < 0) heads[bucket] = next;
        else this.relink(last, next);
        this.values[at] = null;
        entries[WIDTH * at + LINK] = linked(0, this.free);
        this.free = at;
        this.size--;
        return;
      }
      last = at;
    }
  }

  /** Puts another entry, or none, behind one. */
  private relink(entry: number, next: number): void {
    const at = WIDTH * entry + LINK;
    this.entries[at] = linked(this.entries[at] >>> TAG_SHIFT, next);
  }

  /** A free entry; the table grows when there is none. */
  private take(): number {
    if (this.free >= 0) {
      const entry = this.free;
      this.free = following(this.entries[WIDTH * entry + LINK]);
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
      for (let at = head; at >= 0; at = following(old[WIDTH * at + LINK])) {
        const bucket = hash(old[WIDTH * at], old[WIDTH * at + 1], old[WIDTH * at + 2]) & this.mask;
        if (tails[bucket] < 0) this.heads[bucket] = at;
        else this.relink(tails[bucket], at);
        this.relink(at, NONE);
        tails[bucket] = at;
      }
    }
  }
}
