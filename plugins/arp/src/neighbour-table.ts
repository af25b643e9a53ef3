/**
 * neighbour-table.ts — the neighbours of one router: making, finding and deleting entries (cf. Linux
 * net/core/neighbour.c). It knows no protocol: what an address means, and how to ask for it, is the protocol's.
 */
import {
  type Neighbour,
  type NeighOps,
  type NeighTable,
  type Net,
  type NetDevice,
  NUD_NOARP,
  NUD_NONE,
  NUD_PERMANENT,
  NUD_VALID,
  type Random,
  SKB_DROP_REASON_NEIGH_DEAD,
  type Softirq,
  Timer,
} from '@packetwalk/framework';
import { NeighbourEntry, NTF_EXT_LEARNED, NTF_MANAGED, neighBlackhole } from './neighbour-entry.ts';
import { NeighbourGc } from './neighbour-gc.ts';
import { NeighbourHash } from './neighbour-hash.ts';
import { NeighParmsTable } from './neighbour-parms.ts';
import { NEIGH_ALLOCS, NEIGH_DESTROYS, NEIGH_HASH_GROWS, NEIGH_HITS, NEIGH_LOOKUPS, NEIGH_TABLE_FULLS } from './neighbour-stat.ts';
import { neighEventSend, neighTimerHandler } from './neighbour-state.ts';
import { neighUpdate } from './neighbour-update.ts';

/** What the table asks of its protocol, beside soliciting and reporting errors. */
export interface NeighProtocol extends NeighOps {
  /** The address under which a next hop is kept: devices with one neighbour only keep all under 0. */
  primaryKey(key: number, dev: NetDevice): number;
  /** Fills in type, ways of output, and state and address where they follow from the protocol address. */
  construct(neigh: NeighbourEntry): void;
  isMulticast(key: number): boolean;
}

export class NeighbourTable implements NeighTable {
  readonly net: Net;
  readonly softirq: Softirq;
  readonly stats: Float64Array;
  readonly ops: NeighProtocol;
  readonly parms: NeighParmsTable;
  readonly gc: NeighbourGc;
  /** Raised by every change of a state: what the collector found out may be wrong then. */
  stateChanges = 0;
  private readonly hash: NeighbourHash;
  /** All entries, oldest first. */
  private readonly all = new Set<NeighbourEntry>();
  private readonly managed = new Set<NeighbourEntry>();
  private readonly managedTimer: Timer;

  constructor(net: Net, ops: NeighProtocol, stats: Float64Array, random: Random) {
    this.net = net;
    this.softirq = net.softirq;
    this.ops = ops;
    this.stats = stats;
    this.parms = new NeighParmsTable(random);
    this.hash = new NeighbourHash(random);
    this.gc = new NeighbourGc(this);
    this.managedTimer = new Timer('arp', () => this.probeManaged());
  }

  /** Entries in the table. */
  get size(): number {
    return this.hash.size;
  }

  /** The entry kept under exactly this address, or null. */
  find(key: number, dev: NetDevice): NeighbourEntry | null {
    return this.hash.find(key, dev);
  }

  resolve(key: number, dev: NetDevice): NeighbourEntry | null {
    const primary = this.ops.primaryKey(key, dev);
    return this.hash.find(primary, dev) ?? this.create(primary, dev);
  }

  lookup(key: number, dev: NetDevice): NeighbourEntry | null {
    const neigh = this.hash.find(this.ops.primaryKey(key, dev), dev);
    this.stats[NEIGH_LOOKUPS]++;
    if (neigh !== null) this.stats[NEIGH_HITS]++;
    return neigh;
  }

  /**
   * Makes an entry, or finds the one that is there (___neigh_create). Null when the table is full.
   * @param flags NTF_EXT_LEARNED and NTF_MANAGED
   * @param exempt the entry does not count against the limits and is never collected
   */
  create(key: number, dev: NetDevice, flags = 0, exempt = false): NeighbourEntry | null {
    if (!exempt && !this.gc.makeRoom()) {
      this.stats[NEIGH_TABLE_FULLS]++;
      return null;
    }
    const primary = this.ops.primaryKey(key, dev);
    const known = this.hash.find(primary, dev);
    if (known !== null) return known;
    const neigh = new NeighbourEntry(this, primary, dev, this.parms.of(dev));
    neigh.flags = flags;
    this.ops.construct(neigh);
    this.stats[NEIGH_ALLOCS]++;
    this.hash.insert(neigh);
    this.stats[NEIGH_HASH_GROWS] = this.hash.grows;
    this.all.add(neigh);
    if (!exempt) this.gc.add(neigh);
    if ((flags & NTF_MANAGED) !== 0) this.manage(neigh);
    return neigh;
  }

  eventSend(neigh: Neighbour): void {
    neighEventSend(neigh as NeighbourEntry, null);
  }

  update(neigh: Neighbour, ha: Uint8Array | null, nudState: number, flags: number): void {
    neighUpdate(neigh as NeighbourEntry, ha, nudState, flags);
  }

  confirm(neigh: Neighbour): void {
    neigh.confirmed = this.softirq.jiffies;
  }

  entries(): Iterable<NeighbourEntry> {
    return this.all;
  }

  /** Deletes an entry; false when it is held by its timer (neigh_remove_one). */
  removeOne(neigh: NeighbourEntry): boolean {
    if (neigh.refcnt !== 0) return false;
    this.destroy(neigh);
    return true;
  }

  /** Deletes the entries of a device; with `skipPermanent` those an administrator or another program made stay (neigh_flush_dev). */
  flushDev(dev: NetDevice, skipPermanent: boolean): void {
    for (const neigh of this.all) {
      if (neigh.dev !== dev) continue;
      if (skipPermanent && ((neigh.nudState & NUD_PERMANENT) !== 0 || (neigh.flags & NTF_EXT_LEARNED) !== 0)) continue;
      neigh.stopTimer();
      this.destroy(neigh);
    }
  }

  /** Deletes everything and stops all timers. */
  dispose(): void {
    for (const neigh of this.all) {
      neigh.stopTimer();
      this.destroy(neigh);
    }
    this.softirq.delTimer(this.managedTimer);
    this.gc.dispose();
  }

  /** State or address of an entry changed, or it was deleted (neigh_update_notify). */
  notify(neigh: NeighbourEntry): void {
    this.net.notifier.emit('neigh:update', neigh);
  }

  timerExpired(neigh: NeighbourEntry): void {
    neighTimerHandler(neigh);
  }

  /** An administrator made the entry permanent, learned or managed, or no longer so (neigh_update_gc_list). */
  updateLists(neigh: NeighbourEntry): void {
    const exempt = (neigh.nudState & NUD_PERMANENT) !== 0 || (neigh.flags & NTF_EXT_LEARNED) !== 0;
    if (exempt) this.gc.remove(neigh);
    else this.gc.add(neigh);
    if ((neigh.flags & NTF_MANAGED) !== 0) this.manage(neigh);
    else this.managed.delete(neigh);
  }

  /** Takes an entry out for good. Whoever still has it sees `dead`, and sends nothing by it. */
  private destroy(neigh: NeighbourEntry): void {
    this.hash.remove(neigh);
    this.all.delete(neigh);
    this.gc.remove(neigh);
    this.managed.delete(neigh);
    neigh.dead = true;
    neigh.purge(SKB_DROP_REASON_NEIGH_DEAD);
    this.notify(neigh);
    neigh.output = neighBlackhole;
    neigh.nudState = (neigh.nudState & NUD_VALID) !== 0 ? NUD_NOARP : NUD_NONE;
    this.stats[NEIGH_DESTROYS]++;
  }

  private manage(neigh: NeighbourEntry): void {
    this.managed.add(neigh);
    if (!this.managedTimer.pending) this.softirq.modTimer(this.managedTimer, this.parms.dflt.vars.intervalProbeTime);
  }

  /** Uses each managed entry, so that it stays resolved (neigh_managed_work). */
  private probeManaged(): void {
    for (const neigh of this.managed) neighEventSend(neigh, null);
    if (this.managed.size > 0) this.softirq.modTimer(this.managedTimer, this.parms.dflt.vars.intervalProbeTime);
  }
}
