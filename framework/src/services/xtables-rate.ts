/**
 * services/xtables-rate.ts — rates as `5/sec` or `7/min`, and the bucket that keeps to one, for the limit matches of iptables and
 * ebtables (cf. iptables' libxt_limit.c and Linux net/netfilter/nft_limit.c).
 */
import { XtProblem } from './xtables.ts';

/** Rates are kept as the time that one packet takes, in units of 1/scale seconds: what is shown is what comes of that. */
const UNITS: readonly (readonly [string, number])[] = [
  ['day', 24 * 60 * 60],
  ['hour', 60 * 60],
  ['min', 60],
  ['sec', 1],
];

const NAMES = ['second', 'minute', 'hour', 'day'];
const SECONDS: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600, day: 86400 };

/** The time of one packet; the unit of time may be cut (`7/m`). Throws XtProblem for more than `scale` a second. */
export function parseRate(text: string, scale: number): number {
  const m = /^\s*(\d+)(?:\/(\w+))?$/.exec(text);
  const unit = m === null ? undefined : m[2] === undefined ? 'second' : NAMES.find((name) => name.startsWith(m[2].toLowerCase()));
  const rate = m === null ? 0 : Number(m[1]);
  if (unit === undefined || rate === 0) throw new XtProblem(`bad rate "${text}"'`);
  // More than one packet in the smallest time there is.
  if (rate / SECONDS[unit] > scale) throw new XtProblem(`Rate too fast "${text}"`);
  return Math.floor((SECONDS[unit] * scale) / rate);
}

/** How many in which unit: the largest unit that gives a whole number, or nearly. */
export function rateOf(period: number, scale: number): { count: number; unit: string; seconds: number } {
  let i = 1;
  for (; i < UNITS.length; i++) {
    const mult = UNITS[i][1] * scale;
    if (period > mult || Math.floor(mult / period) < mult % period) break;
  }
  const [unit, seconds] = UNITS[i - 1];
  return { count: Math.floor((seconds * scale) / period), unit, seconds };
}

/** `7/min` */
export function rateText(period: number, scale: number): string {
  const { count, unit } = rateOf(period, scale);
  return `${count}/${unit}`;
}

const NSEC_PER_SEC = 1e9;
const NSEC_PER_MSEC = 1e6;

/** A bucket of time, out of which each packet takes what it costs; it is full at first. */
export class RateBucket {
  /** What a packet takes, and what the bucket holds, in nanoseconds. */
  private readonly cost: number;
  private readonly full: number;
  private tokens: number;
  /** Time of the last look, in nanoseconds; -1 before the first. */
  private last = -1;

  /** @param period of {@link parseRate}; `scale` as there */
  constructor(period: number, scale: number, burst: number) {
    const { count, seconds } = rateOf(period, scale);
    this.cost = Math.floor((seconds * NSEC_PER_SEC) / count);
    this.full = this.cost * burst;
    this.tokens = this.full;
  }

  /** May a packet pass at this time, in milliseconds? Then it has. */
  take(jiffies: number): boolean {
    const now = jiffies * NSEC_PER_MSEC;
    if (this.last >= 0) this.tokens = Math.min(this.tokens + now - this.last, this.full);
    this.last = now;
    if (this.tokens < this.cost) return false;
    this.tokens -= this.cost;
    return true;
  }
}
