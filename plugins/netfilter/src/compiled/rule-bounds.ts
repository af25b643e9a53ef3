/**
 * compiled/rule-bounds.ts — what a rule certainly asks of the fields that compiled chains go by: a packet outside these
 * bounds cannot match. Less than the rule asks is allowed, more is not.
 */
import type { XtPortBounds } from '@packetwalk/framework';
import { inetMaskLen } from '@packetwalk/framework';
import { IPT_INV_DSTIP, IPT_INV_PROTO, IPT_INV_SRCIP } from '../ip-entry.ts';
import type { Rule } from '../rule.ts';

/** Inclusive pairs of int32, ascending and apart; null: any value. */
export type Bounds = readonly number[] | null;

export interface RuleBounds {
  /** Addresses as {@link ordered} numbers. */
  readonly saddr: Bounds;
  readonly daddr: Bounds;
  readonly sport: Bounds;
  readonly dport: Bounds;
}

const MIN = -0x80000000;
const MAX = 0x7fffffff;

/** An address as an int32 that compares as the address does. */
export function ordered(address: number): number {
  return address ^ MIN;
}

function prefixBounds(address: number, mask: number, inverted: boolean): Bounds {
  if (mask === 0 && !inverted) return null;
  // A mask with holes is not a range: only the rule itself can tell.
  if (inetMaskLen(mask) < 0) return null;
  const low = ordered(address & mask);
  const high = ordered((address & mask) | ~mask);
  if (!inverted) return [low, high];
  const outside: number[] = [];
  if (low > MIN) outside.push(MIN, low - 1);
  if (high < MAX) outside.push(high + 1, MAX);
  return outside;
}

/** Values that are in both. */
export function intersect(a: Bounds, b: Bounds): Bounds {
  if (a === null) return b;
  if (b === null) return a;
  const both: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const low = Math.max(a[i], b[j]);
    const high = Math.min(a[i + 1], b[j + 1]);
    if (low <= high) both.push(low, high);
    if (a[i + 1] < b[j + 1]) i += 2;
    else j += 2;
  }
  return both;
}

/** What the rule's addresses and its matches on ports ask for. */
export function ruleBounds({ entry, matches }: Rule): RuleBounds {
  let sport: Bounds = null;
  let dport: Bounds = null;
  for (const { match, data } of matches) {
    // Behind a match that counts or learns, the rule must be asked: that match has to see the packet.
    if (match.pure !== true) break;
    const ports: XtPortBounds | null = match.ports?.(data) ?? null;
    if (ports === null) continue;
    sport = intersect(sport, ports.sport);
    dport = intersect(dport, ports.dport);
  }
  return {
    saddr: prefixBounds(entry.saddr, entry.smask, (entry.invert & IPT_INV_SRCIP) !== 0),
    daddr: prefixBounds(entry.daddr, entry.dmask, (entry.invert & IPT_INV_DSTIP) !== 0),
    sport,
    dport,
  };
}

/** May a packet of this protocol match? */
export function allowsProtocol({ entry }: Rule, protocol: number): boolean {
  return entry.protocol === 0 || (entry.protocol === protocol) !== ((entry.invert & IPT_INV_PROTO) !== 0);
}
