/**
 * synthetic-routes.ts — a routing table like that of the internet, from a seed. Prefix lengths are distributed as in a full
 * table of 2025; short prefixes seldom overlap, longer ones lie side by side or inside shorter ones and mostly share
 * their next hop. At 900,000 prefixes about as many /16, /18 and /20 hold longer prefixes as in the real table (26, 63
 * and 141 thousand against 25, 65 and 141), and it paints 415 thousand intervals against 392.
 */
import { SeededRandom } from '../clock.ts';
import { fibMask } from './linear-fib.ts';

/** Prefixes of a table in the order of addresses, the shorter first. */
export interface RouteSet {
  readonly count: number;
  /** int32, host bits 0. */
  readonly prefixes: Int32Array;
  readonly lengths: Uint8Array;
  readonly values: Int32Array;
}

/** Prefixes per length from /8 on, of 901,899. */
const PER_LENGTH: readonly number[] = [
  16, 13, 38, 103, 299, 581, 1203, 2100, 13490, 8235, 13798, 24870, 42611, 50750, 108623, 96510, 537698, 20, 3, 11, 18, 17, 3, 3, 886,
];
const FIRST_LENGTH = 8;
/** Of a hundred prefixes, those that: keep out of space that is taken, lie beside one of their length, share its value. */
const ALONE = 99;
const BESIDE = 68;
const SAME_VALUE = 88;
const NEAR = 6;
/** Values, which stand for next hops. */
const VALUES = 64;

/** `count` prefixes; the values are below 64. The same seed gives the same table. */
export function syntheticRoutes(count: number, seed = 1): RouteSet {
  const random = new SeededRandom(seed);
  const below = (bound: number): number => random.below(bound);
  const prefixes = new Int32Array(count);
  const lengths = new Uint8Array(count);
  const values = new Int32Array(count);
  const taken = reservedSpace();
  const total = PER_LENGTH.reduce((sum, share) => sum + share, 0);
  let made = 0;

  for (const [index, share] of PER_LENGTH.entries()) {
    const length = FIRST_LENGTH + index;
    const mask = fibMask(length);
    const from = made;
    const last = index === PER_LENGTH.length - 1;
    const stop = last ? count : Math.min(count, from + Math.round((share * count) / total));
    const seen = new Set<number>();
    while (made < stop) {
      let prefix = random.int32();
      let kin = -1;
      if (length > 16 && made > from && below(100) < BESIDE) {
        kin = from + below(made - from);
        const steps = (1 + below(NEAR)) * (below(2) === 0 ? 1 : -1);
        prefix = prefixes[kin] + (steps << (32 - length));
      } else if (length > 16 && from > 0) {
        kin = below(from);
        prefix = prefixes[kin] | (prefix & ~fibMask(lengths[kin]));
      }
      prefix &= mask;
      const space = taken[prefix >>> 16];
      if (space === RESERVED || (length <= 16 && space === TAKEN && below(100) < ALONE) || seen.has(prefix)) continue;
      seen.add(prefix);
      if (length <= 16) taken.fill(TAKEN, prefix >>> 16, (prefix >>> 16) + (1 << (16 - length)));
      prefixes[made] = prefix;
      lengths[made] = length;
      values[made] = kin >= 0 && below(100) < SAME_VALUE ? values[kin] : below(VALUES);
      made++;
    }
  }
  return sortRoutes({ count, prefixes, lengths, values });
}

/** The same prefixes, each with a value of its own: its place in the table. */
export function withDistinctValues(routes: RouteSet): RouteSet {
  return { ...routes, values: Int32Array.from(routes.values, (_, index) => index) };
}

/** For each prefix of a sorted table, the index of the next shorter one that holds it, or -1. */
export function coversOf({ count, prefixes, lengths }: RouteSet): Int32Array {
  const covers = new Int32Array(count).fill(-1);
  const open: number[] = [];
  for (let i = 0; i < count; i++) {
    while (open.length > 0 && (prefixes[i] & fibMask(lengths[open[open.length - 1]])) !== prefixes[open[open.length - 1]]) open.pop();
    if (open.length > 0) covers[i] = open[open.length - 1];
    open.push(i);
  }
  return covers;
}

/** In the order of addresses, the shorter first. */
export function sortRoutes(routes: RouteSet): RouteSet {
  const order = Uint32Array.from(routes.prefixes, (_, index) => index);
  const { prefixes, lengths } = routes;
  order.sort((a, b) => (prefixes[a] >>> 0) - (prefixes[b] >>> 0) || lengths[a] - lengths[b]);
  return {
    count: routes.count,
    prefixes: Int32Array.from(order, (index) => routes.prefixes[index]),
    lengths: Uint8Array.from(order, (index) => routes.lengths[index]),
    values: Int32Array.from(order, (index) => routes.values[index]),
  };
}

const RESERVED = 2;
const TAKEN = 1;

/** A mark per /16: what nobody announces, "this network", private, loopback, multicast and above, is reserved. */
function reservedSpace(): Uint8Array {
  const taken = new Uint8Array(1 << 16);
  for (const network of [0, 10, 127]) taken.fill(RESERVED, network << 8, (network + 1) << 8);
  return taken.fill(RESERVED, 224 << 8);
}
