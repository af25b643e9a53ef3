/**
 * proc/lc-trie.ts — the level-compressed trie that the kernel keeps its routes in, built from a table when somebody wants
 * to see it (S. Nilsson, G. Karlsson: "IP-address lookup using LC-tries", 1999; cf. Linux net/ipv4/fib_trie.c). Lookups
 * here go through the table's own backend.
 *
 *      bits of an address   31 …        pos+bits  …  pos …          0
 *                          +-----------+------------+--------------+
 *                          |  prefix   |   index    | of children  |
 *                          +-----------+------------+--------------+
 *
 * A node has 2^bits children and tests the bits from `pos` on; it grows by a bit when enough of its children would be in
 * use then, and shrinks by one when too few are. Bits that all keys below have in common are skipped.
 */

/** A key with what hangs on it. */
export interface TrieLeaf<T> {
  readonly kind: 'leaf';
  /** int32 */
  readonly key: number;
  readonly values: T[];
}

export interface TrieNode<T> {
  readonly kind: 'node';
  key: number;
  pos: number;
  bits: number;
  children: (TrieNode<T> | TrieLeaf<T> | null)[];
}

type Child<T> = TrieNode<T> | TrieLeaf<T> | null;

/** Percent of children in use: grow above, shrink below; the root is kept larger. */
const INFLATE_THRESHOLD = 50;
const INFLATE_THRESHOLD_ROOT = 30;
const HALVE_THRESHOLD = 25;
const HALVE_THRESHOLD_ROOT = 15;

/** Steps of growing or shrinking that one change may cause at a node. */
const MAX_WORK = 10;

const KEY_BITS = 32;

/** Children that are nodes with no bits skipped in front of them. */
export function fullChildren<T>(node: TrieNode<T>): number {
  return node.children.reduce((count, child) => (isFull(node, child) ? count + 1 : count), 0);
}

export function emptyChildren<T>(node: TrieNode<T>): number {
  return node.children.reduce((count, child) => (child === null ? count + 1 : count), 0);
}

function isFull<T>(parent: TrieNode<T>, child: Child<T>): child is TrieNode<T> {
  return child?.kind === 'node' && child.pos + child.bits === parent.pos;
}

/** The bits of `key` that choose a child. */
function index<T>(key: number, node: TrieNode<T>): number {
  return node.pos >= KEY_BITS ? 0 : ((key ^ node.key) >>> node.pos) & (2 ** node.bits - 1);
}

/** True when `key` differs from the node's in bits above those that it tests. */
function mismatch<T>(key: number, node: TrieNode<T>): boolean {
  const above = node.pos + node.bits;
  return above < KEY_BITS && (key ^ node.key) >>> above !== 0;
}

function newNode<T>(key: number, pos: number, bits: number): TrieNode<T> {
  const above = pos + bits;
  const prefix = above >= KEY_BITS ? 0 : key & (-1 << above);
  return { kind: 'node', key: prefix, pos, bits, children: new Array<Child<T>>(2 ** bits).fill(null) };
}

export class LcTrie<T> {
  root: Child<T> = null;

  /** The leaf of a key, made when there is none. */
  leaf(key: number): TrieLeaf<T> {
    const path: TrieNode<T>[] = [];
    let at: Child<T> = this.root;
    while (at?.kind === 'node' && !mismatch(key, at)) {
      path.push(at);
      at = at.children[index(key, at)];
    }
    if (at?.kind === 'leaf' && at.key === key) return at;
    const leaf: TrieLeaf<T> = { kind: 'leaf', key, values: [] };
    if (at === null) this.put(path.at(-1), key, leaf);
    else {
      // Something else is in its place: both go below a new node that tests the first bit in which they differ.
      const node = newNode<T>(key, 31 - Math.clz32(key ^ at.key), 1);
      node.children[index(at.key, node)] = at;
      node.children[index(key, node)] = leaf;
      this.put(path.at(-1), key, node);
      path.push(node);
    }
    this.rebalance(path);
    return leaf;
  }

  private put(parent: TrieNode<T> | undefined, key: number, child: Child<T>): void {
    if (parent === undefined) this.root = child;
    else parent.children[index(key, parent)] = child;
  }

  /** From the changed node up to the root, each node finds its size. */
  private rebalance(path: readonly TrieNode<T>[]): void {
    for (let i = path.length - 1; i >= 0; i--) this.put(path[i - 1], path[i].key, resize(path[i], i === 0));
  }
}

/** The node that takes its place: itself, larger, smaller, or its only child. */
function resize<T>(node: TrieNode<T>, root: boolean): Child<T> {
  let now = node;
  let work = MAX_WORK;
  for (; work > 0 && shouldInflate(now, root); work--) now = inflate(now);
  if (work !== MAX_WORK) return now;
  for (; work > 0 && shouldHalve(now, root); work--) now = halve(now);
  const used = now.children.filter((child) => child !== null);
  return used.length < 2 ? (used[0] ?? null) : now;
}

function shouldInflate<T>(node: TrieNode<T>, root: boolean): boolean {
  const size = node.children.length;
  const used = size - emptyChildren(node) + fullChildren(node);
  return used > 1 && node.pos > 0 && 50 * used >= size * (root ? INFLATE_THRESHOLD_ROOT : INFLATE_THRESHOLD);
}

function shouldHalve<T>(node: TrieNode<T>, root: boolean): boolean {
  const size = node.children.length;
  const used = size - emptyChildren(node);
  return used > 1 && node.bits > 1 && 100 * used < size * (root ? HALVE_THRESHOLD_ROOT : HALVE_THRESHOLD);
}

/** Twice the children: each full child is opened, or split in two. */
function inflate<T>(old: TrieNode<T>): TrieNode<T> {
  const node = newNode<T>(old.key, old.pos - 1, old.bits + 1);
  for (const child of old.children) {
    if (child === null) continue;
    if (!isFull(old, child)) node.children[index(child.key, node)] = child;
    else if (child.bits === 1) {
      const at = index(child.key, node) & ~1;
      [node.children[at], node.children[at + 1]] = child.children;
    } else split(child, node);
  }
  return resizeChildren(node);
}

/** Its two halves become children of `parent`; a half of one child only is that child. */
function split<T>(child: TrieNode<T>, parent: TrieNode<T>): void {
  const half = child.children.length / 2;
  const at = index(child.key, parent) & ~1;
  const high = (2 ** (child.pos + child.bits - 1)) | 0;
  for (const [i, key] of [child.key, child.key | high].entries()) {
    const node = newNode<T>(key, child.pos, child.bits - 1);
    node.children = child.children.slice(i * half, (i + 1) * half);
    parent.children[at + i] = node;
  }
}

/** Half the children: two neighbours that are both there go below a new node. */
function halve<T>(old: TrieNode<T>): TrieNode<T> {
  const node = newNode<T>(old.key, old.pos + 1, old.bits - 1);
  for (let i = 0; i < old.children.length; i += 2) {
    const [low, high] = [old.children[i], old.children[i + 1]];
    if (low === null || high === null) {
      node.children[i / 2] = low ?? high;
      continue;
    }
    const pair = newNode<T>(low.key, old.pos, 1);
    pair.children = [low, high];
    node.children[i / 2] = pair;
  }
  return resizeChildren(node);
}

function resizeChildren<T>(node: TrieNode<T>): TrieNode<T> {
  for (let i = node.children.length - 1; i >= 0; i--) {
    const child = node.children[i];
    if (isFull(node, child)) node.children[i] = resize(child, false);
  }
  return node;
}
