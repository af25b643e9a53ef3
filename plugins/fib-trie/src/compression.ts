/**
 * compression.ts — the two compressions of an LC-trie (Nilsson & Karlsson, "IP-address lookup using LC-tries", 1999;
 * resized as the table changes, as Olsson did for Linux: net/ipv4/fib_trie.c).
 *
 * Level compression: a node takes in the level below (inflate) or gives its last level up (halve), by how well it is
 * filled. A node inside one cache line costs one miss whatever its size, so it takes in all that fits there.
 * Path compression: a path without branches, longer than a cache line's node, is one skip block.
 *
 * All functions take a slot's cell and return the one to put in its place. They build beside what is there and change
 * nothing that can be reached, so a reader on the old cells stays right until the new one is published.
 */
import {
  baseOf,
  childIndex,
  differs,
  isLeaf,
  isNode,
  isSkip,
  leafLength,
  nodeBits,
  nodeOf,
  SKIP_CHILD,
  SKIP_DEPTH,
  SKIP_KEY,
  SKIP_MISS,
  skipOf,
} from './cell.ts';
import { type CellPool, FULL, LINE_BITS, SKIP_BITS, SPLIT } from './cell-pool.ts';

/** A node beyond a cache line inflates when this share of its children are nodes: percent, Olsson's threshold. */
const INFLATE = 50;
/** It halves when less than this share of its pairs of children differ: percent, Olsson's threshold. */
const HALVE = 25;
/** The root is wider: one load less for most addresses is worth slots that hold a leaf only. */
const INFLATE_ROOT = 16;
const HALVE_ROOT = 5;
export const ROOT_MIN_BITS = 5;
const ROOT_MAX_BITS = 22;

export class Compression {
  private readonly pool: CellPool;

  constructor(pool: CellPool) {
    this.pool = pool;
  }

  /** Brings a slot at `depth` to its best form. `key`: the address bits above the slot; the others are ignored. */
  tune(cell: number, depth: number, key: number): number {
    let best = cell;
    for (;;) {
      const next = this.tuneOnce(best, depth, key);
      if (next === best) return best;
      best = next;
    }
  }

  /** A slot at `depth` whose addresses that match `key` up to `to` go on to `sub`, the others to the leaf `miss`. */
  link(depth: number, to: number, key: number, miss: number, sub: number): number {
    const bits = to - depth;
    if (bits === 0) return sub;
    if (bits <= LINE_BITS) {
      const base = this.pool.allocate(bits);
      this.pool.cells.fill(miss, base, base + (1 << bits));
      this.pool.cells[base + childIndex(key, depth, bits)] = sub;
      return nodeOf(bits, base);
    }
    if (isSkip(sub) && this.pool.cells[baseOf(sub) + SKIP_MISS] === miss) return sub;
    const base = this.pool.allocate(SKIP_BITS);
    const cells = this.pool.cells;
    cells[base + SKIP_DEPTH] = -to;
    cells[base + SKIP_KEY] = to === 32 ? key : key & ~(-1 >>> to);
    cells[base + SKIP_MISS] = miss;
    cells[base + SKIP_CHILD] = sub;
    return skipOf(base);
  }

  /** Fills in the counters of a node beyond a cache line. */
  count(node: number, depth: number): void {
    const bits = nodeBits(node);
    if (bits <= LINE_BITS) return;
    const { cells } = this.pool;
    const base = baseOf(node);
    const end = base + (1 << bits);
    let full = 0;
    let split = 0;
    for (let slot = base; slot < end; slot += 2) {
      if (isNode(cells[slot])) full++;
      if (isNode(cells[slot + 1])) full++;
      if (differs(cells[slot], cells[slot + 1], depth + bits)) split++;
    }
    cells[base + FULL] = full;
    cells[base + SPLIT] = split;
  }

  private tuneOnce(cell: number, depth: number, key: number): number {
    if (isLeaf(cell)) return cell;
    if (isSkip(cell)) return this.tuneSkip(cell, depth);
    if (depth === 0) return this.tuneRoot(cell);
    return nodeBits(cell) > LINE_BITS ? this.tuneLarge(cell, depth, key) : this.tuneLine(cell, depth, key);
  }

  private tuneRoot(root: number): number {
    const bits = nodeBits(root);
    const base = baseOf(root);
    const { cells } = this.pool;
    if (bits < ROOT_MAX_BITS && cells[base + FULL] * 100 >= INFLATE_ROOT << bits) return this.inflate(root, 0, 0);
    if (bits > ROOT_MIN_BITS && cells[base + SPLIT] * 100 < HALVE_ROOT << (bits - 1)) return this.halve(root, 0, 0);
    return root;
  }

  private tuneLarge(node: number, depth: number, key: number): number {
    const bits = nodeBits(node);
    const base = baseOf(node);
    const { cells } = this.pool;
    if (cells[base + FULL] * 100 >= INFLATE << bits) return this.inflate(node, depth, key);
    if (cells[base + SPLIT] * 100 < HALVE << (bits - 1)) return this.halve(node, depth, key);
    return node;
  }

  private tuneLine(node: number, depth: number, key: number): number {
    const bits = nodeBits(node);
    const base = baseOf(node);
    const { cells } = this.pool;
    const end = base + (1 << bits);
    let full = 0;
    let split = 0;
    for (let slot = base; slot < end; slot += 2) {
      if (isNode(cells[slot])) full++;
      if (isNode(cells[slot + 1])) full++;
      if (differs(cells[slot], cells[slot + 1], depth + bits)) split++;
    }
    if (full > 0 && (bits < LINE_BITS || full * 100 >= INFLATE << bits)) return this.inflate(node, depth, key);
    if (split === 0) return this.halve(node, depth, key);
    if (split === 1) return this.shorten(node, depth, key);
    return node;
  }

  /** Path compression of a node with one child that leads on. */
  private shorten(node: number, depth: number, key: number): number {
    const { cells } = this.pool;
    const bits = nodeBits(node);
    const base = baseOf(node);
    const only = this.onlyChild(node, depth);
    if (only < 0) return node;
    const child = cells[base + only];
    const miss = cells[base + (only ^ 1)];
    const end = depth + bits;
    if (isSkip(child) && cells[baseOf(child) + SKIP_MISS] === miss) {
      this.pool.retire(base, bits);
      return child;
    }
    const next = this.onlyChildWithMiss(child, end, miss);
    if (next < 0) return node;
    const to = end + nodeBits(child);
    const path = above(key, depth) | (only << (32 - end)) | (next << (32 - to));
    this.pool.retire(base, bits);
    this.pool.retire(baseOf(child), nodeBits(child));
    return this.link(depth, to, path, miss, cells[baseOf(child) + next]);
  }

  private tuneSkip(skip: number, depth: number): number {
    const { cells } = this.pool;
    const base = baseOf(skip);
    const to = -cells[base + SKIP_DEPTH];
    const key = cells[base + SKIP_KEY];
    const miss = cells[base + SKIP_MISS];
    const child = cells[base + SKIP_CHILD];
    if (isLeaf(child) && leafLength(child) < to) {
      this.pool.retire(base, SKIP_BITS);
      return miss;
    }
    if (to - depth <= LINE_BITS) {
      this.pool.retire(base, SKIP_BITS);
      return this.link(depth, to, key, miss, child);
    }
    if (isSkip(child) && cells[baseOf(child) + SKIP_MISS] === miss) {
      this.pool.retire(base, SKIP_BITS);
      return child;
    }
    const next = this.onlyChildWithMiss(child, to, miss);
    if (next < 0) return skip;
    const further = to + nodeBits(child);
    this.pool.retire(base, SKIP_BITS);
    this.pool.retire(baseOf(child), nodeBits(child));
    return this.link(depth, further, key | (next << (32 - further)), miss, cells[baseOf(child) + next]);
  }

  /** Index of the only child that is not the leaf handed down from above the node, or -1. */
  private onlyChild(node: number, depth: number): number {
    const { cells } = this.pool;
    const base = baseOf(node);
    const size = 1 << nodeBits(node);
    let only = -1;
    for (let i = 0; i < size; i++) {
      const child = cells[base + i];
      if (isLeaf(child) && leafLength(child) <= depth) continue;
      if (only >= 0) return -1;
      only = i;
    }
    return only;
  }

  private onlyChildWithMiss(cell: number, depth: number, miss: number): number {
    if (!isNode(cell) || nodeBits(cell) > LINE_BITS) return -1;
    const only = this.onlyChild(cell, depth);
    return only >= 0 && this.pool.cells[baseOf(cell) + (only ^ 1)] === miss ? only : -1;
  }

  /** The same node with one bit more: children that are nodes give it their first level. */
  private inflate(node: number, depth: number, key: number): number {
    const bits = nodeBits(node);
    const base = baseOf(node);
    const end = depth + bits;
    const size = 1 << bits;
    const doubled = this.pool.allocate(bits + 1);
    for (let i = 0; i < size; i++) {
      const child = this.pool.cells[base + i];
      let left = child;
      let right = child;
      if (isSkip(child)) {
        const miss = this.pool.cells[baseOf(child) + SKIP_MISS];
        const path = this.pool.cells[baseOf(child) + SKIP_KEY];
        const rest = this.tune(child, end + 1, path);
        const side = childIndex(path, end, 1);
        left = side === 0 ? rest : miss;
        right = side === 0 ? miss : rest;
      } else if (isNode(child)) {
        const path = above(key, depth) | (i << (32 - end));
        left = this.tune(this.half(child, end, 0), end + 1, path);
        right = this.tune(this.half(child, end, 1), end + 1, path | (1 << (31 - end)));
        if (nodeBits(child) === 1 || nodeBits(child) > LINE_BITS) this.pool.retire(baseOf(child), nodeBits(child));
      }
      this.pool.cells[doubled + 2 * i] = left;
      this.pool.cells[doubled + 2 * i + 1] = right;
    }
    this.pool.retire(base, bits);
    const inflated = nodeOf(bits + 1, doubled);
    this.count(inflated, depth);
    return inflated;
  }

  /** One half of a node, as the cell of a slot one bit deeper. A half of a small node stays where it is. */
  private half(node: number, depth: number, side: 0 | 1): number {
    const bits = nodeBits(node) - 1;
    const from = baseOf(node) + (side << bits);
    if (bits === 0) return this.pool.cells[from];
    if (bits < LINE_BITS) return nodeOf(bits, from);
    const copy = this.pool.allocate(bits);
    this.pool.cells.copyWithin(copy, from, from + (1 << bits));
    const half = nodeOf(bits, copy);
    this.count(half, depth + 1);
    return half;
  }

  /** The same node with one bit less: pairs that differ become a node each. */
  private halve(node: number, depth: number, key: number): number {
    const bits = nodeBits(node) - 1;
    const base = baseOf(node);
    const end = depth + bits;
    const halved = bits === 0 ? -1 : this.pool.allocate(bits);
    let cell = 0;
    for (let i = 0; i < 1 << bits; i++) {
      const { cells } = this.pool;
      const left = cells[base + 2 * i];
      const right = cells[base + 2 * i + 1];
      cell = left;
      if (differs(left, right, end + 1)) {
        const pair = this.pool.allocate(1);
        this.pool.cells[pair] = left;
        this.pool.cells[pair + 1] = right;
        cell = this.tune(nodeOf(1, pair), end, above(key, depth) | (i << (32 - end)));
      }
      if (bits > 0) this.pool.cells[halved + i] = cell;
    }
    this.pool.retire(base, bits + 1);
    if (bits === 0) return cell;
    const result = nodeOf(bits, halved);
    this.count(result, depth);
    return result;
  }
}

/** The bits of `key` above `depth`, the others 0; `depth` is at most 31. */
function above(key: number, depth: number): number {
  return key & ~(-1 >>> depth);
}
