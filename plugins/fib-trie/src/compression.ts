/**
 * compression.ts — the two compressions of an LC-trie (Nilsson & Karlsson, "IP-address lookup using LC-tries", 1999;
 * resized as the table changes, as Olsson did for Linux: net/ipv4/fib_trie.c).
 *
 * Level compression: a node takes in what lies below it (inflate) or gives its last levels up (halve), by how well it
 * is filled. A node inside one cache line costs one miss whatever its size, so it takes in all that fits there; beyond
 * that it grows and shrinks by a line of bits at once: the nodes below dissolve in it as they are.
 * Path compression: a path without branches, longer than a cache line's node, is one skip block.
 *
 * All functions take the cell of a slot at `depth`, on the path of `key`, and return the cell to put in its place. They
 * build beside what is there and change nothing that can be reached, so a reader on the old cells stays right until the
 * new one is published.
 */
import {
  above,
  bitsAt,
  isLeaf,
  isNode,
  isSkip,
  leafLength,
  nodeBase,
  nodeEnd,
  nodeOf,
  SKIP_CHILD,
  SKIP_DEPTH,
  SKIP_KEY,
  setSkipMiss,
  skipBlock,
  skipMiss,
  skipOf,
} from './cell.ts';
import { type CellPool, LINE_BITS, REST, SKIP_BITS } from './cell-pool.ts';

/** When a node beyond a cache line changes its size. */
interface Limits {
  /** Percentage of its children that are nodes, from which on it inflates. */
  readonly inflate: number;
  /** Percentage of the slots it would have as the next smaller node that lead on, below which it halves. */
  readonly halve: number;
  readonly minBits: number;
  readonly maxBits: number;
}

export const ROOT_MIN_BITS = 8;
// Olsson's percentages for inner nodes. His 30 and 15 for the root gave way to a wider one: a load less for most addresses.
const ROOT_LIMITS: Limits = { inflate: 20, halve: 10, minBits: ROOT_MIN_BITS, maxBits: 20 };
const INNER_LIMITS: Limits = { inflate: 50, halve: 25, minBits: 0, maxBits: 32 };

export class Compression {
  private readonly pool: CellPool;

  constructor(pool: CellPool) {
    this.pool = pool;
  }

  /** Brings a slot to its best form. */
  tune(cell: number, depth: number, key: number): number {
    let best = cell;
    for (;;) {
      const next = this.tuneOnce(best, depth, key);
      if (next === best) return best;
      best = next;
    }
  }

  /** A slot whose addresses that match `key` up to depth `to` go on to `sub`, the others to the leaf `miss`. */
  link(depth: number, to: number, key: number, miss: number, sub: number): number {
    const bits = to - depth;
    if (bits === 0) return sub;
    if (bits <= LINE_BITS) {
      const base = this.pool.allocate(bits);
      this.pool.cells.fill(miss, base, base + (1 << bits));
      this.pool.cells[base + bitsAt(key, depth, bits)] = sub;
      return nodeOf(base, depth, bits, key);
    }
    if (isSkip(sub) && skipMiss(this.pool.cells, skipBlock(sub)) === miss) return sub;
    const block = this.pool.allocate(SKIP_BITS);
    const { cells } = this.pool;
    cells[block + SKIP_DEPTH] = -to;
    cells[block + SKIP_KEY] = above(key, to);
    cells[block + SKIP_CHILD] = sub;
    setSkipMiss(cells, block, miss);
    return skipOf(block);
  }

  private tuneOnce(cell: number, depth: number, key: number): number {
    if (isLeaf(cell)) return cell;
    if (isSkip(cell)) return this.tuneSkip(cell, depth);
    if (depth === 0) return this.tuneLarge(cell, 0, 0, ROOT_LIMITS);
    return nodeEnd(cell) - depth > LINE_BITS ? this.tuneLarge(cell, depth, key, INNER_LIMITS) : this.tuneLine(cell, depth, key);
  }

  private tuneLarge(node: number, depth: number, key: number, limits: Limits): number {
    const { cells } = this.pool;
    const end = nodeEnd(node);
    const bits = end - depth;
    const base = nodeBase(node, depth, key);
    if (cells[base + REST] > 0) return node;
    const slots = 1 << bits;
    const lines = slots >> LINE_BITS;
    let full = 0;
    let split = 0;
    for (let slot = base; slot < base + slots; slot++) if (isNode(cells[slot])) full++;
    for (let i = 0; i < lines; i++) if (!isUniform(cells, base + (i << LINE_BITS), end - LINE_BITS)) split++;
    const keep = Math.ceil((lines * limits.halve) / 100);
    const toInflate = bits < limits.maxBits ? Math.ceil((slots * limits.inflate) / 100) - full : slots;
    const toHalve = bits > limits.minBits ? split - keep + 1 : slots;
    if (toInflate <= 0) return this.inflate(node, depth, key, Math.min(LINE_BITS, 32 - end));
    if (toHalve <= 0) return this.halve(node, depth, key);
    // No sooner can it be too full or too empty; and when it is close to either, it may rest for as many changes as it
    // would take to become empty, or every change would look it over.
    cells[base + REST] = Math.max(keep, Math.min(toInflate, toHalve));
    return node;
  }

  private tuneLine(node: number, depth: number, key: number): number {
    const { cells } = this.pool;
    const bits = nodeEnd(node) - depth;
    const base = nodeBase(node, depth, key);
    let needed = 0;
    let reach = 0;
    let full = 0;
    let busy = 0;
    let last = 0;
    for (let i = 0; i < 1 << bits; i++) {
      const child = cells[base + i];
      if (isLeaf(child) && leafLength(child) <= depth) continue;
      busy++;
      last = i;
      if (isLeaf(child)) {
        needed = Math.max(needed, leafLength(child) - depth);
        continue;
      }
      needed = bits;
      if (!isNode(child)) continue;
      full++;
      reach = Math.max(reach, nodeEnd(child) - depth);
    }
    if (full > 0 && bits < LINE_BITS) return this.inflate(node, depth, key, Math.min(LINE_BITS, reach) - bits);
    if (full * 100 >= INNER_LIMITS.inflate << bits) return this.inflate(node, depth, key, Math.min(LINE_BITS, 32 - depth - bits));
    if (needed < bits) return this.shrink(node, depth, key, needed);
    if (busy === 1) return this.shorten(node, depth, key, last);
    return node;
  }

  /** A small node without levels that tell nothing apart. */
  private shrink(node: number, depth: number, key: number, bits: number): number {
    const oldBits = nodeEnd(node) - depth;
    const base = nodeBase(node, depth, key);
    this.pool.retire(base, oldBits);
    if (bits === 0) return this.pool.cells[base];
    const shrunk = this.pool.allocate(bits);
    const { cells } = this.pool;
    for (let i = 0; i < 1 << bits; i++) cells[shrunk + i] = cells[base + (i << (oldBits - bits))];
    return nodeOf(shrunk, depth, bits, key);
  }

  /** Path compression of a small node with one child that leads on, `only`. */
  private shorten(node: number, depth: number, key: number, only: number): number {
    const { cells } = this.pool;
    const end = nodeEnd(node);
    const base = nodeBase(node, depth, key);
    const path = above(key, depth) | (only << (32 - end));
    const shorter = this.join(cells[base + only], depth, end, path, cells[base + (only ^ 1)]);
    if (shorter === 0) return node;
    this.pool.retire(base, end - depth);
    return shorter;
  }

  private tuneSkip(skip: number, depth: number): number {
    const { cells } = this.pool;
    const block = skipBlock(skip);
    const to = -cells[block + SKIP_DEPTH];
    const key = cells[block + SKIP_KEY];
    const miss = skipMiss(cells, block);
    const child = cells[block + SKIP_CHILD];
    if (isLeaf(child) && leafLength(child) < to) {
      this.pool.retire(block, SKIP_BITS);
      return miss;
    }
    if (to - depth <= LINE_BITS) {
      this.pool.retire(block, SKIP_BITS);
      return this.link(depth, to, key, miss, child);
    }
    const shorter = this.join(child, depth, to, key, miss);
    if (shorter === 0) return skip;
    this.pool.retire(block, SKIP_BITS);
    return shorter;
  }

  /**
   * One skip for the path from `depth` to the cell at `at` and on through it, if that is a skip or a small node with the
   * same leaf `miss` beside the path; else 0.
   */
  private join(cell: number, depth: number, at: number, key: number, miss: number): number {
    const { cells } = this.pool;
    if (isSkip(cell)) return skipMiss(cells, skipBlock(cell)) === miss ? cell : 0;
    const end = nodeEnd(cell);
    if (!isNode(cell) || end - at > LINE_BITS) return 0;
    const base = nodeBase(cell, at, key);
    const only = onlyChild(cells, base, end - at, miss);
    if (only < 0) return 0;
    this.pool.retire(base, end - at);
    return this.link(depth, end, above(key, at) | (only << (32 - end)), miss, cells[base + only]);
  }

  /** The same node with `by` bits more: what its children lead to moves in. */
  private inflate(node: number, depth: number, key: number, by: number): number {
    const end = nodeEnd(node);
    const bits = end - depth;
    const base = nodeBase(node, depth, key);
    const inflated = this.pool.allocate(bits + by);
    for (let i = 0; i < 1 << bits; i++) {
      this.spread(this.pool.cells[base + i], end, above(key, depth) | (i << (32 - end)), by, inflated + (i << by));
    }
    this.pool.retire(base, bits);
    return nodeOf(inflated, depth, bits + by, key);
  }

  /** Fills the 2^`by` slots from `at` on with what a cell at `depth` leads to. */
  private spread(cell: number, depth: number, key: number, by: number, at: number): void {
    if (by === 0) this.pool.cells[at] = cell;
    else if (isLeaf(cell)) this.pool.cells.fill(cell, at, at + (1 << by));
    else if (isSkip(cell)) this.spreadSkip(skipBlock(cell), depth, by, at);
    else if (nodeEnd(cell) - depth > by) this.spreadParts(cell, depth, key, by, at);
    else this.spreadChildren(cell, depth, key, by, at);
  }

  private spreadSkip(block: number, depth: number, by: number, at: number): void {
    const { cells } = this.pool;
    const to = -cells[block + SKIP_DEPTH];
    const key = cells[block + SKIP_KEY];
    const end = depth + by;
    cells.fill(skipMiss(cells, block), at, at + (1 << by));
    if (to < end) {
      this.pool.retire(block, SKIP_BITS);
      this.spread(cells[block + SKIP_CHILD], to, key, end - to, at + (bitsAt(key, depth, to - depth) << (end - to)));
      return;
    }
    const rest = this.tune(skipOf(block), end, key);
    this.pool.cells[at + bitsAt(key, depth, by)] = rest;
  }

  /** A node that reaches no deeper than the slots: its children. */
  private spreadChildren(node: number, depth: number, key: number, by: number, at: number): void {
    const end = nodeEnd(node);
    const bits = end - depth;
    const base = nodeBase(node, depth, key);
    const rest = by - bits;
    for (let i = 0; i < 1 << bits; i++) {
      this.spread(this.pool.cells[base + i], end, above(key, depth) | (i << (32 - end)), rest, at + (i << rest));
    }
    this.pool.retire(base, bits);
  }

  /** A node that reaches deeper: its parts, each a node with fewer bits. Parts of a small one stay where they are. */
  private spreadParts(node: number, depth: number, key: number, by: number, at: number): void {
    const bits = nodeEnd(node) - depth;
    const base = nodeBase(node, depth, key);
    const end = depth + by;
    for (let i = 0; i < 1 << by; i++) {
      const path = above(key, depth) | (i << (32 - end));
      let part = node;
      if (bits > LINE_BITS) {
        const copy = this.pool.allocate(bits - by);
        const from = base + (i << (bits - by));
        this.pool.cells.copyWithin(copy, from, from + (1 << (bits - by)));
        part = nodeOf(copy, end, bits - by, path);
      }
      const tuned = this.tune(part, end, path);
      this.pool.cells[at + i] = tuned;
    }
    if (bits > LINE_BITS) this.pool.retire(base, bits);
  }

  /** The same node with a line of bits less: lines of children that are not one leaf become a node each. */
  private halve(node: number, depth: number, key: number): number {
    const bits = nodeEnd(node) - depth - LINE_BITS;
    const base = nodeBase(node, depth, key);
    const end = depth + bits;
    const halved = this.pool.allocate(bits);
    for (let i = 0; i < 1 << bits; i++) {
      const from = base + (i << LINE_BITS);
      let cell = this.pool.cells[from];
      if (!isUniform(this.pool.cells, from, end)) {
        const path = above(key, depth) | (i << (32 - end));
        const line = this.pool.allocate(LINE_BITS);
        this.pool.cells.copyWithin(line, from, from + (1 << LINE_BITS));
        cell = this.tune(nodeOf(line, end, LINE_BITS, path), end, path);
      }
      this.pool.cells[halved + i] = cell;
    }
    this.pool.retire(base, bits + LINE_BITS);
    return nodeOf(halved, depth, bits, key);
  }
}

/** True when a line of slots below `depth` holds the leaf of one prefix that covers them all. */
function isUniform(cells: Int32Array, from: number, depth: number): boolean {
  const first = cells[from];
  if (!isLeaf(first) || leafLength(first) > depth) return false;
  for (let slot = from + 1; slot < from + (1 << LINE_BITS); slot++) if (cells[slot] !== first) return false;
  return true;
}

/** Index of the only child that is not the leaf `miss`, or -1. */
function onlyChild(cells: Int32Array, base: number, bits: number, miss: number): number {
  let only = -1;
  for (let i = 0; i < 1 << bits; i++) {
    if (cells[base + i] === miss) continue;
    if (only >= 0) return -1;
    only = i;
  }
  return only;
}
