/**
 * compression.ts — the two compressions of an LC-trie (Nilsson & Karlsson, "IP-address lookup using LC-tries", 1999;
 * resized as the table changes, as Olsson did for Linux: net/ipv4/fib_trie.c).
 *
 * Level compression: a node takes in the level below (inflate) or gives its last level up (halve), by how well it is
 * filled. A node inside one cache line costs one miss whatever its size, so it takes in all that fits there.
 * Path compression: a path without branches, longer than a cache line's node, is one skip block.
 *
 * All functions take the cell of a slot at `depth`, on the path of `key`, and return the cell to put in its place. They
 * build beside what is there and change nothing that can be reached, so a reader on the old cells stays right until the
 * new one is published.
 */
import {
  above,
  bitsAt,
  childSlot,
  differs,
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
    const cells = this.pool.cells;
    cells[block + SKIP_DEPTH] = -to;
    cells[block + SKIP_KEY] = above(key, to);
    cells[block + SKIP_CHILD] = sub;
    setSkipMiss(cells, block, miss);
    return skipOf(block);
  }

  /** Fills in the counters of a node beyond a cache line. */
  count(base: number, depth: number, bits: number): void {
    if (bits <= LINE_BITS) return;
    const { cells } = this.pool;
    const stop = base + (1 << bits);
    let full = 0;
    let split = 0;
    for (let slot = base; slot < stop; slot += 2) {
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
    if (depth === 0) return this.tuneLarge(cell, 0, 0, INFLATE_ROOT, HALVE_ROOT);
    if (nodeEnd(cell) - depth > LINE_BITS) return this.tuneLarge(cell, depth, key, INFLATE, HALVE);
    return this.tuneLine(cell, depth, key);
  }

  private tuneLarge(node: number, depth: number, key: number, inflate: number, halve: number): number {
    const { cells } = this.pool;
    const bits = nodeEnd(node) - depth;
    const base = nodeBase(node, depth, key);
    if (cells[base + FULL] * 100 >= inflate << bits && bits < ROOT_MAX_BITS) return this.inflate(node, depth, key);
    if (cells[base + SPLIT] * 100 < halve << (bits - 1) && bits + depth > ROOT_MIN_BITS) return this.halve(node, depth, key);
    return node;
  }

  private tuneLine(node: number, depth: number, key: number): number {
    const { cells } = this.pool;
    const bits = nodeEnd(node) - depth;
    const base = nodeBase(node, depth, key);
    const stop = base + (1 << bits);
    let full = 0;
    let split = 0;
    for (let slot = base; slot < stop; slot += 2) {
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
    const end = nodeEnd(node);
    const base = nodeBase(node, depth, key);
    const only = this.onlyChild(base, depth, end - depth);
    if (only < 0) return node;
    const child = cells[base + only];
    const miss = cells[base + (only ^ 1)];
    if (isSkip(child) && skipMiss(cells, skipBlock(child)) === miss) {
      this.pool.retire(base, end - depth);
      return child;
    }
    const path = above(key, depth) | (only << (32 - end));
    const joined = this.joinNode(child, depth, end, path, miss);
    if (joined !== child) this.pool.retire(base, end - depth);
    return joined === child ? node : joined;
  }

  private tuneSkip(skip: number, depth: number): number {
    const { cells } = this.pool;
    const block = skipBlock(skip);
    const to = -cells[block + SKIP_DEPTH];
    const key = cells[block + SKIP_KEY];
    const miss = skipMiss(cells, block);
    const child = cells[block + SKIP_CHILD];
    let best = skip;
    if (isLeaf(child) && leafLength(child) < to) best = miss;
    else if (to - depth <= LINE_BITS) best = this.link(depth, to, key, miss, child);
    else if (isSkip(child)) best = skipMiss(cells, skipBlock(child)) === miss ? child : skip;
    else if (isNode(child)) {
      const joined = this.joinNode(child, depth, to, key, miss);
      if (joined !== child) best = joined;
    }
    if (best !== skip) this.pool.retire(block, SKIP_BITS);
    return best;
  }

  /**
   * One skip for a path from `depth` to a node at `at` and through that node, if it has one child that leads on and else
   * the leaf `miss`; otherwise the node.
   */
  private joinNode(node: number, depth: number, at: number, key: number, miss: number): number {
    const end = nodeEnd(node);
    if (!isNode(node) || end - at > LINE_BITS) return node;
    const base = nodeBase(node, at, key);
    const only = this.onlyChild(base, at, end - at);
    const { cells } = this.pool;
    if (only < 0 || cells[base + (only ^ 1)] !== miss) return node;
    this.pool.retire(base, end - at);
    return this.link(depth, end, above(key, at) | (only << (32 - end)), miss, cells[base + only]);
  }

  /** Index of the only child that is not the leaf handed down from above the node, or -1. */
  private onlyChild(base: number, depth: number, bits: number): number {
    const { cells } = this.pool;
    let only = -1;
    for (let i = 0; i < 1 << bits; i++) {
      const child = cells[base + i];
      if (isLeaf(child) && leafLength(child) <= depth) continue;
      if (only >= 0) return -1;
      only = i;
    }
    return only;
  }

  /** The same node with one bit more: children that are nodes give it their first level. */
  private inflate(node: number, depth: number, key: number): number {
    const end = nodeEnd(node);
    const bits = end - depth;
    const base = nodeBase(node, depth, key);
    const doubled = this.pool.allocate(bits + 1);
    for (let i = 0; i < 1 << bits; i++) {
      const child = this.pool.cells[base + i];
      const path = above(key, depth) | (i << (32 - end));
      let left = child;
      let right = child;
      if (!isLeaf(child)) {
        left = this.half(child, end, path, 0);
        right = this.half(child, end, path | (1 << (31 - end)), 1);
        this.retireHalved(child, end, path);
      }
      this.pool.cells[doubled + 2 * i] = left;
      this.pool.cells[doubled + 2 * i + 1] = right;
    }
    this.pool.retire(base, bits);
    this.count(doubled, depth, bits + 1);
    return nodeOf(doubled, depth, bits + 1, key);
  }

  /** What becomes of one side of a node or skip at `depth` in a slot one bit deeper. A small node's half stays where it is. */
  private half(cell: number, depth: number, key: number, side: 0 | 1): number {
    const { cells } = this.pool;
    if (isSkip(cell)) {
      const block = skipBlock(cell);
      if (bitsAt(cells[block + SKIP_KEY], depth, 1) !== side) return skipMiss(cells, block);
      return this.tune(cell, depth + 1, key);
    }
    const bits = nodeEnd(cell) - depth - 1;
    if (bits === 0) return cells[childSlot(cell, key)];
    if (bits < LINE_BITS) return this.tune(cell, depth + 1, key);
    const from = nodeBase(cell, depth + 1, key);
    const copy = this.pool.allocate(bits);
    this.pool.cells.copyWithin(copy, from, from + (1 << bits));
    this.count(copy, depth + 1, bits);
    return this.tune(nodeOf(copy, depth + 1, bits, key), depth + 1, key);
  }

  /** Gives back a node whose halves do not live on in its block. */
  private retireHalved(cell: number, depth: number, key: number): void {
    const bits = nodeEnd(cell) - depth;
    if (isNode(cell) && (bits === 1 || bits > LINE_BITS)) this.pool.retire(nodeBase(cell, depth, key), bits);
  }

  /** The same node with one bit less: pairs that differ become a node each. */
  private halve(node: number, depth: number, key: number): number {
    const bits = nodeEnd(node) - depth - 1;
    const base = nodeBase(node, depth, key);
    const end = depth + bits;
    const halved = bits === 0 ? -1 : this.pool.allocate(bits);
    let cell = 0;
    for (let i = 0; i < 1 << bits; i++) {
      const left = this.pool.cells[base + 2 * i];
      const right = this.pool.cells[base + 2 * i + 1];
      cell = left;
      if (differs(left, right, end + 1)) {
        const pair = this.pool.allocate(1);
        this.pool.cells[pair] = left;
        this.pool.cells[pair + 1] = right;
        const path = above(key, depth) | (i << (32 - end));
        cell = this.tune(nodeOf(pair, end, 1, path), end, path);
      }
      if (bits > 0) this.pool.cells[halved + i] = cell;
    }
    this.pool.retire(base, bits + 1);
    if (bits === 0) return cell;
    this.count(halved, depth, bits);
    return nodeOf(halved, depth, bits, key);
  }
}
