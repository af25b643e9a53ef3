/** host-clock.ts — the host's time as a router's {@link Clock}. */
import type { Clock } from '../clock.ts';

/** Longest delay that setTimeout takes. */
const MAX_DELAY = 0x7fffffff;

export class HostClock implements Clock {
  readonly virtual = false;
  private timeout: ReturnType<typeof setTimeout> | undefined;
  private at: number = Number.POSITIVE_INFINITY;
  private fire: () => void = () => {};

  now(): number {
    return performance.now();
  }

  wallClock(): number {
    return Date.now();
  }

  /** The loop asks each round, mostly for the same time: only a change costs a host timer. */
  alarm(at: number, fire: () => void): void {
    this.fire = fire;
    if (at === this.at) return;
    this.at = at;
    this.set();
  }

  private set(): void {
    clearTimeout(this.timeout);
    if (this.at === Number.POSITIVE_INFINITY) return;
    const delay = Math.ceil(this.at - this.now());
    this.timeout = setTimeout(this.elapsed, Math.min(Math.max(delay, 0), MAX_DELAY));
  }

  private readonly elapsed = (): void => {
    // Cut at MAX_DELAY, or fired early: the host rounds to milliseconds of its own.
    if (this.now() < this.at) {
      this.set();
      return;
    }
    this.at = Number.POSITIVE_INFINITY;
    this.fire();
  };
}
