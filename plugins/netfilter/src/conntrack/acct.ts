/**
 * acct.ts — packets and bytes of connections, and when they began and ended, for those made while nf_conntrack_acct or
 * nf_conntrack_timestamp is set (cf. Linux net/netfilter/nf_conntrack_acct.c, nf_conntrack_timestamp.c). Slabs beside the
 * rows, made with the first connection that is counted: who does not count pays nothing.
 *
 *      | packets, bytes of the original direction | … of the reply direction | started | stopped |
 */

/** Connections of a slab. */
const SLAB = 512;
const SLAB_SHIFT = 9;
const WORDS = 6;
const STARTED = 4;
const STOPPED = 5;
/** What stands for "not counted": counters are never below 0. */
const NONE = -1;

export class ConnAcct {
  private readonly slabs: (Float64Array | undefined)[] = [];

  /** A connection is made: is it counted, and is it timed? */
  begin(id: number, counted: boolean, timed: boolean): void {
    let slab = this.slabs[id >>> SLAB_SHIFT];
    if (slab === undefined) {
      if (!counted && !timed) return;
      slab = new Float64Array(SLAB * WORDS).fill(NONE);
      this.slabs[id >>> SLAB_SHIFT] = slab;
    }
    const at = (id & (SLAB - 1)) * WORDS;
    slab.fill(counted ? 0 : NONE, at, at + STARTED);
    slab.fill(timed ? 0 : NONE, at + STARTED, at + WORDS);
  }

  /** Counts a packet of direction `dir`. */
  add(id: number, dir: number, bytes: number): void {
    const slab = this.slabs[id >>> SLAB_SHIFT];
    if (slab === undefined) return;
    const at = (id & (SLAB - 1)) * WORDS + 2 * dir;
    if (slab[at] === NONE) return;
    slab[at]++;
    slab[at + 1] += bytes;
  }

  counted(id: number): boolean {
    return this.read(id, 0) !== NONE;
  }

  packets(id: number, dir: number): number {
    return this.read(id, 2 * dir);
  }

  bytes(id: number, dir: number): number {
    return this.read(id, 2 * dir + 1);
  }

  /** Counters of both directions begin at 0 again. */
  zero(id: number): void {
    const slab = this.slabs[id >>> SLAB_SHIFT];
    const at = (id & (SLAB - 1)) * WORDS;
    if (slab !== undefined && slab[at] !== NONE) slab.fill(0, at, at + STARTED);
  }

  timed(id: number): boolean {
    return this.read(id, STARTED) !== NONE;
  }

  /** Milliseconds since 1970; 0: not yet. */
  started(id: number): number {
    return this.read(id, STARTED);
  }

  stopped(id: number): number {
    return this.read(id, STOPPED);
  }

  start(id: number, time: number): void {
    this.write(id, STARTED, time);
  }

  stop(id: number, time: number): void {
    this.write(id, STOPPED, time);
  }

  private read(id: number, word: number): number {
    return this.slabs[id >>> SLAB_SHIFT]?.[(id & (SLAB - 1)) * WORDS + word] ?? NONE;
  }

  private write(id: number, word: number, value: number): void {
    const slab = this.slabs[id >>> SLAB_SHIFT];
    const at = (id & (SLAB - 1)) * WORDS + word;
    if (slab !== undefined && slab[at] !== NONE) slab[at] = value;
  }
}
