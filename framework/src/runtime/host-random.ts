/** host-random.ts — the host's random numbers as a router's {@link Random}: nobody predicts ports and identifications from them. */
import type { Random } from '../clock.ts';

/** Numbers fetched at a time: one call of getRandomValues costs as much as some hundred numbers. */
const BATCH = 1024;

export class HostRandom implements Random {
  private readonly numbers: Int32Array<ArrayBuffer> = new Int32Array(BATCH);
  private used: number = BATCH;

  int32(): number {
    if (this.used === BATCH) {
      crypto.getRandomValues(this.numbers);
      this.used = 0;
    }
    return this.numbers[this.used++];
  }

  below(bound: number): number {
    return Math.floor(((this.int32() >>> 0) / 0x100000000) * bound);
  }
}
