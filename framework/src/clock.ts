/**
 * clock.ts — time, as an argument. The framework never reads the host's clock: a router in virtual time runs the
 * same code, and a run is a function of its inputs.
 */

export interface Clock {
  /** True when time moves only when somebody advances it. */
  readonly virtual: boolean;
  /** Milliseconds since an arbitrary start, never falling; fractions count. */
  now(): number;
  /** Milliseconds since 1970, for time stamps that people see. */
  wallClock(): number;
  /** Asks for one call of `fire` at `at` (as `now()` counts), replacing the alarm before; Infinity takes it back. */
  alarm(at: number, fire: () => void): void;
}

/** Time that stands still until it is advanced. Starts at 0, or at a chosen wall time. */
export class VirtualClock implements Clock {
  readonly virtual = true;
  private time = 0;
  private readonly epoch: number;

  /** @param epoch wall-clock milliseconds at time 0 */
  constructor(epoch = 0) {
    this.epoch = epoch;
  }

  now(): number {
    return this.time;
  }

  wallClock(): number {
    return this.epoch + this.time;
  }

  /** Timers of virtual time are run by whoever advances it: see `advanceTo` in softirq.ts. */
  alarm(): void {}

  /** Moves to `time`; earlier than now is a mistake. */
  set(time: number): void {
    if (time < this.time) throw new Error(`virtual time cannot go back from ${this.time} to ${time}`);
    this.time = time;
  }
}

/** Numbers that look random, from an injected source: equal seeds give equal runs. */
export interface Random {
  /** An int32, all values equally likely. */
  int32(): number;
  /** An integer of 0 … `bound` − 1. */
  below(bound: number): number;
}

/** A seeded source (xorshift128, G. Marsaglia 2003). Not for secrets. */
export class SeededRandom implements Random {
  private x: number;
  private y = 362436069;
  private z = 521288629;
  private w = 88675123;

  constructor(seed: number) {
    this.x = (seed | 0) ^ 123456789;
    for (let i = 0; i < 16; i++) this.int32();
  }

  int32(): number {
    const t = this.x ^ (this.x << 11);
    this.x = this.y;
    this.y = this.z;
    this.z = this.w;
    this.w = this.w ^ (this.w >>> 19) ^ t ^ (t >>> 8);
    return this.w | 0;
  }

  below(bound: number): number {
    return Math.floor(((this.int32() >>> 0) / 0x100000000) * bound);
  }
}
