/**
 * fib-hash.ts — the FIB as Linux had it before the trie (cf. net/ipv4/fib_hash.c, fn_hash): one hash table, a zone, per
 * prefix length; a lookup walks the zones that hold something, longest first, and the first hit is the answer.
 *
 *     zones ──► /32 ──► /24 ──► /8 ──► null        only zones that are not empty
 *                │
 *                buckets: Int32Array(divisor)      index of the chain's first node, 0 = none
 *                   │
 *     nodes:  … │ key │ value │ next │ …           one Int32Array for all zones; node 0 stays unused
 */
import type { FibBackend, FibStorage } from '@packetwalk/framework';

const KEY = 0;
const VALUE = 1;
const NEXT = 2;
const NODE_CELLS = 3;
const NONE = 0;

/** Buckets of a new zone; /0 can hold one prefix only. */
const FIRST_DIVISOR = 16;
const NODES_AT_START = 64;

/** All prefixes of one length. */
class Zone {
  readonly length: number;
  readonly netmask: number;
  /** Right shift that leaves the prefix bits of an address. */
  readonly shift: number;
  readonly storage: FibStorage;
  buckets: Int32Array;
  mask: number;
  count = 0;
  /** The next shorter zone that is not empty. */
  next: Zone | null = null;

  constructor(length: number, storage: FibStorage) {
    this.length = length;
    this.netmask = length === 0 ? 0 : -1 << (32 - length);
    this.shift = length === 0 ? 31 : 32 - length;
    this.storage = storage;
    this.buckets = storage.int32(`zone-${length}`, length === 0 ? 1 : FIRST_DIVISOR);
    this.mask = this.buckets.length - 1;
  }

  /** Folds the prefix bits, as fn_hash does. */
  bucket(key: number): number {
    let hash = key >>> this.shift;
    hash ^= hash >>> 20;
    hash ^= hash >>> 10;
    hash ^= hash >>> 5;
    return hash & this.mask;
  }

  resize(divisor: number): void {
    this.buckets = this.storage.int32(`zone-${this.length}`, divisor);
    this.mask = divisor - 1;
  }
}

export class FibHash implements FibBackend {
  private readonly storage: FibStorage;
  private readonly zones: (Zone | null)[] = new Array<Zone | null>(33).fill(null);
  private longest: Zone | null = null;
  private nodes: Int32Array;
  /** Nodes used so far, the free ones included; node 0 is none. */
  private used = NODE_CELLS;
  private free = NONE;

  constructor(storage: FibStorage) {
    this.storage = storage;
    this.nodes = storage.int32('nodes', NODES_AT_START * NODE_CELLS);
  }

  lookup(address: number): number {
    const nodes = this.nodes;
    for (let zone = this.longest; zone !== null; zone = zone.next) {
      const key = address & zone.netmask;
      let node = zone.buckets[zone.bucket(key)];
      while (node !== NONE) {
        if (nodes[node] === key) return nodes[node + VALUE];
        node = nodes[node + NEXT];
      }
    }
    return -1;
  }

  insert(prefix: number, length: number, value: number): void {
    const zone = this.zones[length] ?? new Zone(length, this.storage);
    this.zones[length] = zone;
    for (let node = zone.buckets[zone.bucket(prefix)]; node !== NONE; node = this.nodes[node + NEXT]) {
      if (this.nodes[node] !== prefix) continue;
      this.nodes[node + VALUE] = value;
      return;
    }
    if (zone.count > zone.mask && length !== 0) this.rehash(zone);
    const node = this.allocate();
    const bucket = zone.bucket(prefix);
    this.nodes[node + KEY] = prefix;
    this.nodes[node + VALUE] = value;
    this.nodes[node + NEXT] = zone.buckets[bucket];
    zone.buckets[bucket] = node;
    if (zone.count++ === 0) this.linkZones();
  }

  remove(prefix: number, length: number): void {
    const zone = this.zones[length];
    if (zone === null) return;
    const bucket = zone.bucket(prefix);
    let before = NONE;
    let node = zone.buckets[bucket];
    while (node !== NONE && this.nodes[node] !== prefix) {
      before = node;
      node = this.nodes[node + NEXT];
    }
    if (node === NONE) return;
    const next = this.nodes[node + NEXT];
    if (before === NONE) zone.buckets[bucket] = next;
    else this.nodes[before + NEXT] = next;
    this.nodes[node + NEXT] = this.free;
    this.free = node;
    if (--zone.count === 0) this.linkZones();
  }

  clear(): void {
    this.zones.fill(null);
    this.longest = null;
    this.nodes = this.storage.int32('nodes', NODES_AT_START * NODE_CELLS);
    this.used = NODE_CELLS;
    this.free = NONE;
  }

  memory(): number {
    let bytes = this.nodes.byteLength;
    for (const zone of this.zones) if (zone !== null) bytes += zone.buckets.byteLength;
    return bytes;
  }

  /** Chains the zones that hold something, longest first. */
  private linkZones(): void {
    let shorter: Zone | null = null;
    for (const zone of this.zones) {
      if (zone === null || zone.count === 0) continue;
      zone.next = shorter;
      shorter = zone;
    }
    this.longest = shorter;
  }

  /** Doubles a zone's buckets, so that chains hold one node on average at most. */
  private rehash(zone: Zone): void {
    const old = zone.buckets;
    zone.resize(old.length * 2);
    for (let head of old) {
      while (head !== NONE) {
        const next = this.nodes[head + NEXT];
        const bucket = zone.bucket(this.nodes[head]);
        this.nodes[head + NEXT] = zone.buckets[bucket];
        zone.buckets[bucket] = head;
        head = next;
      }
    }
  }

  private allocate(): number {
    if (this.free !== NONE) {
      const node = this.free;
      this.free = this.nodes[node + NEXT];
      return node;
    }
    if (this.used === this.nodes.length) {
      const grown = this.storage.int32('nodes', NODE_CELLS * Math.ceil((this.nodes.length / NODE_CELLS) * 1.5));
      grown.set(this.nodes);
      this.nodes = grown;
      this.storage.publish();
    }
    const node = this.used;
    this.used += NODE_CELLS;
    return node;
  }
}
