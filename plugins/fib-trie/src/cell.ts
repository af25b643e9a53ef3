/**
 * cell.ts — what one int32 of the trie says. A slot (the root, a child of a node, the two ends of a skip) is one of:
 *
 *            31 30    26 25                                     0
 *     leaf   │0│ prefix length (6 bits, 30…25) │ value + 1 (25 bits) │     0: no route
 *     node   │1│ 31−bits │ base: index of the first of 2^bits children │
 *     skip   │1│   31    │ base: index of a skip block                 │
 *
 *     skip block   base+0 −depth  where the path goes on, in bits from the top of the address; negative as nodes are, so
 *                                 that a lookup which takes it for a child sees that it is not at the end
 *                  base+1 key     the address bits above that depth
 *                  base+2 miss    the leaf of every address that does not match the key
 *                  base+3 child   the slot of those that match
 *
 * Leaves are pushed down: every address ends in a leaf, nothing is looked up on the way back. A leaf knows the length
 * of its prefix, so an update can tell which leaves it may replace.
 */

export const BASE_MASK = 0x3ffffff;
export const BITS_SHIFT = 26;
const SKIP_CODE = 31;

export const LENGTH_SHIFT = 25;
export const VALUE_MASK = 0x1ffffff;
/** The leaf of addresses that no prefix holds. */
export const NO_ROUTE = 0;

export const SKIP_DEPTH = 0;
export const SKIP_KEY = 1;
export const SKIP_MISS = 2;
export const SKIP_CHILD = 3;

/** Every skip word is at least this, every node word is less; leaves are not negative. */
const LOWEST_SKIP: number = -1 << BITS_SHIFT;

export function leafOf(length: number, value: number): number {
  return (length << LENGTH_SHIFT) | (value + 1);
}

export function leafLength(leaf: number): number {
  return leaf >> LENGTH_SHIFT;
}

export function leafValue(leaf: number): number {
  return (leaf & VALUE_MASK) - 1;
}

export function nodeOf(bits: number, base: number): number {
  return ((31 - bits) << BITS_SHIFT) | base | (1 << 31);
}

export function nodeBits(node: number): number {
  return SKIP_CODE - ((node >>> BITS_SHIFT) & 31);
}

export function skipOf(base: number): number {
  return LOWEST_SKIP | base;
}

export function isLeaf(cell: number): boolean {
  return cell >= 0;
}

export function isNode(cell: number): boolean {
  return cell < LOWEST_SKIP;
}

export function isSkip(cell: number): boolean {
  return cell < 0 && cell >= LOWEST_SKIP;
}

export function baseOf(cell: number): number {
  return cell & BASE_MASK;
}

/** The child of a node at `depth` with 2^`bits` children that an address goes to; `bits` may be 0. */
export function childIndex(address: number, depth: number, bits: number): number {
  return ((address << depth) >>> 1) >>> (31 - bits);
}

/** True unless two neighbouring slots that end at `depth` are the same leaf of one prefix, so that one slot would do. */
export function differs(left: number, right: number, depth: number): boolean {
  return left !== right || left < 0 || left >> LENGTH_SHIFT === depth;
}
