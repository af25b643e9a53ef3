/**
 * linear-fib.ts — the naive model FIB backends are judged by: a list of prefixes, searched from end to end. Slow, and
 * too simple to be wrong.
 */
import type { FibReader } from '../fib.ts';

export interface FibPrefix {
  /** int32, host bits 0. */
  readonly prefix: number;
  readonly length: number;
  readonly value: number;
}

/** The network mask of a prefix length, as int32. */
export function fibMask(length: number): number {
  return length === 0 ? 0 : (-1 << (32 - length)) | 0;
}

export class LinearFib implements FibReader {
  readonly entries: FibPrefix[] = [];

  lookup(address: number): number {
    return this.longest(address, 32)?.value ?? -1;
  }

  /** The longest prefix of at most `maxLength` bits that holds `address`. */
  longest(address: number, maxLength: number): FibPrefix | undefined {
    let best: FibPrefix | undefined;
    for (const entry of this.entries) {
      if (entry.length > maxLength || (address & fibMask(entry.length)) !== entry.prefix) continue;
      if (best === undefined || entry.length > best.length) best = entry;
    }
    return best;
  }

  insert(prefix: number, length: number, value: number): void {
    const at = this.find(prefix, length);
    if (at < 0) this.entries.push({ prefix, length, value });
    else this.entries[at] = { prefix, length, value };
  }

  remove(prefix: number, length: number): void {
    const at = this.find(prefix, length);
    if (at >= 0) this.entries.splice(at, 1);
  }

  has(prefix: number, length: number): boolean {
    return this.find(prefix, length) >= 0;
  }

  private find(prefix: number, length: number): number {
    return this.entries.findIndex((entry) => entry.prefix === prefix && entry.length === length);
  }
}
