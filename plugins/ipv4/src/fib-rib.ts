/**
 * fib-rib.ts — all prefixes of a table with their values, exactly: for changes, listings and the rare lookup in which
 * no alias of the longest prefix suits. The path asks the backend instead.
 */
import { inetMakeMask } from '@packetwalk/framework';

/** A prefix and its value. */
export interface RibEntry {
  readonly prefix: number;
  readonly length: number;
  readonly value: number;
}

/** Bytes that one entry of a Map from int32 to a small integer takes in V8, measured: used for the memory report only. */
const MAP_ENTRY_BYTES = 34;

export class FibRib {
  /** By prefix length. */
  private readonly byLength: Map<number, number>[] = Array.from({ length: 33 }, () => new Map());
  size = 0;

  /** Value of exactly this prefix, or -1. */
  find(prefix: number, length: number): number {
    return this.byLength[length].get(prefix) ?? -1;
  }

  set(prefix: number, length: number, value: number): void {
    const map = this.byLength[length];
    const before = map.size;
    map.set(prefix, value);
    this.size += map.size - before;
  }

  delete(prefix: number, length: number): void {
    if (this.byLength[length].delete(prefix)) this.size--;
  }

  clear(): void {
    for (const map of this.byLength) map.clear();
    this.size = 0;
  }

  /** Length of the longest prefix of at most `maxLength` bits that holds `address`, or -1. */
  longest(address: number, maxLength: number): number {
    for (let length = maxLength; length >= 0; length--) {
      const map = this.byLength[length];
      if (map.size !== 0 && map.has(address & inetMakeMask(length))) return length;
    }
    return -1;
  }

  /** All entries, in no order; entries may be set and deleted meanwhile. */
  *walk(): IterableIterator<RibEntry> {
    for (let length = 32; length >= 0; length--) {
      for (const [prefix, value] of this.byLength[length]) yield { prefix, length, value };
    }
  }

  /** All entries by rising prefix, longer lengths first: the order of a walk through the kernel's trie. */
  entries(): RibEntry[] {
    const all: RibEntry[] = [];
    for (let length = 0; length <= 32; length++) {
      for (const [prefix, value] of this.byLength[length]) all.push({ prefix, length, value });
    }
    return all.sort((a, b) => (a.prefix >>> 0) - (b.prefix >>> 0) || b.length - a.length);
  }

  /** Approximate bytes of the maps. */
  memory(): number {
    return this.size * MAP_ENTRY_BYTES;
  }
}
