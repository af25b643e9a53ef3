/**
 * fib-info.ts — what routes with the same next hops share (cf. Linux net/ipv4/fib_semantics.c).
 *
 * A FibInfo is found again by its contents: ten routes by one gateway have one, with treeref 10. It hangs in two
 * indexes besides: by device, so that a device that goes down finds its routes without a walk through the tables, and
 * by preferred source, for an address that goes away.
 */
import { type NetDevice, RT_SCOPE_NOWHERE } from '@packetwalk/framework';
import type { RtEntry } from './rtable.ts';

/** Flags of a next hop and of a whole FibInfo (rtnetlink.h). */
export const RTNH_F_DEAD = 1;
export const RTNH_F_ONLINK = 4;
export const RTNH_F_LINKDOWN = 16;

/** Route metrics (RTAX_*), by number. */
export const RTAX_LOCK = 1;
export const RTAX_MTU = 2;
export const RTAX_WINDOW = 3;
export const RTAX_RTT = 4;
export const RTAX_RTTVAR = 5;
export const RTAX_ADVMSS = 8;
export const RTAX_HOPLIMIT = 10;
export const RTAX_FEATURES = 12;
export const RTAX_CC_ALGO = 16;

/** A learned exception to a next hop: for one destination, another gateway or a smaller path MTU (fib_nh_exception). */
export interface FibNhException {
  readonly daddr: number;
  /** Out of date when what was learned has been forgotten since. */
  readonly genid: number;
  gw: number;
  pmtu: number;
  mtuLocked: boolean;
  /** Jiffies; 0: never. */
  expires: number;
  rthInput: RtEntry | null;
  rthOutput: RtEntry | null;
  used: number;
}

export class FibNh {
  readonly oif: number;
  readonly gw: number;
  readonly weight: number;
  dev: NetDevice | null = null;
  /** Scope of the next hop itself: LINK for a gateway, HOST for a direct route. */
  scope: number = RT_SCOPE_NOWHERE;
  flags: number;
  /** Realms of what goes by it (nh_tclassid): for people and their listings. */
  realms = 0;
  /** Share of the hash space, 0 … 2^31−1; -1: none (fib_nh_upper_bound). */
  upperBound = 0;
  /** Source address by this hop, valid while `saddrGenid` is current. */
  saddr = 0;
  saddrGenid = -1;
  /** Destinations made once and used for every packet of the hop. */
  rthInput: RtEntry | null = null;
  rthOutput: RtEntry | null = null;
  exceptions: Map<number, FibNhException> | null = null;

  constructor(oif: number, gw: number, weight: number, flags: number) {
    this.oif = oif;
    this.gw = gw;
    this.weight = weight;
    this.flags = flags;
  }
}

export class FibInfo {
  readonly id: number;
  /** Table of its routes: those of different tables never share. */
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  /** Route type at creation; routes of different types never share. */
  readonly type: number;
  readonly priority: number;
  readonly prefsrc: number;
  /** By RTAX_* number. */
  readonly metrics: ReadonlyMap<number, number>;
  readonly nhs: readonly FibNh[];
  flags = 0;
  /** Routes that have it. */
  treeref = 0;
  /** No route has it any more. */
  dead = false;
  private marked = false;
  /** What its only next hop lives and dies with; FOREVER when there are several, or it outlives its device. */
  era: Era = FOREVER;
  readonly key: string;

  constructor(id: number, key: string, init: FibInfoInit) {
    this.id = id;
    this.key = key;
    this.table = init.table;
    this.protocol = init.protocol;
    this.scope = init.scope;
    this.type = init.type;
    this.priority = init.priority;
    this.prefsrc = init.prefsrc;
    this.metrics = init.metrics;
    this.nhs = init.nhs;
  }

  /** Its routes are gone for everybody who looks; the tables let go of them piece by piece. */
  get retired(): boolean {
    return this.marked || this.era.over;
  }

  retire(): void {
    this.marked = true;
    this.flags |= RTNH_F_DEAD;
  }
}

/**
 * The time from a device's going up to its going down, and the FibInfos by one next hop on it: they all end with it, by one word.
 * To mark a hundred thousand of them took 30 ms and more, each being somewhere else in memory.
 */
export class Era {
  over = false;
  readonly members: Set<FibInfo> = new Set();
}
const FOREVER = new Era();

export interface FibInfoInit {
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  readonly type: number;
  readonly priority: number;
  readonly prefsrc: number;
  readonly metrics: ReadonlyMap<number, number>;
  readonly nhs: readonly FibNh[];
}

/** Makes, shares and indexes the FibInfos of one router. */
export class FibInfoTable {
  private readonly byKey = new Map<string, FibInfo>();
  private readonly eras = new Map<NetDevice, Era>();
  /** Those of no era. */
  private readonly byDevice = new Map<NetDevice, Set<FibInfo>>();
  private readonly byPrefsrc = new Map<number, Set<FibInfo>>();
  private nextId = 1;

  get size(): number {
    return this.byKey.size;
  }

  /** The FibInfo with these contents: an existing one, or a new one. The caller counts the reference. */
  share(init: FibInfoInit): FibInfo {
    const key = keyOf(init);
    const known = this.byKey.get(key);
    if (known !== undefined && !known.retired) return known;
    const fi = new FibInfo(this.nextId++, key, init);
    this.byKey.set(key, fi);
    this.index(fi);
    if (fi.prefsrc !== 0) add(this.byPrefsrc, fi.prefsrc, fi);
    rebalance(fi);
    return fi;
  }

  private index(fi: FibInfo): void {
    const { nhs } = fi;
    const { dev, scope } = nhs[0] ?? { dev: null, scope: 0 };
    if (nhs.length === 1 && dev !== null && scope !== RT_SCOPE_NOWHERE) {
      let era = this.eras.get(dev);
      if (era === undefined) {
        era = new Era();
        this.eras.set(dev, era);
      }
      fi.era = era;
      era.members.add(fi);
    } else for (const nh of nhs) if (nh.dev !== null) add(this.byDevice, nh.dev, fi);
  }

  /** The device has gone down: its FibInfos of one next hop are retired. Null: there were none. The caller has them forgotten. */
  endEra(dev: NetDevice): Era | null {
    const era = this.eras.get(dev);
    if (era === undefined) return null;
    era.over = true;
    this.eras.delete(dev);
    return era.members.size === 0 ? null : era;
  }

  /** A route lets go of it (fib_release_info). */
  release(fi: FibInfo): void {
    if (--fi.treeref > 0) return;
    fi.dead = true;
    if (!fi.retired) this.forget(fi);
  }

  /** These are all that the device has left: the others are retired. */
  keepOnDevice(dev: NetDevice, survivors: Set<FibInfo>): void {
    if (survivors.size > 0) this.byDevice.set(dev, survivors);
    else this.byDevice.delete(dev);
  }

  /** Takes a FibInfo out of the indexes. Nobody finds a retired one; a route like its own has got another. */
  forget(fi: FibInfo): void {
    fi.era.members.delete(fi);
    if (this.byKey.get(fi.key) === fi) this.byKey.delete(fi.key);
    for (const nh of fi.nhs) {
      if (nh.dev !== null) remove(this.byDevice, nh.dev, fi);
      dropRoutes(nh);
    }
    if (fi.prefsrc !== 0) remove(this.byPrefsrc, fi.prefsrc, fi);
  }

  /** All FibInfos with a next hop on the device. */
  *onDevice(dev: NetDevice): Iterable<FibInfo> {
    yield* this.eras.get(dev)?.members ?? [];
    yield* this.ofNoEra(dev);
  }

  /** Those that do not all end with it. */
  ofNoEra(dev: NetDevice): Iterable<FibInfo> {
    return this.byDevice.get(dev) ?? [];
  }

  withPrefsrc(address: number): Iterable<FibInfo> {
    return this.byPrefsrc.get(address) ?? [];
  }

  all(): Iterable<FibInfo> {
    return [...this.byKey.values()].filter((fi) => !fi.retired);
  }
}

function keyOf(init: FibInfoInit): string {
  const nhs = init.nhs.map(
    (nh) => `${nh.dev?.ifindex ?? 0},${nh.gw},${nh.weight},${nh.flags & ~(RTNH_F_DEAD | RTNH_F_LINKDOWN)},${nh.scope},${nh.realms}`,
  );
  const metrics = [...init.metrics].map(([k, v]) => `${k}=${v}`);
  return `${init.table} ${init.protocol} ${init.scope} ${init.type} ${init.priority} ${init.prefsrc} ${metrics.join(',')} ${nhs.join(';')}`;
}

function add<K>(index: Map<K, Set<FibInfo>>, key: K, fi: FibInfo): void {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([fi]));
  else set.add(fi);
}

function remove<K>(index: Map<K, Set<FibInfo>>, key: K, fi: FibInfo): void {
  const set = index.get(key);
  if (set?.delete(fi) === true && set.size === 0) index.delete(key);
}

/** Marks the destinations made for a next hop as out of date, and forgets what was learned about it. */
export function dropRoutes(nh: FibNh): void {
  for (const rt of [nh.rthInput, nh.rthOutput]) if (rt !== null) rt.obsolete = 1;
  nh.rthInput = null;
  nh.rthOutput = null;
  for (const fnhe of nh.exceptions?.values() ?? []) {
    for (const rt of [fnhe.rthInput, fnhe.rthOutput]) if (rt !== null) rt.obsolete = 1;
  }
  nh.exceptions = null;
}

/** Deals the hash space out to the live next hops by weight (fib_rebalance). */
export function rebalance(fi: FibInfo, skipLinkdown: (dev: NetDevice) => boolean = () => false): void {
  if (fi.nhs.length < 2) return;
  const usable = (nh: FibNh): boolean =>
    (nh.flags & RTNH_F_DEAD) === 0 && !((nh.flags & RTNH_F_LINKDOWN) !== 0 && nh.dev !== null && skipLinkdown(nh.dev));
  const total = fi.nhs.reduce((sum, nh) => (usable(nh) ? sum + nh.weight : sum), 0);
  let sum = 0;
  for (const nh of fi.nhs) {
    if (!usable(nh)) {
      nh.upperBound = -1;
      continue;
    }
    sum += nh.weight;
    nh.upperBound = Math.round((sum * 0x80000000) / total) - 1;
  }
}
