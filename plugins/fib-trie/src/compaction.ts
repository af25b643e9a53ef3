/**
 * compaction.ts — moves a trie to an array of its own size, block by block in the order of the addresses: what the free
 * lists scattered lies together again. Readers go on in the old array, which nobody changes any more.
 */
import { isLeaf, isNode, nodeBase, nodeEnd, nodeOf, SKIP_CHILD, SKIP_DEPTH, SKIP_KEY, skipBlock, skipOf } from './cell.ts';
import { type CellPool, LINE_BITS, REST, SKIP_BITS } from './cell-pool.ts';

/** Copies what the cell at `slot`, at depth 0, leads to into a new array of the pool. */
export function compact(pool: CellPool, slot: number): void {
  const old = pool.restart();
  const root = copy(old[slot], 0, 0, old, pool);
  pool.cells[slot] = root;
}

/** Copies a node or skip at `depth` on the path of `key`; returns its word in the new array. */
function copy(cell: number, depth: number, key: number, old: Int32Array, pool: CellPool): number {
  if (!isNode(cell)) {
    const from = skipBlock(cell);
    const block = copyBlock(from, SKIP_BITS, old, pool);
    const child = old[from + SKIP_CHILD];
    if (!isLeaf(child)) {
      const moved = copy(child, -old[from + SKIP_DEPTH], old[from + SKIP_KEY], old, pool);
      pool.cells[block + SKIP_CHILD] = moved;
    }
    return skipOf(block);
  }
  const from = nodeBase(cell, depth, key);
  const end = nodeEnd(cell);
  const base = copyBlock(from, end - depth, old, pool);
  const size = 1 << (end - depth);
  for (let i = 0; i < size; i++) {
    const child = old[from + i];
    if (child >= 0) continue;
    const moved = copy(child, end, key | (i << (32 - end)), old, pool);
    pool.cells[base + i] = moved;
  }
  return nodeOf(base, depth, end - depth, key);
}

function copyBlock(from: number, bits: number, old: Int32Array, pool: CellPool): number {
  const base = pool.allocate(bits);
  const { cells } = pool;
  const before = bits > LINE_BITS ? REST : 0;
  for (let i = before; i < 1 << bits; i++) cells[base + i] = old[from + i];
  return base;
}
