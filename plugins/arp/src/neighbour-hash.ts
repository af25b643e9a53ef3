/**
 * neighbour-hash.ts — finds an entry by address and device: chains through the entries themselves, so that a lookup
 * is a multiplication and a few loads (cf. Linux struct neigh_hash_table, arp_hashfn). The multiplier is random:
 * nobody outside can aim at one chain.
 */
import type { NetDevice, Random } from '@packetwalk/framework';
import type { NeighbourEntry } from './neighbour-entry.ts';

/** Buckets to begin with, as a power of two. */
const INITIAL_SHIFT = 3;

export class NeighbourHash {
  private buckets: (NeighbourEntry | null)[] = new Array(1 << INITIAL_SHIFT).fill(null);
  private shift = 32 - INITIAL_SHIFT;
  private readonly rnd: number;
  /** Entries in it. */
  size = 0;
  /** How often the buckets were doubled. */
  grows = 0;

  constructor(random: Random) {
    this.rnd = random.int32() | 1;
  }

  find(key: number, dev: NetDevice): NeighbourEntry | null {
    let neigh = this.buckets[this.index(key, dev)];
    while (neigh !== null && (neigh.key !== key || neigh.dev !== dev)) neigh = neigh.hashNext;
    return neigh;
  }

  insert(neigh: NeighbourEntry): void {
    if (this.size >= this.buckets.length) this.grow();
    this.link(neigh);
    this.size++;
  }

  /** Takes an entry out that is in. */
  remove(neigh: NeighbourEntry): void {
    const i = this.index(neigh.key, neigh.dev);
    const first = this.buckets[i];
    if (first === neigh) {
      this.buckets[i] = neigh.hashNext;
    } else {
      let before = first as NeighbourEntry;
      while (before.hashNext !== neigh) before = before.hashNext as NeighbourEntry;
      before.hashNext = neigh.hashNext;
    }
    neigh.hashNext = null;
    this.size--;
  }

  private index(key: number, dev: NetDevice): number {
    return Math.imul(key ^ Math.imul(dev.ifindex, 0x9e3779b1), this.rnd) >>> this.shift;
  }

  private link(neigh: NeighbourEntry): void {
    const i = this.index(neigh.key, neigh.dev);
    neigh.hashNext = this.buckets[i];
    this.buckets[i] = neigh;
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new Array(old.length * 2).fill(null);
    this.shift--;
    this.grows++;
    for (let neigh of old) {
      while (neigh !== null) {
        const next: NeighbourEntry | null = neigh.hashNext;
        this.link(neigh);
        neigh = next;
      }
    }
  }
}
