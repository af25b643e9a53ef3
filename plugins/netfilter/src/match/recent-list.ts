/**
 * match/recent-list.ts — addresses that were seen lately, and when (cf. Linux net/netfilter/xt_recent.c). A list holds at
 * most MAX_ADDRESSES; the one heard of longest ago makes room.
 */
import { formatIpv4 } from '@packetwalk/framework';

/** Addresses of a list (ip_list_tot). */
export const MAX_ADDRESSES = 100;
/** Times kept for an address at least; more when a rule counts further. */
const MIN_STAMPS = 20;

export interface RecentEntry {
  readonly address: number;
  ttl: number;
  /** Jiffies, a ring. */
  readonly stamps: number[];
  /** Where the next one goes. */
  index: number;
}

export class RecentList {
  /** Rules that use it. */
  users = 0;
  /** Times kept for an address. */
  private depth = MIN_STAMPS;
  /** Those heard of longest ago first. */
  private readonly entries = new Map<number, RecentEntry>();

  /** A rule counts up to `hits`. */
  count(hits: number): void {
    while (this.depth <= hits) this.depth *= 2;
  }

  /** @param ttl only an entry of this TTL; 0: of any */
  find(address: number, ttl: number): RecentEntry | undefined {
    const entry = this.entries.get(address);
    return entry === undefined || ttl === 0 || entry.ttl === ttl ? entry : undefined;
  }

  add(address: number, ttl: number, now: number): void {
    // The oldest goes, when the list is full.
    if (this.entries.size >= MAX_ADDRESSES)
      for (const oldest of this.entries.keys()) {
        this.entries.delete(oldest);
        break;
      }
    this.entries.delete(address);
    this.entries.set(address, { address, ttl, stamps: [now], index: 1 });
  }

  /** The address was seen again. */
  update(entry: RecentEntry, now: number): void {
    if (entry.index >= this.depth) entry.index = 0;
    entry.stamps[entry.index++] = now;
    this.entries.delete(entry.address);
    this.entries.set(entry.address, entry);
  }

  delete(address: number): boolean {
    return this.entries.delete(address);
  }

  clear(): void {
    this.entries.clear();
  }

  /** Takes the oldest entry away if it was last seen before `time`; `working` keeps that one from it. */
  reap(time: number, working: RecentEntry | null): void {
    for (const oldest of this.entries.values()) {
      if (oldest !== working && oldest.stamps[oldest.index - 1] < time) this.entries.delete(oldest.address);
      break;
    }
  }

  /** The list as /proc/net/xt_recent shows it. */
  text(): string {
    let text = '';
    for (const { address, ttl, stamps, index } of this.entries.values()) {
      const times = stamps.map((stamp, i) => `${i === 0 ? ' ' : ', '}${Math.floor(stamp)}`).join('');
      text += `src=${formatIpv4(address)} ttl: ${ttl} last_seen: ${Math.floor(stamps[index - 1])} oldest_pkt: ${index}${times}\n`;
    }
    return text;
  }
}
