/**
 * tick.ts — times of pcapng: 64-bit counts of a unit that each interface chooses (if_tsresol), to and from seconds and
 * nanoseconds. A double holds 53 bits, so counts are taken apart in steps that stay exact; nothing is allocated.
 */
import type { CaptureFrame } from './frame.ts';

const SECOND = 1_000_000_000;
const WORD = 0x100000000;
const HALF = 0x10000;

export class TickScale {
  private readonly perSecond: number;
  /** Nanoseconds in a tick, or 0 when that is no whole number. */
  private readonly nanoseconds: number;
  private readonly exactPerSecond: bigint;
  private readonly offset: number;

  /**
   * @param tsresol if_tsresol: ticks are 10^-n s, or 2^-(n-128) s from 128 on
   * @param offset if_tsoffset: seconds to add
   */
  constructor(tsresol: number, offset: number) {
    const exponent = tsresol & 0x7f;
    const base = tsresol < 0x80 ? 10 : 2;
    this.perSecond = base ** exponent;
    this.nanoseconds = SECOND % this.perSecond === 0 ? SECOND / this.perSecond : 0;
    this.exactPerSecond = BigInt(base) ** BigInt(exponent);
    this.offset = offset;
  }

  /** Sets the time of `frame` from the two halves of a tick count. Finer than nanoseconds is cut off. */
  apply(frame: CaptureFrame, high: number, low: number): void {
    const { perSecond, nanoseconds } = this;
    if (nanoseconds === 0) {
      this.applyExactly(frame, high, low);
      return;
    }
    // Long division with 16-bit digits: a remainder is below 10^9, so each partial dividend is below 2^46.
    const q1 = Math.floor(high / perSecond);
    const d2 = (high - q1 * perSecond) * HALF + (low >>> 16);
    const q2 = Math.floor(d2 / perSecond);
    const d3 = (d2 - q2 * perSecond) * HALF + (low & 0xffff);
    const q3 = Math.floor(d3 / perSecond);
    frame.seconds = q1 * WORD + q2 * HALF + q3 + this.offset;
    frame.nanoseconds = (d3 - q3 * perSecond) * nanoseconds;
  }

  /** Units that nanoseconds are no multiple of: rare enough for big integers. */
  private applyExactly(frame: CaptureFrame, high: number, low: number): void {
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    const { exactPerSecond } = this;
    frame.seconds = Number(ticks / exactPerSecond) + this.offset;
    frame.nanoseconds = Number(((ticks % exactPerSecond) * BigInt(SECOND)) / exactPerSecond);
  }
}

/** Writes a time as a 64-bit count of nanoseconds, high word first, little-endian words, at `view[at]`. */
export function putNanosecondTicks(view: DataView, at: number, seconds: number, nanoseconds: number): void {
  // seconds · 10^9 = (upper · 2^16 + lower) · 10^9, and no sum below passes 2^48.
  const upper = Math.floor(seconds / HALF) * SECOND;
  const lower = (seconds % HALF) * SECOND + nanoseconds;
  const carried = Math.floor(upper / HALF);
  const rest = (upper - carried * HALF) * HALF + lower;
  view.setUint32(at, carried + Math.floor(rest / WORD), true);
  view.setUint32(at + 4, rest % WORD, true);
}
