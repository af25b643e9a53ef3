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
  above,
  bitsAt,
  childSlot,
  isLeaf,
  isNode,
  LENGTH_AT,
  leafOf,
  NO_ROUTE,
  nodeBase,
  nodeEnd,
  nodeOf,
  SKIP_CHILD,
  SKIP_DEPTH,
  SKIP_KEY,
  setSkipMiss,
  skipBlock,
  skipMiss,
} from './cell.ts';
import { CellPool, LINE_BITS, REST, SKIP_BITS } from './cell-pool.ts';
import { compact } from './compaction.ts';
import { Compression, ROOT_MIN_BITS } from './compression.ts';
import { ROOT_SLOT, TrieReader } from './trie-reader.ts';

export class FibTrie extends TrieReader implements FibBackend {
  private readonly storage: FibStorage;
  private pool: CellPool;
  private compression: Compression;

  // The way down of the change at work: slots, their depths, and the node (bits, base) each is a child of; 0 bits: none.
  private readonly slots: Int32Array = new Int32Array(33);
  private readonly depths: Int32Array = new Int32Array(33);
  private readonly ownerBits: Int32Array = new Int32Array(33);
  private readonly ownerBases: Int32Array = new Int32Array(33);
  private height = 0;

  constructor(storage: FibStorage) {
    const pool = new CellPool(storage);
    super(pool.cells);
    this.storage = storage;
    this.pool = pool;
    this.compression = new Compression(pool);
    this.plantRoot();
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
    return this.pool.cells.byteLength;
  }

  private plantRoot(): void {
    const base = this.pool.allocate(ROOT_MIN_BITS);
    this.pool.cells.fill(NO_ROUTE, base, base + (1 << ROOT_MIN_BITS));
    this.pool.cells[ROOT_SLOT] = nodeOf(base, 0, ROOT_MIN_BITS, 0);
    this.openForLookups();
  }

  private openForLookups(): void {
    this.cells = this.pool.cells;
    this.root = this.cells[ROOT_SLOT];
  }

  /** Makes `leaf` the answer where `prefix` is the longest so far; when adding, makes the slots for it first. */
  private change(prefix: number, length: number, leaf: number, adding: boolean): void {
    this.height = 0;
    const reshaped = this.walk(prefix, length, leaf, adding);
    if (reshaped || !adding) this.tuneBack(prefix);
    this.pool.flush();
    if (this.pool.isScattered) {
      compact(this.pool, ROOT_SLOT);
      this.storage.publish();
    }
    this.openForLookups();
  }

  /** Descends and changes leaves. True when a slot got a new shape that the nodes above may answer to. */
  private walk(prefix: number, length: number, leaf: number, adding: boolean): boolean {
    let slot = ROOT_SLOT;
    let depth = 0;
    let ownerBits = 0;
    let ownerBase = 0;
    for (;;) {
      const cell = this.pool.cells[slot];
      if (isLeaf(cell)) {
        if (adding) this.store(slot, this.compression.link(depth, length, prefix, cell, leaf), ownerBits, ownerBase);
        return adding;
      }
      if (isNode(cell)) {
        this.push(slot, depth, ownerBits, ownerBase);
        const end = nodeEnd(cell);
        ownerBits = end - depth;
        ownerBase = nodeBase(cell, depth, prefix);
        if (length <= end) {
          const first = childSlot(cell, prefix);
          this.paintChildren(first, first + (1 << (end - length)), end, ownerBits, ownerBase, prefix, length, leaf);
          return false;
        }
        slot = childSlot(cell, prefix);
        depth = end;
        continue;
      }
      const block = skipBlock(cell);
      const to = -this.pool.cells[block + SKIP_DEPTH];
      const common = Math.min(length, to, Math.clz32(prefix ^ this.pool.cells[block + SKIP_KEY]));
      if (common < to) {
        if (adding) this.store(slot, this.branch(block, depth, common, prefix, length, leaf), ownerBits, ownerBase);
        return adding;
      }
      this.push(slot, depth, ownerBits, ownerBase);
      ownerBits = 0;
      slot = block + SKIP_CHILD;
      depth = to;
      if (length === to) {
        this.paint(slot, to, 0, 0, prefix, length, leaf);
        return false;
      }
    }
  }

  /** A skip that `prefix` leaves at depth `common`, or ends at: the cell that takes its place. */
  private branch(block: number, depth: number, common: number, prefix: number, length: number, leaf: number): number {
    const { compression, pool } = this;
    const to = -pool.cells[block + SKIP_DEPTH];
    const key = pool.cells[block + SKIP_KEY];
    const miss = skipMiss(pool.cells, block);
    pool.retire(block, SKIP_BITS);
    let sub: number;
    if (common === length) {
      this.paint(block + SKIP_CHILD, to, 0, 0, key, length, leaf);
      sub = compression.link(common, to, key, leaf, pool.cells[block + SKIP_CHILD]);
    } else {
      const kept = compression.link(common + 1, to, key, miss, pool.cells[block + SKIP_CHILD]);
      const added = compression.link(common + 1, length, prefix, miss, leaf);
      const fork = pool.allocate(1);
      const side = bitsAt(prefix, common, 1);
      pool.cells[fork + side] = added;
      pool.cells[fork + 1 - side] = kept;
      sub = nodeOf(fork, common, 1, prefix);
    }
    const tuned = compression.tune(sub, common, prefix);
    return compression.tune(compression.link(depth, common, prefix, miss, tuned), depth, prefix);
  }

  /** Replaces the leaves of prefixes up to `length` bits long in the slots of a node from `first` to before `stop`. */
  private paintChildren(
    first: number,
    stop: number,
    depth: number,
    ownerBits: number,
    ownerBase: number,
    key: number,
    length: number,
    leaf: number,
  ): void {
    for (let slot = first; slot < stop; slot++) {
      const path = ownerBits === depth ? 0 : above(key, depth - ownerBits);
      this.paint(slot, depth, ownerBits, ownerBase, path | ((slot - ownerBase) << (32 - depth)), length, leaf);
    }
  }

  /** The same in one slot and below it. */
  private paint(slot: number, depth: number, ownerBits: number, ownerBase: number, key: number, length: number, leaf: number): void {
    const { cells } = this.pool;
    const cell = cells[slot];
    if (isLeaf(cell)) {
      if (cell < (length + 1) << LENGTH_AT) this.store(slot, leaf, ownerBits, ownerBase);
    } else if (isNode(cell)) {
      const base = nodeBase(cell, depth, key);
      const end = nodeEnd(cell);
      this.paintChildren(base, base + (1 << (end - depth)), end, end - depth, base, key, length, leaf);
    } else {
      const block = skipBlock(cell);
      if (skipMiss(cells, block) < (length + 1) << LENGTH_AT) setSkipMiss(cells, block, leaf);
      this.paint(block + SKIP_CHILD, -cells[block + SKIP_DEPTH], 0, 0, cells[block + SKIP_KEY], length, leaf);
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
      this.store(slot, tuned, this.ownerBits[at], this.ownerBases[at]);
    }
  }

  /** Publishes a slot, and counts the change in the node it is a child of. */
  private store(slot: number, cell: number, ownerBits: number, ownerBase: number): void {
    const { cells } = this.pool;
    if (ownerBits > LINE_BITS) cells[ownerBase + REST]--;
    Atomics.store(cells, slot, cell);
  }

  private push(slot: number, depth: number, ownerBits: number, ownerBase: number): void {
    const at = this.height++;
    this.slots[at] = slot;
    this.depths[at] = depth;
    this.ownerBits[at] = ownerBits;
    this.ownerBases[at] = ownerBase;
  }
}
