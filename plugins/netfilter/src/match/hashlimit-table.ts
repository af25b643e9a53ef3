/**
 * match/hashlimit-table.ts — one limit for each kind of packet, by name (cf. Linux net/netfilter/xt_hashlimit.c).
 *
 * Bounded: a table holds at most `max` entries, and a packet that would need one more is dropped; entries that saw nothing
 * for `expire` ms go, looked through every `gcInterval` ms.
 */

/** What a table is made with; the first rule that names it decides. */
export interface HashlimitConfig {
  /** Milliseconds that a packet costs; in byte mode, that 16 bytes cost. */
  readonly cost: number;
  /** Milliseconds that may be saved up. */
  readonly cap: number;
  /** Seconds that may be spent beyond what is saved up (byte mode). */
  readonly spare: number;
  readonly bytes: boolean;
  readonly max: number;
  readonly expire: number;
  readonly gcInterval: number;
}

/** Time is saved up in ms. */
interface Entry {
  credit: number;
  /** Seconds left to be spent beyond what is saved up (byte mode). */
  spare: number;
  prev: number;
  expires: number;
}

/** Bytes are counted in chunks of 16. */
const CHUNK_SHIFT = 4;

export class HashlimitTable {
  readonly config: HashlimitConfig;
  /** Rules that use it. */
  users = 0;
  private readonly entries = new Map<string, Entry>();
  private nextGc = 0;

  constructor(config: HashlimitConfig) {
    this.config = config;
  }

  get size(): number {
    return this.entries.size;
  }

  /** Is a packet of `length` bytes within the limit at `now` (ms)? Null when the table is full. */
  allow(key: string, length: number, now: number): boolean | null {
    const { config } = this;
    if (now >= this.nextGc) this.collect(now);
    let entry = this.entries.get(key);
    const { cap } = config;
    if (entry === undefined) {
      if (this.entries.size >= config.max) return null;
      entry = { credit: cap, spare: config.spare, prev: now, expires: 0 };
      this.entries.set(key, entry);
    } else {
      entry.credit = Math.min(entry.credit + now - entry.prev, cap);
      entry.prev = now;
    }
    entry.expires = now + config.expire;
    const cost = config.bytes ? Math.min(((length >>> CHUNK_SHIFT) + 1) * config.cost, cap) : config.cost;
    if (entry.credit < cost && config.bytes && entry.spare > 0) {
      entry.spare--;
      entry.credit = cap;
    }
    if (entry.credit < cost) return false;
    entry.credit -= cost;
    return true;
  }

  private collect(now: number): void {
    for (const [key, { expires }] of this.entries) if (now >= expires) this.entries.delete(key);
    this.nextGc = now + this.config.gcInterval;
  }
}
