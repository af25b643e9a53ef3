/**
 * traces.ts — the addresses that are looked up: any address; an address of any prefix; and addresses of a million
 * destinations, asked for as often as Zipf's law has it (the n-th most wanted 1/n as often as the first).
 */
import { SeededRandom } from '@packetwalk/framework';
import { fibMask, type RouteSet } from '@packetwalk/framework/testing';

export const TRACES = ['uniform', 'prefixes', 'zipf'] as const;
export type TraceName = (typeof TRACES)[number];

const DESTINATIONS = 1_000_000;

/** `count` addresses; the same table gives the same trace. */
export function makeTrace(name: TraceName, routes: RouteSet, count: number): Int32Array {
  const random = new SeededRandom(1 + TRACES.indexOf(name));
  const ofPrefix = (): number => {
    const index = random.below(routes.count);
    return routes.prefixes[index] | (random.int32() & ~fibMask(routes.lengths[index]));
  };
  if (name === 'uniform') return fill(count, () => random.int32());
  if (name === 'prefixes') return fill(count, ofPrefix);
  const destinations = fill(DESTINATIONS, ofPrefix);
  const ranks = new Float64Array(DESTINATIONS);
  let sum = 0;
  for (let i = 0; i < DESTINATIONS; i++) {
    sum += 1 / (i + 1);
    ranks[i] = sum;
  }
  return fill(count, () => destinations[firstAtLeast(ranks, (random.below(0x40000000) / 0x40000000) * sum)]);
}

function fill(count: number, next: () => number): Int32Array {
  const addresses = new Int32Array(count);
  for (let i = 0; i < count; i++) addresses[i] = next();
  return addresses;
}

function firstAtLeast(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
