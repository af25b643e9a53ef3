/**
 * tuple-hash.ts — finds a connection by a direction of it: open addressing, linear probing (D. E. Knuth, The Art of Computer
 * Programming vol. 3, §6.4).
 *
 *      slots  | hash 0 | ref 0 | hash 1 | ref 1 | …        ref = id + 1 << 1 | direction; 0: the slot is empty
 *
 * The hash is kept beside the reference: other flows in the way cost no look at their rows, and neither growth nor removal
 * has to compute it again. At most half of the slots are used. Removal moves followers up, so nothing is left behind.
 */
import type { Random } from '@packetwalk/framework';
import type { ConnPool } from './conn-pool.ts';
import { CT_DST, CT_KEY, CT_PORTS, CT_SRC, CT_TUPLE } from './nf-conn.ts';

const FIRST_SLOTS = 1024;
/** Slots looked at for a place; a row that long is an attack on the hash, and the newcomer has to wait (cf. MAX_CHAINLEN). */
const MAX_PROBES = 255;

export class TupleHash {
  private slots: Int32Array = new Int32Array(2 * FIRST_SLOTS);
  private mask: number = FIRST_SLOTS - 1;
  private used = 0;
  private readonly pool: ConnPool;
  // Secret odd factors: who does not know them cannot choose flows that meet.
  private readonly a: number;
  private readonly b: number;
  private readonly c: number;
  private readonly d: number;

  constructor(pool: ConnPool, random: Random) {
    this.pool = pool;
    this.a = random.int32() | 1;
    this.b = random.int32() | 1;
    this.c = random.int32() | 1;
    this.d = random.int32() | 1;
  }

  /** Multilinear in the four words, then MurmurHash3's finalizer (A. Appleby, public domain). */
  hash(src: number, dst: number, ports: number, key: number): number {
    let h = Math.imul(src, this.a) + Math.imul(dst, this.b) + Math.imul(ports, this.c) + Math.imul(key, this.d);
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    return h ^ (h >>> 16);
  }

  /**
   * The reference (id + 1 << 1 | direction) of the entry with these words, 0 when there is none.
   * @param dirs directions that count, bit 1 << IP_CT_DIR_*
   */
  find(src: number, dst: number, ports: number, key: number, dirs: number): number {
    const { slots, mask } = this;
    const { conns } = this.pool;
    const hash = this.hash(src, dst, ports, key);
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const ref = slots[2 * i + 1];
      if (ref === 0) return 0;
      if (slots[2 * i] !== hash || ((dirs >>> (ref & 1)) & 1) === 0) continue;
      const { words, base } = conns[(ref >>> 1) - 1];
      const at = base + (ref & 1) * CT_TUPLE;
      if (words[at + CT_SRC] === src && words[at + CT_DST] === dst && words[at + CT_PORTS] === ports && words[at + CT_KEY] === key)
        return ref;
    }
  }

  /** Adds an entry; false when too many others are in its way. */
  insert(hash: number, ref: number): boolean {
    if (2 * (this.used + 1) > this.mask + 1) this.grow();
    const { slots, mask } = this;
    let i = hash & mask;
    for (let probes = 0; slots[2 * i + 1] !== 0; i = (i + 1) & mask) if (++probes > MAX_PROBES) return false;
    slots[2 * i] = hash;
    slots[2 * i + 1] = ref;
    this.used++;
    return true;
  }

  /** Takes an entry out; false when it was not there. */
  remove(hash: number, ref: number): boolean {
    const { slots, mask } = this;
    let hole = hash & mask;
    while (slots[2 * hole + 1] !== ref) {
      if (slots[2 * hole + 1] === 0) return false;
      hole = (hole + 1) & mask;
    }
    for (let i = (hole + 1) & mask; slots[2 * i + 1] !== 0; i = (i + 1) & mask) {
      const home = slots[2 * i] & mask;
      // It may move to the hole unless its home lies behind the hole.
      if (((i - home) & mask) < ((i - hole) & mask)) continue;
      slots[2 * hole] = slots[2 * i];
      slots[2 * hole + 1] = slots[2 * i + 1];
      hole = i;
    }
    slots[2 * hole] = 0;
    slots[2 * hole + 1] = 0;
    this.used--;
    return true;
  }

  /** References of the entries whose hash has the low bits `bucket` under `bucketMask`, a bucket of the kernel's table. */
  bucket(bucket: number, bucketMask: number): number[] {
    const found: number[] = [];
    const { slots, mask } = this;
    // With more slots than buckets an entry of the bucket may be at home in several places.
    for (let home = bucket & mask; home <= mask; home += bucketMask + 1) {
      for (let i = home; slots[2 * i + 1] !== 0; i = (i + 1) & mask) {
        const hash = slots[2 * i];
        if ((hash & mask) === home && (hash & bucketMask) === bucket) found.push(slots[2 * i + 1]);
      }
    }
    return found;
  }

  /** Bytes of the slots. */
  get memory(): number {
    return this.slots.byteLength;
  }

  /** Doubles the slots: 15 ns an entry, so that a table of a million connections stops for some 30 ms once. */
  private grow(): void {
    const { slots: old } = this;
    const mask = 2 * this.mask + 1;
    const slots = new Int32Array(2 * (mask + 1));
    for (let j = 0; j < old.length; j += 2) {
      if (old[j + 1] === 0) continue;
      let i = old[j] & mask;
      while (slots[2 * i + 1] !== 0) i = (i + 1) & mask;
      slots[2 * i] = old[j];
      slots[2 * i + 1] = old[j + 1];
    }
    this.slots = slots;
    this.mask = mask;
  }
}
