/**
 * replay.ts — sequence numbers: which ones were received, and the next to send (RFC 4303 §3.3.3, §3.4.3 and appendix A;
 * cf. Linux net/xfrm/xfrm_replay.c). Numbers are int32 that stand for unsigned ones.
 *
 * A window of more than 32, or with extended sequence numbers (ESN), is a ring of bits: `seq` is the newest number
 * received, its bit stands at `position`, the number before at the bit before.
 *
 *         … seq-2  seq-1   seq                seq-window+1 …
 *      +----+------+------+------+------+------+------+
 *      |    |  b   |  b   |  b   |  b   |  b   |  b   |       window bits, modulo
 *      +----+------+------+------+------+------+------+
 *                            ▲ position
 */

/** What a number that is checked turns out to be. */
export const REPLAY_OK = 0;
/** Older than the window, or 0, which nobody sends. */
export const REPLAY_OUTSIDE = 1;
/** Received before. */
export const REPLAY_SEEN = 2;

export interface Replay {
  /** Newest number received, and sent last. */
  seq: number;
  seqHi: number;
  oseq: number;
  oseqHi: number;
  /** 0: nothing is refused. */
  readonly window: number;
  /** The bits, as `ip xfrm state` shows them. */
  readonly bitmap: Int32Array;
  /** Is a number acceptable? {@link REPLAY_OK} or why not. */
  check(seq: number): number;
  /** Upper half of a received number; 0 without ESN. */
  highOf(seq: number): number;
  /** A number that was acceptable, and whose packet was authentic. */
  advance(seq: number): void;
  /** The next number to send is in `oseq`, `oseqHi`; false when there is none left (a new key is due). */
  next(mayWrap: boolean): boolean;
}

/** A window of up to 32, no ESN: bit n is the number `seq` − n. */
export class ReplayLegacy implements Replay {
  declare seq: number;
  declare seqHi: number;
  declare oseq: number;
  declare oseqHi: number;
  declare readonly window: number;
  readonly bitmap: Int32Array = new Int32Array(1);

  /** @param window 0–32 */
  constructor(window: number) {
    this.window = window;
    this.seq = 0;
    this.seqHi = 0;
    this.oseq = 0;
    this.oseqHi = 0;
  }

  check(seq: number): number {
    if (this.window === 0) return REPLAY_OK;
    if (seq === 0) return REPLAY_OUTSIDE;
    const age = this.seq >>> 0 < seq >>> 0 ? -1 : (this.seq - seq) >>> 0;
    if (age < 0) return REPLAY_OK;
    if (age >= this.window) return REPLAY_OUTSIDE;
    return (this.bitmap[0] & (1 << age)) === 0 ? REPLAY_OK : REPLAY_SEEN;
  }

  highOf(): number {
    return 0;
  }

  advance(seq: number): void {
    if (this.window === 0) return;
    if (this.seq >>> 0 < seq >>> 0) {
      const ahead = (seq - this.seq) >>> 0;
      this.bitmap[0] = ahead < this.window ? (this.bitmap[0] << ahead) | 1 : 1;
      this.seq = seq;
    } else {
      this.bitmap[0] |= 1 << (this.seq - seq);
    }
  }

  next(mayWrap: boolean): boolean {
    return nextLow(this, mayWrap);
  }
}

function nextLow(replay: Replay, mayWrap: boolean): boolean {
  const next = (replay.oseq + 1) | 0;
  if (next === 0 && !mayWrap) return false;
  replay.oseq = next;
  return true;
}

/** A ring of bits, with ESN or without. */
export class ReplayWindow implements Replay {
  declare seqHi: number;
  declare oseq: number;
  declare oseqHi: number;
  declare readonly window: number;
  declare readonly bitmap: Int32Array;
  private readonly esn: boolean;
  declare private newest: number;
  declare private position: number;

  /** @param window bits, 0–4096 */
  constructor(window: number, esn: boolean) {
    this.window = window;
    this.esn = esn;
    this.bitmap = new Int32Array((window + 31) >> 5);
    this.newest = 0;
    this.position = Math.max(0, window - 1);
    this.seqHi = 0;
    this.oseq = 0;
    this.oseqHi = 0;
  }

  get seq(): number {
    return this.newest;
  }

  /** Where an administrator wants it to go on. */
  set seq(seq: number) {
    this.newest = seq;
    if (this.window > 0) this.position = ((seq - 1) >>> 0) % this.window;
  }

  check(seq: number): number {
    if (this.window === 0) return REPLAY_OK;
    // Numbers begin with 1: 0 and what would be below it are nobody's.
    if (this.seqHi === 0 && (seq === 0 ? this.highOf(seq) <= 0 : this.highOf(seq) < 0)) return REPLAY_OUTSIDE;
    const age = this.ageOf(seq);
    if (age < 0) return REPLAY_OK;
    if (age >= this.window) return REPLAY_OUTSIDE;
    const bit = this.bitOf(-age);
    return (this.bitmap[bit >>> 5] & (1 << (bit & 31))) === 0 ? REPLAY_OK : REPLAY_SEEN;
  }

  highOf(seq: number): number {
    if (!this.esn) return 0;
    const newest = this.newest >>> 0;
    const bottom = (newest - this.window + 1) >>> 0;
    // Appendix A2.2: the window lies in one stretch of 2^32 numbers (A), or in two (B).
    if (newest >= this.window - 1) return seq >>> 0 < bottom ? (this.seqHi + 1) | 0 : this.seqHi;
    return seq >>> 0 >= bottom ? (this.seqHi - 1) | 0 : this.seqHi;
  }

  advance(seq: number): void {
    const { window, bitmap } = this;
    if (window === 0) return;
    const age = this.ageOf(seq);
    if (age >= 0) {
      this.mark(this.bitOf(-age));
      return;
    }
    const high = this.highOf(seq);
    if (-age >= window) bitmap.fill(0);
    else {
      for (let i = 1; i < -age; i++) {
        const bit = this.bitOf(i);
        bitmap[bit >>> 5] &= ~(1 << (bit & 31));
      }
    }
    this.position = this.bitOf(-age);
    this.newest = seq;
    this.seqHi = high;
    this.mark(this.position);
  }

  next(mayWrap: boolean): boolean {
    if (!this.esn) return nextLow(this, mayWrap);
    const low = (this.oseq + 1) | 0;
    const high = low === 0 ? (this.oseqHi + 1) | 0 : this.oseqHi;
    if (low === 0 && high === 0) return false;
    this.oseq = low;
    this.oseqHi = high;
    return true;
  }

  /** How much older than the newest a number is; negative: newer. */
  private ageOf(seq: number): number {
    const from = this.newest >>> 0;
    const to = seq >>> 0;
    if (!this.esn) return from - to;
    const high = (this.highOf(seq) - this.seqHi) | 0;
    return from - to - high * 0x100000000;
  }

  /** The bit so many numbers behind the newest (negative: before). */
  private bitOf(ahead: number): number {
    const bit = (this.position + ahead) % this.window;
    return bit < 0 ? bit + this.window : bit;
  }

  private mark(bit: number): void {
    this.bitmap[bit >>> 5] |= 1 << (bit & 31);
  }
}

/** What a state's window and flags ask for (xfrm_init_replay). */
export function createReplay(window: number, esn: boolean): Replay {
  return window <= 32 && !esn ? new ReplayLegacy(window) : new ReplayWindow(window, esn);
}
