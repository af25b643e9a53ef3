/**
 * cell.ts — what one int32 of the trie says. A slot (the root, a child of a node, the end of a skip) holds one of:
 *
 *             31   30 … 26   25                  0
 *     leaf   │ 0 │ length 30 … 25 │ value + 1     │      0: no route
 *     node   │ 1 │   shift  │ origin              │
 *     skip   │ 1 │    31    │ block               │
 *
 * A node at `depth` (address bits above it) has 2^bits children in a row from its base on. The child of an address is
 * at `origin + (address >>> shift)`, modulo 2^26: `shift` drops the bits below the node, and the origin is the base less
 * what the bits above the node add, which are the same for every address that comes by. So a step down needs neither a
 * mask nor the depth, and the half of a node has the very same word as the node.
 *
 *     skip block   +0   −depth at which the path goes on
 *                  +1   miss: the leaf of addresses that do not match, with bit 31 set
 *                  +2   key: the address bits above that depth
 *                  +3   child: the slot of addresses that match
 *
 * A step into a skip, taken for a node, finds +0 or +1: both negative, so the lookup sees that it is not at an end.
 *
 * Leaves are pushed down: every address ends in a leaf and nothing is looked up on the way back. A leaf knows the length
 * of its prefix, so a change can tell which leaves it may replace.
 */

export const ORIGIN_MASK = 0x3ffffff;
export const SHIFT_AT = 26;
const SKIP_SHIFT = 31;
const NEGATIVE: number = 1 << 31;

export const LENGTH_AT = 25;
export const VALUE_MASK = 0x1ffffff;
/** The leaf of addresses that no prefix holds. */
export const NO_ROUTE = 0;

export const SKIP_DEPTH = 0;
const SKIP_MISS = 1;
export const SKIP_KEY = 2;
export const SKIP_CHILD = 3;

/** Every skip word is at least this, every node word is less; leaves are not negative. */
const LOWEST_SKIP: number = -1 << SHIFT_AT;

/** The first `depth` bits of an address, the others 0. */
export function above(address: number, depth: number): number {
  return depth === 32 ? address : address & ~(-1 >>> depth);
}

export function isLeaf(cell: number): boolean {
  return cell >= 0;
}

export function leafOf(length: number, value: number): number {
  return (length << LENGTH_AT) | (value + 1);
}

export function leafLength(leaf: number): number {
  return leaf >> LENGTH_AT;
}

export function leafValue(leaf: number): number {
  return (leaf & VALUE_MASK) - 1;
}

export function isNode(cell: number): boolean {
  return cell < LOWEST_SKIP;
}

/** The word of a node on the path of `key`. */
export function nodeOf(base: number, depth: number, bits: number, key: number): number {
  const shift = 32 - depth - bits;
  return NEGATIVE | (shift << SHIFT_AT) | ((base - (above(key, depth) >>> shift)) & ORIGIN_MASK);
}

/** Depth below a node. */
export function nodeEnd(node: number): number {
  return 32 - ((node >>> SHIFT_AT) & 31);
}

/** Index of the first child. */
export function nodeBase(node: number, depth: number, key: number): number {
  return childSlot(node, above(key, depth));
}

/** Index of the child that an address goes to. */
export function childSlot(node: number, address: number): number {
  return (node + (address >>> (node >>> SHIFT_AT))) & ORIGIN_MASK;
}

/** `bits` bits of an address from `depth` on; `bits` may be 0. */
export function bitsAt(address: number, depth: number, bits: number): number {
  return ((address << depth) >>> 1) >>> (31 - bits);
}

export function isSkip(cell: number): boolean {
  return cell < 0 && cell >= LOWEST_SKIP;
}

export function skipOf(block: number): number {
  return NEGATIVE | (SKIP_SHIFT << SHIFT_AT) | block;
}

export function skipBlock(skip: number): number {
  return skip & ORIGIN_MASK;
}

export function skipMiss(cells: Int32Array, block: number): number {
  return cells[block + SKIP_MISS] & ~NEGATIVE;
}

export function setSkipMiss(cells: Int32Array, block: number, leaf: number): void {
  cells[block + SKIP_MISS] = leaf | NEGATIVE;
}
