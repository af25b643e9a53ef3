/** match/rate.ts — rates as `5/sec` or `7/min` (cf. iptables' libxt_limit.c). */
import { XtProblem } from '@packetwalk/framework';

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
