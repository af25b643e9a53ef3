/**
 * proc/fib-trie.ts — /proc/net/fib_trie and /proc/net/fib_triestat: the tables as the trie that the kernel would keep them
 * in, with the sizes it would have there (cf. Linux net/ipv4/fib_trie.c fib_trie_seq_show, fib_triestat_seq_show).
 */
import { formatIpv4, inetMakeMask, RT_TABLE_LOCAL, RT_TABLE_MAIN } from '@packetwalk/framework';
import type { Fib } from '../fib.ts';
import type { FibAlias } from '../fib-alias.ts';
import { scopeName, typeName } from '../iproute/route-types.ts';
import { emptyChildren, fullChildren, LcTrie, type TrieLeaf, type TrieNode } from './lc-trie.ts';

interface Prefix {
  readonly length: number;
  readonly alias: FibAlias;
}

type RouteTrie = LcTrie<Prefix>;

/** Bytes of the kernel's structures on a 64-bit machine: leaf, node without children, pointer, alias. */
const LEAF_BYTES = 48;
const NODE_BYTES = 40;
const POINTER_BYTES = 8;
const ALIAS_BYTES = 56;

interface NamedTrie {
  readonly name: string;
  readonly trie: RouteTrie;
}

/** The tables with their tries, in the kernel's order. Until somebody makes rules, `local` lies inside `main`. */
function namedTries(fib: Fib): NamedTrie[] {
  const shared = fib.rules.unmerged ? null : trieOf(fib, [RT_TABLE_LOCAL, RT_TABLE_MAIN]);
  return fib.dumpOrder().map(({ id }) => {
    if (id === RT_TABLE_LOCAL) return { name: 'Local:', trie: shared ?? trieOf(fib, [id]) };
    if (id === RT_TABLE_MAIN) return { name: 'Main:', trie: shared ?? trieOf(fib, [id]) };
    return { name: `Id ${id}:`, trie: trieOf(fib, [id]) };
  });
}

function trieOf(fib: Fib, ids: readonly number[]): RouteTrie {
  const trie: RouteTrie = new LcTrie();
  for (const id of ids) {
    const table = fib.table(id);
    if (table === undefined) continue;
    for (const { prefix, length, alias } of fib.routes(table)) trie.leaf(prefix & inetMakeMask(length)).values.push({ length, alias });
  }
  return trie;
}

/** Text of /proc/net/fib_trie. */
export function procNetFibTrie(fib: Fib): string {
  let text = '';
  for (const { name, trie } of namedTries(fib)) {
    text += `${name}\n`;
    walk(trie, (item, depth) => {
      text += item.kind === 'node' ? nodeLine(item, depth) : leafLines(item, depth);
    });
  }
  return text;
}

/** Visits nodes before their children; the root has depth 1, and a leaf without any node above has 0. */
function walk(trie: RouteTrie, visit: (item: TrieNode<Prefix> | TrieLeaf<Prefix>, depth: number) => void): void {
  const descend = (item: TrieNode<Prefix> | TrieLeaf<Prefix> | null, depth: number): void => {
    if (item === null) return;
    if (item.kind === 'leaf') {
      visit(item, depth);
      return;
    }
    visit(item, depth + 1);
    for (const child of item.children) descend(child, depth + 1);
  };
  descend(trie.root, 0);
}

const indent = (depth: number): string => '   '.repeat(depth);

function nodeLine(node: TrieNode<Prefix>, depth: number): string {
  const length = 32 - node.pos - node.bits;
  return `${indent(depth - 1)}  +-- ${formatIpv4(node.key)}/${length} ${node.bits} ${fullChildren(node)} ${emptyChildren(node)}\n`;
}

function leafLines(leaf: TrieLeaf<Prefix>, depth: number): string {
  let text = `${indent(depth)}  |-- ${formatIpv4(leaf.key)}\n`;
  for (const { length, alias } of [...leaf.values].sort((a, b) => b.length - a.length)) {
    const tos = alias.tos === 0 ? '' : ` tos=${alias.tos}`;
    text += `${indent(depth + 1)}  /${length} ${scope(alias.fi.scope)} ${typeName(alias.type).toUpperCase()}${tos}\n`;
  }
  return text;
}

/** Scopes have the kernel's names here, not those of iproute2. */
function scope(value: number): string {
  return value === 0 ? 'universe' : scopeName(value);
}

/** Text of /proc/net/fib_triestat. */
export function procNetFibTriestat(fib: Fib): string {
  const head = `Basic info: size of leaf: ${LEAF_BYTES} bytes, size of tnode: ${NODE_BYTES} bytes.\n`;
  return (
    head +
    namedTries(fib)
      .map(({ name, trie }) => `${name}\n${statText(trie)}`)
      .join('')
  );
}

function statText(trie: RouteTrie): string {
  let leaves = 0;
  let prefixes = 0;
  let nodes = 0;
  let pointers = 0;
  let nulls = 0;
  let depths = 0;
  let deepest = 0;
  const bySize = new Map<number, number>();
  walk(trie, (item, depth) => {
    if (item.kind === 'leaf') {
      leaves++;
      prefixes += item.values.length;
      depths += depth;
      deepest = Math.max(deepest, depth);
      return;
    }
    nodes++;
    pointers += item.children.length;
    nulls += emptyChildren(item);
    bySize.set(item.bits, (bySize.get(item.bits) ?? 0) + 1);
  });
  const average = leaves === 0 ? 0 : Math.floor((depths * 100) / leaves);
  const bytes = leaves * LEAF_BYTES + prefixes * ALIAS_BYTES + nodes * NODE_BYTES + pointers * POINTER_BYTES;
  const sizes = [...bySize].sort(([a], [b]) => a - b).map(([bits, count]) => `  ${bits}: ${count}`);
  return [
    `\tAver depth:     ${Math.floor(average / 100)}.${String(average % 100).padStart(2, '0')}`,
    `\tMax depth:      ${deepest}`,
    `\tLeaves:         ${leaves}`,
    `\tPrefixes:       ${prefixes}`,
    `\tInternal nodes: ${nodes}`,
    `\t${sizes.join('')}`,
    `\tPointers: ${pointers}`,
    `Null ptrs: ${nulls}`,
    `Total size: ${Math.ceil(bytes / 1024)}  kB`,
    '',
  ].join('\n');
}
