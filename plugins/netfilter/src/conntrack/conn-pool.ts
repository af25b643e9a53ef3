/** conn-pool.ts — where connections live: rows in slabs, used again when a connection ends (cf. Linux kmem_cache). */
import { CT_ID, CT_STATUS, CT_WORDS, NfConn } from './nf-conn.ts';

/** Rows of a slab: 64 KiB of words. Memory grows in steps of one slab, so nothing is ever copied. */
const SLAB_ROWS = 512;

export class ConnPool {
  /** By id. */
  readonly conns: NfConn[] = [];
  private readonly free: NfConn[] = [];

  /** A connection of which only the id is set, everything else is 0. Nobody holds it yet. */
  take(): NfConn {
    let ct = this.free.pop();
    if (ct === undefined) {
      this.grow();
      ct = this.free.pop() as NfConn;
    }
    const { words, base } = ct;
    for (let i = CT_STATUS; i < CT_WORDS; i++) if (i !== CT_ID) words[base + i] = 0;
    return ct;
  }

  /** Takes a connection back; nobody holds it. */
  give(ct: NfConn): void {
    ct.ext = null;
    ct.words[ct.base + CT_STATUS] = 0;
    this.free.push(ct);
  }

  /** Connections that are taken. */
  get inUse(): number {
    return this.conns.length - this.free.length;
  }

  private grow(): void {
    const words = new Int32Array(SLAB_ROWS * CT_WORDS);
    const first = this.conns.length;
    for (let row = 0; row < SLAB_ROWS; row++) {
      const ct = new NfConn(words, row * CT_WORDS);
      words[ct.base + CT_ID] = first + row;
      this.conns.push(ct);
    }
    // The lowest id is taken first.
    for (let id = this.conns.length - 1; id >= first; id--) this.free.push(this.conns[id]);
  }
}
