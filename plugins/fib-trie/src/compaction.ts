/**
 * compaction.ts — moves a trie to an array of its own size, block by block in the order of the addresses: what the free
 * lists scattered lies together again. Readers go on in the old array, which nobody changes any more.
 */
import { isLeaf, isNode, nodeBase, nodeEnd, nodeOf, SKIP_CHILD, SKIP_DEPTH, SKIP_KEY, skipBlock, skipOf } from './cell.ts';
import { type CellPool, FULL, LINE_BITS, SKIP_BITS, SPLIT } from './cell-pool.ts';

/** Copies what the cell at `slot`, at depth 0, leads to into a new array of the pool. */
export function compact(pool: CellPool, slot: number): void {
  const old = pool.restart();
  const root = copy(old[slot], 0, 0, old, pool);
  pool.cells[slot] = root;
}

function copy(cell: number, depth: number, key: number, old: Int32Array, pool: CellPool): number {
  if (isLeaf(cell)) return cell;
  if (!isNode(cell)) {
    const from = skipBlock(cell);
    const child = copy(old[from + SKIP_CHILD], -old[from + SKIP_DEPTH], old[from + SKIP_KEY], old, pool);
    const block = pool.allocate(SKIP_BITS);
    for (let i = 0; i < SKIP_CHILD; i++) pool.cells[block + i] = old[from + i];
    pool.cells[block + SKIP_CHILD] = child;
    return skipOf(block);
  }
  const from = nodeBase(cell, depth, key);
  const end = nodeEnd(cell);
  const bits = end - depth;
  const base = pool.allocate(bits);
  if (bits > LINE_BITS) {
    pool.cells[base + FULL] = old[from + FULL];
    pool.cells[base + SPLIT] = old[from + SPLIT];
  }
  for (let i = 0; i < 1 << bits; i++) {
    const child = copy(old[from + i], end, key | (i << (32 - end)), old, pool);
    pool.cells[base + i] = child;
  }
  return nodeOf(base, depth, bits, key);
}
