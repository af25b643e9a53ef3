/**
 * fib-trie.ts — an LC-trie over one Int32Array: a wide root, level and path compression, leaves pushed down. cell.ts
 * says what a cell is, cell-pool.ts where cells come from, compression.ts how nodes change their shape.
 *
 * A change descends to the slots its prefix covers, replaces leaves of prefixes that are not longer, and then lets the
 * nodes on the way back take a better form. Every step is the store of one cell that leads to finished cells, so a
 * reader sees each address before the change or after it, never between.
 */
import type { FibBackend, FibStorage } from '@packetwalk/framework';
import {
  BASE_MASK,
  BITS_SHIFT,
  baseOf,
  childIndex,
  differs,
  isLeaf,
  isNode,
  isSkip,
  LENGTH_SHIFT,
  leafOf,
  leafValue,
  NO_ROUTE,
  nodeBits,
  nodeOf,
  SKIP_CHILD,
  SKIP_DEPTH,
  SKIP_KEY,
  SKIP_MISS,
  VALUE_MASK,
} from './cell.ts';
import { CellPool, FULL, LINE_BITS, SKIP_BITS, SPLIT } from './cell-pool.ts';
import { Compression, ROOT_MIN_BITS } from './compression.ts';

/** The slot that holds the root's node word. */
const ROOT_SLOT = 0;

export class FibTrie implements FibBackend {
  private readonly storage: FibStorage;
  private pool: CellPool;
  private compression: Compression;

  // What a lookup reads: the pool's array, and the root's word taken apart.
  private cells!: Int32Array;
  private rootBase = 0;
  private rootBits = 0;
  private rootShift = 0;

  // The way down of the change at work: slots, their depths, the node (0: none) each is a child of, and its depth.
  private readonly slots: Int32Array = new Int32Array(33);
  private readonly depths: Int32Array = new Int32Array(33);
  private readonly owners: Int32Array = new Int32Array(33);
  private readonly ownerDepths: Int32Array = new Int32Array(33);
  private height = 0;

  constructor(storage: FibStorage) {
    this.storage = storage;
    this.pool = new CellPool(storage);
    this.compression = new Compression(this.pool);
    this.plantRoot();
  }

  lookup(address: number): number {
    const cells = this.cells;
    const first = cells[this.rootBase + (address >>> this.rootShift)];
    // Two steps without a branch to mispredict: `inner` is all ones when the root's slot holds a node, else 0 and the
    // second load is of cell 0.
    const inner = first >> 31;
    const second = cells[((first & BASE_MASK) + (((address << this.rootBits) >>> 1) >>> (first >>> BITS_SHIFT))) & inner];
    const found = first ^ ((first ^ second) & inner);
    if (found < 0) return this.descend(address, first, this.rootBits);
    return (found & VALUE_MASK) - 1;
  }

  lookupBatch(addresses: Int32Array, out: Int32Array, n: number): void {
    for (let i = 0; i < n; i++) out[i] = this.lookup(addresses[i]);
  }

  insert(prefix: number, length: number, value: number): void {
    this.change(prefix, length, leafOf(length, value), true);
  }

  remove(prefix: number, length: number, coverLength: number, coverValue: number): void {
    this.change(prefix, length, coverLength < 0 ? NO_ROUTE : leafOf(coverLength, coverValue), false);
  }

  clear(): void {
    this.pool = new CellPool(this.storage);
    this.compression = new Compression(this.pool);
    this.plantRoot();
    this.storage.publish();
  }

  memory(): number {
    return this.pool.byteLength;
  }

  /** A lookup from any slot on: nodes and skips until there is a leaf. */
  private descend(address: number, from: number, depth: number): number {
    const cells = this.cells;
    let cell = from;
    let at = depth;
    while (cell < 0) {
      const base = cell & BASE_MASK;
      if (isSkip(cell)) {
        at = -cells[base + SKIP_DEPTH];
        if ((address ^ cells[base + SKIP_KEY]) >>> (32 - at) !== 0) return leafValue(cells[base + SKIP_MISS]);
        cell = cells[base + SKIP_CHILD];
      } else {
        const bits = nodeBits(cell);
        cell = cells[base + childIndex(address, at, bits)];
        at += bits;
      }
    }
    return leafValue(cell);
  }

  private plantRoot(): void {
    const root = nodeOf(ROOT_MIN_BITS, this.pool.allocate(ROOT_MIN_BITS));
    this.pool.cells.fill(NO_ROUTE, baseOf(root), baseOf(root) + (1 << ROOT_MIN_BITS));
    this.compression.count(root, 0);
    this.pool.cells[ROOT_SLOT] = root;
    this.openRoot();
  }

  /** Takes the root's word apart for lookups. */
  private openRoot(): void {
    this.cells = this.pool.cells;
    const root = this.cells[ROOT_SLOT];
    this.rootBase = baseOf(root);
    this.rootBits = nodeBits(root);
    this.rootShift = 32 - this.rootBits;
  }

  /** Makes `leaf` the answer where `prefix` is the longest so far; when adding, makes the slots for it first. */
  private change(prefix: number, length: number, leaf: number, adding: boolean): void {
    this.height = 0;
    const reshaped = this.walk(prefix, length, leaf, adding);
    if (reshaped || !adding) this.tuneBack(prefix);
    this.pool.flush();
    this.openRoot();
  }

  /** Descends and changes leaves. True when a slot got a new shape that the nodes above may answer to. */
  private walk(prefix: number, length: number, leaf: number, adding: boolean): boolean {
    let slot = ROOT_SLOT;
    let depth = 0;
    let owner = 0;
    let ownerDepth = 0;
    for (;;) {
      const cell = this.pool.cells[slot];
      if (isLeaf(cell)) {
        if (!adding) return false;
        this.store(slot, this.compression.link(depth, length, prefix, cell, leaf), owner, ownerDepth);
        return true;
      }
      if (isNode(cell)) {
        this.push(slot, depth, owner, ownerDepth);
        const bits = nodeBits(cell);
        const end = depth + bits;
        if (length <= end) {
          this.paintChildren(cell, depth, childIndex(prefix, depth, bits), 1 << (end - length), length, leaf);
          return false;
        }
        slot = baseOf(cell) + childIndex(prefix, depth, bits);
        owner = cell;
        ownerDepth = depth;
        depth = end;
        continue;
      }
      const base = baseOf(cell);
      const to = -this.pool.cells[base + SKIP_DEPTH];
      const common = Math.min(length, to, Math.clz32(prefix ^ this.pool.cells[base + SKIP_KEY]));
      if (common < to) {
        if (!adding) return false;
        this.store(slot, this.branch(cell, depth, common, prefix, length, leaf), owner, ownerDepth);
        return true;
      }
      this.push(slot, depth, owner, ownerDepth);
      slot = base + SKIP_CHILD;
      if (length === to) {
        this.paint(slot, to, length, leaf);
        return false;
      }
      owner = 0;
      depth = to;
    }
  }

  /** A skip that `prefix` leaves at depth `common`, or ends at: the cell that takes its place. */
  private branch(skip: number, depth: number, common: number, prefix: number, length: number, leaf: number): number {
    const { compression, pool } = this;
    const base = baseOf(skip);
    const to = -pool.cells[base + SKIP_DEPTH];
    const key = pool.cells[base + SKIP_KEY];
    const miss = pool.cells[base + SKIP_MISS];
    pool.retire(base, SKIP_BITS);
    let sub: number;
    if (common === length) {
      this.paint(base + SKIP_CHILD, to, length, leaf);
      sub = compression.link(common, to, key, leaf, pool.cells[base + SKIP_CHILD]);
    } else {
      const child = pool.cells[base + SKIP_CHILD];
      const kept = compression.link(common + 1, to, key, miss, child);
      const added = compression.link(common + 1, length, prefix, miss, leaf);
      const fork = pool.allocate(1);
      const side = childIndex(prefix, common, 1);
      pool.cells[fork + side] = added;
      pool.cells[fork + 1 - side] = kept;
      sub = nodeOf(1, fork);
    }
    const tuned = compression.tune(sub, common, prefix);
    return compression.tune(compression.link(depth, common, prefix, miss, tuned), depth, prefix);
  }

  /** Replaces the leaves of prefixes up to `length` bits long in `count` children of a node. */
  private paintChildren(node: number, depth: number, from: number, count: number, length: number, leaf: number): void {
    const bits = nodeBits(node);
    const first = baseOf(node) + from;
    for (let slot = first; slot < first + count; slot++) this.paintChild(slot, node, depth, depth + bits, length, leaf);
  }

  private paintChild(slot: number, owner: number, ownerDepth: number, depth: number, length: number, leaf: number): void {
    const cell = this.pool.cells[slot];
    if (isLeaf(cell)) {
      if (cell < (length + 1) << LENGTH_SHIFT) this.store(slot, leaf, owner, ownerDepth);
    } else {
      this.paint(slot, depth, length, leaf);
    }
  }

  /** The same below a slot of a skip, or below a node. */
  private paint(slot: number, depth: number, length: number, leaf: number): void {
    const cell = this.pool.cells[slot];
    if (isLeaf(cell)) {
      if (cell < (length + 1) << LENGTH_SHIFT) this.pool.cells[slot] = leaf;
    } else if (isNode(cell)) {
      this.paintChildren(cell, depth, 0, 1 << nodeBits(cell), length, leaf);
    } else {
      const base = baseOf(cell);
      this.paint(base + SKIP_MISS, depth, length, leaf);
      this.paint(base + SKIP_CHILD, -this.pool.cells[base + SKIP_DEPTH], length, leaf);
    }
  }

  /** Gives the slots on the way back their best form, until one stays as it is. */
  private tuneBack(key: number): void {
    while (this.height > 0) {
      const at = --this.height;
      const slot = this.slots[at];
      const cell = this.pool.cells[slot];
      const tuned = this.compression.tune(cell, this.depths[at], key);
      if (tuned === cell) return;
      this.store(slot, tuned, this.owners[at], this.ownerDepths[at]);
    }
  }

  /** Publishes a slot, and keeps the counters of the node it is a child of. */
  private store(slot: number, cell: number, owner: number, ownerDepth: number): void {
    const { cells } = this.pool;
    if (owner !== 0 && nodeBits(owner) > LINE_BITS) {
      const base = baseOf(owner);
      const end = ownerDepth + nodeBits(owner);
      const old = cells[slot];
      const other = cells[base + ((slot - base) ^ 1)];
      cells[base + FULL] += Number(isNode(cell)) - Number(isNode(old));
      cells[base + SPLIT] += Number(differs(cell, other, end)) - Number(differs(old, other, end));
    }
    Atomics.store(cells, slot, cell);
  }

  private push(slot: number, depth: number, owner: number, ownerDepth: number): void {
    const at = this.height++;
    this.slots[at] = slot;
    this.depths[at] = depth;
    this.owners[at] = owner;
    this.ownerDepths[at] = ownerDepth;
  }
}
