/**
 * counters.ts — packet and byte counters of a table's rules and policies, in one array so that counting allocates nothing.
 *
 *      values   | packets 0 | bytes 0 | packets 1 | bytes 1 | …      a slot is the index of its packets
 */

const FIRST_SIZE = 64;

export class Counters {
  /** Read it anew for each packet: growth replaces it. */
  values: Float64Array = new Float64Array(FIRST_SIZE);
  private used = 0;
  private readonly free: number[] = [];

  /** A slot that counts from `packets` and `bytes`. */
  take(packets = 0, bytes = 0): number {
    let slot = this.free.pop();
    if (slot === undefined) {
      slot = this.used;
      this.used += 2;
      if (this.used > this.values.length) {
        const grown = new Float64Array(this.values.length * 2);
        grown.set(this.values);
        this.values = grown;
      }
    }
    this.set(slot, packets, bytes);
    return slot;
  }

  give(slot: number): void {
    this.free.push(slot);
  }

  set(slot: number, packets: number, bytes: number): void {
    this.values[slot] = packets;
    this.values[slot + 1] = bytes;
  }
}
