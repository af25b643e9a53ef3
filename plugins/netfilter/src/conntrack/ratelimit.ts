/** ratelimit.ts — messages about packets: a few at once, then silence (cf. Linux net_ratelimit). */

/** So many messages in so many ms. */
const BURST = 10;
const INTERVAL = 5000;

export class RateLimit {
  private began = Number.NEGATIVE_INFINITY;
  private said = 0;

  /** True while there is room for another message at `now` (jiffies). */
  allows(now: number): boolean {
    if (now - this.began >= INTERVAL) {
      this.began = now;
      this.said = 0;
    }
    return this.said++ < BURST;
  }
}
