/**
 * painted-fib.ts — the answer of every address, painted: all prefixes in the order of their lengths onto one cell per
 * /24, and onto cells per address where a prefix is longer. Needs no algorithm to be right, only 64 MB.
 */
import type { FibReader } from '../fib.ts';
import type { RouteSet } from './synthetic-routes.ts';

const NO_ROUTE = -1;

export class PaintedFib implements FibReader {
  private readonly near: Int32Array = new Int32Array(1 << 24).fill(NO_ROUTE);
  private readonly far = new Map<number, Int32Array>();

  constructor({ count, prefixes, lengths, values }: RouteSet) {
    const byLength = Uint32Array.from({ length: count }, (_, index) => index).sort((a, b) => lengths[a] - lengths[b]);
    for (const index of byLength) {
      const first = prefixes[index] >>> 8;
      if (lengths[index] <= 24) {
        this.near.fill(values[index], first, first + 2 ** (24 - lengths[index]));
      } else {
        const from = prefixes[index] & 255;
        this.hosts(first).fill(values[index], from, from + 2 ** (32 - lengths[index]));
      }
    }
  }

  lookup(address: number): number {
    return this.far.get(address >>> 8)?.[address & 255] ?? this.near[address >>> 8];
  }

  private hosts(network: number): Int32Array {
    const hosts = this.far.get(network) ?? new Int32Array(256).fill(this.near[network]);
    this.far.set(network, hosts);
    return hosts;
  }
}
