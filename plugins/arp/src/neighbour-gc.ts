/**
 * neighbour-gc.ts — keeps the table bounded (cf. Linux net/core/neighbour.c neigh_forced_gc, neigh_periodic_work).
 *
 * Up to gc_thresh1 entries nothing is collected. Above, entries unused for gc_stale_time go in the periodic round.
 * With gc_thresh2 for five seconds, or gc_thresh3 reached, each new entry first forces a round that also takes what is
 * merely older than five seconds; when that frees nothing at gc_thresh3, there is no new entry. Entries that a timer
 * moves (being asked for, reachable) are never taken, so a flood cannot push out neighbours in use.
 */
import { NUD_FAILED, NUD_IN_TIMER, NUD_NOARP, NUD_PERMANENT, Timer } from '@packetwalk/framework';
import { type NeighbourEntry, NTF_EXT_LEARNED } from './neighbour-entry.ts';
import { NEIGH_FORCED_GC_RUNS, NEIGH_PERIODIC_GC_RUNS } from './neighbour-stat.ts';
import type { NeighbourTable } from './neighbour-table.ts';

/** Age from which an entry may be taken by force, and time that gc_thresh2 may be exceeded, ms. */
const FORCED_AGE = 5000;
/** Between draws of the reachable times, ms. */
const RAND_INTERVAL = 300_000;
/** Between warnings that the table is full, ms. */
const WARN_INTERVAL = 5000;
/** The periodic round never runs more often, ms: base_reachable_time may be set to 0. */
const MIN_PERIOD = 1000;

export class NeighbourGc {
  thresh1 = 128;
  thresh2 = 512;
  thresh3 = 1024;
  /** Shown as gc_interval; rounds follow base_reachable_time, as they do in the kernel. Ms. */
  interval = 30_000;
  private readonly tbl: NeighbourTable;
  /** Entries that count against the limits, oldest first (gc_list). */
  private readonly list = new Set<NeighbourEntry>();
  private readonly timer: Timer;
  private lastFlush: number;
  private lastRand: number;
  private lastWarning = Number.NEGATIVE_INFINITY;
  /** A forced round found nothing: the next one would not either, until this time and while no state changes. */
  private barrenUntil = Number.NEGATIVE_INFINITY;
  private barrenChanges = 0;

  constructor(tbl: NeighbourTable) {
    this.tbl = tbl;
    this.timer = new Timer('arp', () => this.periodicWork());
    this.lastFlush = tbl.softirq.jiffies;
    this.lastRand = tbl.softirq.jiffies;
  }

  /** Entries that count against the limits. */
  get entries(): number {
    return this.list.size;
  }

  /** The entry counts from now on; in again behind all others if it had been taken out. */
  add(neigh: NeighbourEntry): void {
    this.list.add(neigh);
    this.barrenUntil = Number.NEGATIVE_INFINITY;
    if (!this.timer.pending) this.tbl.softirq.modTimer(this.timer, this.period());
  }

  /** The entry no longer counts: it is deleted, or permanent, or another program's. */
  remove(neigh: NeighbourEntry): void {
    this.list.delete(neigh);
  }

  dispose(): void {
    this.tbl.softirq.delTimer(this.timer);
  }

  /** Room for one more entry that counts, made by force if need be (neigh_alloc). */
  makeRoom(): boolean {
    const entries = this.list.size;
    const { jiffies } = this.tbl.softirq;
    if (entries < this.thresh3 && (entries < this.thresh2 || jiffies <= this.lastFlush + FORCED_AGE)) return true;
    if (this.forcedGc() > 0 || entries < this.thresh3) return true;
    if (jiffies >= this.lastWarning + WARN_INTERVAL) {
      this.lastWarning = jiffies;
      this.tbl.net.log.warn(`neighbour table overflow: ${entries} entries (net.ipv4.neigh.default.gc_thresh3)`);
    }
    return false;
  }

  /** Takes entries that failed or are old, until gc_thresh2 is kept; how many it took. */
  private forcedGc(): number {
    const { tbl } = this;
    const { jiffies } = tbl.softirq;
    if (jiffies <= this.barrenUntil && tbl.stateChanges === this.barrenChanges) return 0;
    tbl.stats[NEIGH_FORCED_GC_RUNS]++;
    const wanted = this.list.size - this.thresh2;
    const oldest = jiffies - FORCED_AGE;
    let shrunk = 0;
    let nextOld = Number.POSITIVE_INFINITY;
    for (const neigh of this.list) {
      if (neigh.refcnt !== 0) continue;
      if ((neigh.nudState & (NUD_FAILED | NUD_NOARP)) !== 0 || tbl.ops.isMulticast(neigh.key) || neigh.updated < oldest) {
        if (tbl.removeOne(neigh)) shrunk++;
        if (shrunk >= wanted) break;
      } else {
        nextOld = Math.min(nextOld, neigh.updated + FORCED_AGE);
      }
    }
    this.lastFlush = jiffies;
    if (shrunk === 0) {
      // A flood asks for an entry with each packet: walking the whole list each time would cost 10 µs a packet.
      this.barrenUntil = nextOld;
      this.barrenChanges = tbl.stateChanges;
    }
    return shrunk;
  }

  /** Takes what failed or was not used for gc_stale_time. */
  private periodicWork(): void {
    const { tbl } = this;
    const { jiffies } = tbl.softirq;
    tbl.stats[NEIGH_PERIODIC_GC_RUNS]++;
    if (jiffies > this.lastRand + RAND_INTERVAL) {
      this.lastRand = jiffies;
      tbl.parms.drawReachableTimes();
    }
    if (tbl.size >= this.thresh1) for (const neigh of tbl.entries()) this.collectUnused(neigh, jiffies);
    if (tbl.size > 0) tbl.softirq.modTimer(this.timer, this.period());
  }

  private collectUnused(neigh: NeighbourEntry, jiffies: number): void {
    const state = neigh.nudState;
    if ((state & (NUD_PERMANENT | NUD_IN_TIMER)) !== 0 || (neigh.flags & NTF_EXT_LEARNED) !== 0) return;
    if (neigh.used < neigh.confirmed) neigh.used = neigh.confirmed;
    if (state === NUD_FAILED || jiffies >= neigh.used + neigh.parms.vars.gcStaletime) this.tbl.removeOne(neigh);
  }

  private period(): number {
    return Math.max(this.tbl.parms.dflt.vars.baseReachableTime >>> 1, MIN_PERIOD);
  }
}
