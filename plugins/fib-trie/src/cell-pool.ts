/**
 * cell-pool.ts — blocks of cells for the trie's nodes, out of one growing Int32Array.
 *
 *     cells   │ 0: root slot … 15 │ block │ block │ … │ not used yet │
 *
 * A node of up to 4 bits is a block of 2^bits cells: one cache line at most. A larger one has a line in front of its
 * children for a counter at base−1. Blocks that are free hang in a list per size, linked through their
 * first cell. A block that readers may still look at is retired, and freed when the storage says that they are gone.
 * Free neighbours are not joined: when too much lies free, the whole trie moves to a new array (compaction.ts).
 */
import type { FibStorage } from '@packetwalk/framework';

/** Bits of the largest node that fits a cache line of 64 bytes. */
export const LINE_BITS = 4;
const LINE_CELLS: number = 1 << LINE_BITS;
/** Where a larger node has the number of changes of its slots before it is looked over again, from its base. */
export const REST = -1;
/** Size class of a skip block. */
export const SKIP_BITS = 2;

const CELLS_AT_START = 128;
/** A pool that is full grows by a quarter: what is not used costs memory in every table. */
const GROWTH = 1.25;
/** A quarter of the used cells may lie free before the trie moves, in arrays worth the trouble. */
const FREE_SHARE = 4;
const CROWDED_CELLS = 4096;
const CELLS_MAX: number = 1 << 26;
const SIZES = 32;

export class CellPool {
  cells: Int32Array;
  private readonly storage: FibStorage;
  private used: number = LINE_CELLS;
  private freeCells = 0;
  /** First free block per size; 0 for none. */
  private readonly free: Int32Array = new Int32Array(SIZES);
  /** What is left of a large free block that is being cut into small ones. */
  private cutFrom = 0;
  private cutEnd = 0;
  /** Pairs of base and bits, and how many numbers that is; lists that were worked off wait to be used again. */
  private retired: number[] = [];
  private retiredCount = 0;
  private readonly spareLists: number[][] = [];
  /** Blocks of an array that was left behind are not freed. */
  private restarts = 0;

  constructor(storage: FibStorage) {
    this.storage = storage;
    this.cells = storage.int32('cells', CELLS_AT_START);
  }

  /** A block for a node of `bits`; its cells hold anything. */
  allocate(bits: number): number {
    const head = this.free[bits];
    if (head !== 0) {
      this.free[bits] = this.cells[head];
      this.freeCells -= blockCells(bits);
      return bits > LINE_BITS ? this.openLarge(head) : head;
    }
    if (bits > LINE_BITS) return this.openLarge(this.extend(blockCells(bits)));
    if (bits < LINE_BITS) {
      const twice = this.allocate(bits + 1);
      this.release(twice + (1 << bits), bits);
      return twice;
    }
    if (this.cutFrom === this.cutEnd && !this.cutNext()) return this.extend(LINE_CELLS);
    const line = this.cutFrom;
    this.cutFrom += LINE_CELLS;
    this.freeCells -= LINE_CELLS;
    return line;
  }

  /** Gives a block back once nobody can be reading it. */
  retire(base: number, bits: number): void {
    this.retired[this.retiredCount++] = base;
    this.retired[this.retiredCount++] = bits;
  }

  /** Ends a change: what it retired may go as soon as the readers of today are done. */
  flush(): void {
    if (this.retiredCount === 0) return;
    const { retired, retiredCount, restarts } = this;
    this.retired = this.spareLists.pop() ?? [];
    this.retiredCount = 0;
    this.storage.quiesce(() => {
      if (restarts === this.restarts) for (let i = 0; i < retiredCount; i += 2) this.release(retired[i], retired[i + 1]);
      this.spareLists.push(retired);
    });
  }

  /** True when compaction would make the array a good deal smaller. */
  get isScattered(): boolean {
    return this.used > CROWDED_CELLS && this.freeCells * FREE_SHARE > this.used;
  }

  /** Starts over in a new array with room for the cells in use, and gives the old one back. */
  restart(): Int32Array {
    const old = this.cells;
    this.cells = this.storage.int32('cells', roundUp((this.used - this.freeCells) * GROWTH));
    this.restarts++;
    this.used = LINE_CELLS;
    this.free.fill(0);
    this.freeCells = 0;
    this.cutFrom = 0;
    this.cutEnd = 0;
    return old;
  }

  private openLarge(start: number): number {
    this.cells[start + LINE_CELLS + REST] = 0;
    return start + LINE_CELLS;
  }

  private release(base: number, bits: number): void {
    const start = bits > LINE_BITS ? base - LINE_CELLS : base;
    this.cells[start] = this.free[bits];
    this.free[bits] = start;
    this.freeCells += blockCells(bits);
  }

  /** Takes the largest free block apart. */
  private cutNext(): boolean {
    for (let bits = SIZES - 1; bits > LINE_BITS; bits--) {
      const start = this.free[bits];
      if (start === 0) continue;
      this.free[bits] = this.cells[start];
      this.cutFrom = start;
      this.cutEnd = start + blockCells(bits);
      return true;
    }
    return false;
  }

  private extend(count: number): number {
    const start = this.used;
    const needed = start + count;
    if (needed > this.cells.length) this.grow(needed);
    this.used = needed;
    return start;
  }

  private grow(needed: number): void {
    if (needed > CELLS_MAX) throw new RangeError(`fib-trie: table needs more than ${CELLS_MAX} cells`);
    const length = Math.min(CELLS_MAX, Math.max(needed, roundUp(this.cells.length * GROWTH)));
    const cells = this.storage.int32('cells', length);
    cells.set(this.cells);
    this.cells = cells;
    this.storage.publish();
  }
}

function blockCells(bits: number): number {
  return bits > LINE_BITS ? LINE_CELLS + (1 << bits) : 1 << bits;
}

function roundUp(cells: number): number {
  return Math.ceil(cells / LINE_CELLS) * LINE_CELLS;
}
