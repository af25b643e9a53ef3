/**
 * route-cache.ts — the routing cache: for each flow the route it was given (cf. Linux 2.6 net/ipv4/route.c
 * rt_intern_hash, rt_garbage_collect, rt_check_expire; Linux dropped it in 3.6).
 *
 *      heads   hash(daddr, saddr, device) ──▶ CachedRoute ──▶ CachedRoute ──▶ null     newest first
 *
 * A miss costs an allocation and a place in a chain, so strangers can make the router work: the cache must stay small
 * whatever comes. Three things see to it:
 *  - a chain longer than gc_elasticity loses its least valuable entry when it gets a new one;
 *  - above gc_thresh each new entry pays for a look at a few chains, whose old entries go: the fuller, the younger;
 *  - at max_size the least valuable of a sample makes room, and if there is none the flow is served without an entry.
 * Entries that somebody holds stay, and those used lately; redirects and learned path MTUs, and routes of packets made
 * here, are worth more than others.
 */
import { type Net, RTCF_BROADCAST, RTCF_LOCAL, RTCF_MULTICAST, RTCF_NOTIFY, RTCF_REDIRECTED, Timer } from '@packetwalk/framework';
import type { CachedRoute } from './rtable.ts';
import type { RouteGcSettings } from './sysctl-route.ts';

/** Chains: a power of two. With the gc_elasticity of 8, 64Ki entries fit at most (rhash_entries). */
export const RT_HASH_SIZE = 8192;

/** Chains that one new entry pays a look at above gc_thresh, and the entries compared for a victim at max_size. */
const SWEEP_CHAINS = 2;
const SAMPLE = 16;

/** An entry that served a second packet is worth one this much younger, in ms: floods are of first packets. */
const HIT_WORTH = 10_000;

/** Slots of {@link RouteCache.stats}, in the order of /proc/net/stat/rt_cache. */
export const RT_STATS: readonly string[] = [
  'in_hit',
  'in_slow_tot',
  'in_slow_mc',
  'in_no_route',
  'in_brd',
  'in_martian_dst',
  'in_martian_src',
  'out_hit',
  'out_slow_tot',
  'out_slow_mc',
  'gc_total',
  'gc_ignored',
  'gc_goal_miss',
  'gc_dst_overflow',
  'in_hlist_search',
  'out_hlist_search',
];
export const RT_STAT_IN_HIT = 0;
export const RT_STAT_IN_SLOW_TOT = 1;
export const RT_STAT_IN_SLOW_MC = 2;
export const RT_STAT_IN_NO_ROUTE = 3;
export const RT_STAT_IN_BRD = 4;
export const RT_STAT_IN_MARTIAN_DST = 5;
export const RT_STAT_IN_MARTIAN_SRC = 6;
export const RT_STAT_OUT_HIT = 7;
export const RT_STAT_OUT_SLOW_TOT = 8;
export const RT_STAT_OUT_SLOW_MC = 9;
const RT_STAT_GC_TOTAL = 10;
const RT_STAT_GC_IGNORED = 11;
const RT_STAT_GC_GOAL_MISS = 12;
const RT_STAT_GC_DST_OVERFLOW = 13;
const RT_STAT_IN_HLIST_SEARCH = 14;
const RT_STAT_OUT_HLIST_SEARCH = 15;

/** What may not be thrown away lightly: it was learned, not looked up (rt_valuable). */
function valuable(rt: CachedRoute): boolean {
  return (rt.rtFlags & (RTCF_REDIRECTED | RTCF_NOTIFY)) !== 0 || rt.expires !== 0;
}

/** Broadcasts and multicasts that came in: cheap to find again, and they crowd chains (rt_fast_clean). */
function crowding(rt: CachedRoute): boolean {
  return (rt.rtFlags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0 && rt.iif !== 0 && rt.next !== null;
}

export class RouteCache {
  readonly settings: RouteGcSettings;
  readonly stats: Float64Array = new Float64Array(RT_STATS.length);
  /** Entries, those out of date among them until they are met. */
  size = 0;
  private readonly net: Net;
  private readonly heads: (CachedRoute | null)[] = new Array<CachedRoute | null>(RT_HASH_SIZE).fill(null);
  /** Unknown to the outside, so that nobody can aim at one chain (rt_hash_rnd). */
  private readonly seed: number;
  /** Next chain that garbage collection looks at, and when it last began with the first. */
  private rover = 0;
  private lastGc = Number.NEGATIVE_INFINITY;
  private readonly timer: Timer;

  constructor(net: Net, settings: RouteGcSettings) {
    this.net = net;
    this.settings = settings;
    this.seed = net.softirq.random.int32();
    this.timer = new Timer('routing cache', () => this.checkExpire());
  }

  /** The entry for packets that come in by `iif`, or null. Hits are counted as uses. */
  findInput(daddr: number, saddr: number, tos: number, iif: number, mark: number): CachedRoute | null {
    const hash = this.hash(daddr, saddr, iif);
    for (let rt = this.heads[hash]; rt !== null; rt = rt.next) {
      if (rt.daddr === daddr && rt.saddr === saddr && rt.iif === iif && rt.oif === 0 && rt.tos === tos && rt.mark === mark) {
        return this.hit(rt, hash, RT_STAT_IN_HIT);
      }
      this.stats[RT_STAT_IN_HLIST_SEARCH]++;
    }
    return null;
  }

  /** The entry for packets made here, asked for with these values (0 for those left open), or null. */
  findOutput(daddr: number, saddr: number, tos: number, oif: number, mark: number): CachedRoute | null {
    const hash = this.hash(daddr, saddr, oif);
    for (let rt = this.heads[hash]; rt !== null; rt = rt.next) {
      if (rt.daddr === daddr && rt.saddr === saddr && rt.iif === 0 && rt.oif === oif && rt.tos === tos && rt.mark === mark) {
        return this.hit(rt, hash, RT_STAT_OUT_HIT);
      }
      this.stats[RT_STAT_OUT_HLIST_SEARCH]++;
    }
    return null;
  }

  /**
   * Takes a new entry in, in place of one with the same key, and returns it; when there is no room it serves this
   * packet alone (rt_intern_hash).
   */
  intern(made: CachedRoute): CachedRoute {
    const { settings, heads } = this;
    if (this.size >= Math.min(settings.gcThresh, settings.maxSize) && !this.garbageCollect()) {
      this.stats[RT_STAT_GC_DST_OVERFLOW]++;
      return made;
    }
    const hash = this.hash(made.daddr, made.saddr, made.iif !== 0 ? made.iif : made.oif);
    let length = 0;
    let victim: CachedRoute | null = null;
    for (let rt = heads[hash]; rt !== null; rt = rt.next) {
      if (made.sameFlow(rt)) this.unlink(rt, hash);
      else {
        length++;
        if (rt.refcnt === 0 && (victim === null || this.score(rt) < this.score(victim))) victim = rt;
      }
    }
    if (victim !== null && length >= settings.gcElasticity) this.unlink(victim, hash);
    made.next = heads[hash];
    heads[hash] = made;
    this.size++;
    if (!this.timer.pending && settings.gcInterval > 0) this.net.softirq.modTimer(this.timer, settings.gcInterval);
    return made;
  }

  /** Forgets everything (rt_cache_flush). */
  flush(): void {
    if (this.size === 0) return;
    this.heads.fill(null);
    this.size = 0;
    this.net.softirq.delTimer(this.timer);
  }

  /** The entries that are still good, chain by chain, as /proc/net/rt_cache lists them. */
  *entries(): Iterable<CachedRoute> {
    for (const head of this.heads) {
      for (let rt = head; rt !== null; rt = rt.next) if (this.valid(rt)) yield rt;
    }
  }

  private hit(rt: CachedRoute, hash: number, stat: number): CachedRoute | null {
    if (!this.valid(rt)) {
      this.unlink(rt, hash);
      return null;
    }
    rt.use++;
    rt.lastuse = this.net.softirq.jiffies;
    this.stats[stat]++;
    return rt;
  }

  /** The route it was made from is still the one, and what was learned about it has not run out. */
  private valid(rt: CachedRoute): boolean {
    return rt.template.obsolete === 0 && (rt.expires === 0 || this.net.softirq.jiffies < rt.expires);
  }

  private hash(daddr: number, saddr: number, index: number): number {
    let h = Math.imul(daddr ^ this.seed, 0x9e3779b1) ^ Math.imul(saddr, 0x85ebca6b) ^ Math.imul(index, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 15), 0x27d4eb2f);
    return (h ^ (h >>> 13)) & (RT_HASH_SIZE - 1);
  }

  /** What an entry is worth: those of equal worth differ by when they were used (rt_score). */
  private score(rt: CachedRoute): number {
    if (!this.valid(rt)) return -1;
    let score = rt.use > 0 ? rt.lastuse + HIT_WORTH : rt.lastuse;
    // Weights beyond any time: a thousand years each.
    if (rt.iif === 0 || (rt.rtFlags & (RTCF_BROADCAST | RTCF_MULTICAST | RTCF_LOCAL)) === 0) score += 2 ** 45;
    if (valuable(rt)) score += 2 ** 46;
    return score;
  }

  /**
   * May it go? Not while somebody holds it; not when it was used within `tmo` ms, or if it is valuable within `most`
   * (rt_may_expire).
   */
  private mayExpire(rt: CachedRoute, tmo: number, most: number): boolean {
    if (rt.refcnt !== 0) return false;
    if (!this.valid(rt)) return true;
    const age = this.net.softirq.jiffies - rt.lastuse;
    if (age <= tmo && !crowding(rt)) return false;
    return age > most || !valuable(rt);
  }

  /** Makes room, at a cost that does not depend on the size of the cache; false when nothing may go (rt_garbage_collect). */
  private garbageCollect(): boolean {
    const { settings, stats } = this;
    const { jiffies } = this.net.softirq;
    stats[RT_STAT_GC_TOTAL]++;
    if (this.size >= settings.maxSize) return this.evict();
    if (this.rover === 0 && jiffies - this.lastGc < settings.gcMinInterval) {
      stats[RT_STAT_GC_IGNORED]++;
      return true;
    }
    if (this.rover === 0) this.lastGc = jiffies;
    const room = (settings.maxSize - this.size) / Math.max(1, settings.maxSize - settings.gcThresh);
    this.sweep(SWEEP_CHAINS, settings.gcTimeout * Math.min(1, room));
    return true;
  }

  /** Takes the least valuable entry of a sample out. */
  private evict(): boolean {
    let victim: CachedRoute | null = null;
    let at = 0;
    let sampled = 0;
    for (let tried = 0; tried < RT_HASH_SIZE && sampled < SAMPLE; tried++) {
      this.rover = (this.rover + 1) & (RT_HASH_SIZE - 1);
      for (let rt = this.heads[this.rover]; rt !== null; rt = rt.next) {
        if (rt.refcnt !== 0) continue;
        sampled++;
        if (victim !== null && this.score(rt) >= this.score(victim)) continue;
        victim = rt;
        at = this.rover;
      }
    }
    if (victim !== null) this.unlink(victim, at);
    else this.stats[RT_STAT_GC_GOAL_MISS]++;
    return victim !== null;
  }

  /** Looks at the next `chains` chains: entries not used for `limit` ms go, the deeper in a chain the sooner. */
  private sweep(chains: number, limit: number): void {
    for (let i = 0; i < chains; i++) {
      this.rover = (this.rover + 1) & (RT_HASH_SIZE - 1);
      let tmo = limit;
      for (let rt = this.heads[this.rover]; rt !== null; rt = rt.next) {
        if (this.mayExpire(rt, tmo, limit)) this.unlink(rt, this.rover);
        else tmo /= 2;
      }
    }
  }

  /** Every gc_interval: the part of the chains that lets each be seen once in gc_timeout (rt_check_expire). */
  private checkExpire(): void {
    const { gcInterval, gcTimeout } = this.settings;
    this.sweep(Math.min(RT_HASH_SIZE, Math.ceil((RT_HASH_SIZE * gcInterval) / Math.max(gcTimeout, 1))), gcTimeout);
    if (this.size > 0 && gcInterval > 0) this.net.softirq.modTimer(this.timer, gcInterval);
  }

  private unlink(rt: CachedRoute, hash: number): void {
    const { heads } = this;
    const head = heads[hash];
    if (head === rt) heads[hash] = rt.next;
    else {
      let before = head;
      while (before !== null && before.next !== rt) before = before.next;
      if (before === null) return;
      before.next = rt.next;
    }
    this.size--;
  }
}
