/**
 * trie-reader.ts — lookups in a trie of cells (cell.ts). Whoever changes the trie publishes each change with one store,
 * so a reader needs no lock: it may stand in another thread, over the same shared memory.
 */
import type { FibReader } from '@packetwalk/framework';
import { childSlot, isSkip, leafValue, SKIP_CHILD, SKIP_DEPTH, SKIP_KEY, skipBlock, skipMiss } from './cell.ts';

/** The cell that holds the root. */
export const ROOT_SLOT = 0;

export class TrieReader implements FibReader {
  protected cells: Int32Array;
  protected root: number;

  constructor(cells: Int32Array) {
    this.cells = cells;
    this.root = cells[ROOT_SLOT];
  }

  // The steps that nearly all addresses take are childSlot() and leafValue() by hand, with the numbers of cell.ts written
  // out: an imported constant is a load and a check at each use, and took a third of the lookups per second.

  lookup(address: number): number {
    const { cells, root } = this;
    let cell = cells[(root + (address >>> (root >>> 26))) & 0x3ffffff];
    if (cell < 0) {
      cell = cells[(cell + (address >>> (cell >>> 26))) & 0x3ffffff];
      if (cell < 0) return this.descend(address);
    }
    return (cell & 0x1ffffff) - 1;
  }

  /** In two passes, so that the loads of many addresses are under way at once. */
  lookupBatch(addresses: Int32Array, out: Int32Array, n: number): void {
    const { cells, root } = this;
    for (let i = 0; i < n; i++) out[i] = cells[(root + (addresses[i] >>> (root >>> 26))) & 0x3ffffff];
    for (let i = 0; i < n; i++) {
      let cell = out[i];
      if (cell < 0) cell = cells[(cell + (addresses[i] >>> (cell >>> 26))) & 0x3ffffff];
      out[i] = cell < 0 ? this.descend(addresses[i]) : (cell & 0x1ffffff) - 1;
    }
  }

  /** Nodes and skips that a lookup passes: what `fib_triestat` calls the depth of a leaf. */
  depth(address: number): number {
    let steps = 0;
    for (let cell = this.root; cell < 0; cell = this.step(cell, address)) steps++;
    return steps;
  }

  /** A lookup of any number of steps. */
  private descend(address: number): number {
    let cell = this.root;
    while (cell < 0) cell = this.step(cell, address);
    return leafValue(cell);
  }

  private step(cell: number, address: number): number {
    const { cells } = this;
    if (!isSkip(cell)) return cells[childSlot(cell, address)];
    const block = skipBlock(cell);
    const matches = (address ^ cells[block + SKIP_KEY]) >>> (32 + cells[block + SKIP_DEPTH]) === 0;
    return matches ? cells[block + SKIP_CHILD] : skipMiss(cells, block);
  }
}
