/**
 * fib.ts — all routing tables of a router, the rules over them, and the routes that addresses make
 * (cf. Linux net/ipv4/fib_frontend.c).
 */
import {
  CommandError,
  type FibBackendFactory,
  type Flow,
  IFA_F_NOPREFIXROUTE,
  IFA_F_SECONDARY,
  IFF_LOOPBACK,
  type Ifaddr,
  inetMakeMask,
  ipv4IsLbcast,
  ipv4IsMulticast,
  ipv4IsZeronet,
  isUp,
  LocalFibStorage,
  type Net,
  type NetDevice,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_TABLE_DEFAULT,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RTPROT_KERNEL,
  Timer,
} from '@packetwalk/framework';
import { ifaByPrefix, inetIfaMatch } from './devinet.ts';
import type { FibAlias } from './fib-alias.ts';
import { type FibInfo, FibInfoTable, RTNH_F_DEAD, RTNH_F_LINKDOWN } from './fib-info.ts';
import { FibRules } from './fib-rules.ts';
import { createFibInfo, fibSyncDownAddr, fibSyncDownDev, fibSyncUp, type RouteConfig, type SyncDown } from './fib-semantics.ts';
import { FibResult, FibTable, type RouteMatch, type RouteVerb } from './fib-table.ts';

/** Prefixes that are looked over at a time when routes are taken out: some milliseconds. */
const SWEEP_SLICE = 512;

/** A route as listings and events see it. */
export interface RouteEntry {
  readonly table: number;
  readonly prefix: number;
  readonly length: number;
  readonly alias: FibAlias;
}

export class Fib {
  readonly net: Net;
  readonly infos: FibInfoTable = new FibInfoTable();
  readonly rules: FibRules;
  private readonly factory: FibBackendFactory;
  private readonly tables = new Map<number, FibTable>();
  private readonly found = new FibResult();
  /** Somebody added a local route by hand: whole networks may be ours, not only addresses of devices. */
  customLocal = false;
  /** Answers to lookups may have changed. */
  onChange: () => void = () => {};
  /** A route to this broadcast address was made: a neighbour entry for it is out of date (arp_invalidate). */
  onBroadcast: (dev: NetDevice, address: number) => void = () => {};
  /** True for a device whose next hops are skipped while it has no carrier. */
  readonly skipsLinkdown = (dev: NetDevice): boolean => (dev.inDev?.cnf.ignoreRoutesWithLinkdown ?? 0) !== 0;

  /** FibInfos that are retired and still in the indexes. */
  private readonly forgetting: Iterable<FibInfo>[] = [];
  private sweeping: Iterator<void> | null = null;
  private readonly sweeper = new Timer('fib', () => this.sweepSlice());

  constructor(net: Net, factory: FibBackendFactory) {
    this.net = net;
    this.factory = factory;
    this.rules = new FibRules(net, (id) => this.tables.get(id));
    this.rules.onChange = () => this.onChange();
  }

  table(id: number): FibTable | undefined {
    return this.tables.get(id);
  }

  /** Tables that exist, by rising id. */
  allTables(): FibTable[] {
    return [...this.tables.values()].sort((a, b) => a.id - b.id);
  }

  /** Tables in the order in which the kernel lists them: by the low byte of their id, younger ones first. */
  dumpOrder(): FibTable[] {
    return [...this.tables.values()].reverse().sort((a, b) => (a.id & 255) - (b.id & 255));
  }

  isMain(table: number): boolean {
    return table === 0 || table === RT_TABLE_MAIN;
  }

  /** The table, made on first use (fib_new_table). */
  newTable(id: number): FibTable {
    let table = this.tables.get(id);
    if (table === undefined) {
      // The kernel puts local routes into the main table as long as nobody makes rules, so it makes that one first.
      if (id === RT_TABLE_LOCAL && !this.rules.unmerged) this.newTable(RT_TABLE_MAIN);
      table = new FibTable(id, this.factory.create({ table: id, storage: new LocalFibStorage() }), this.infos);
      this.tables.set(id, table);
      if (id === RT_TABLE_LOCAL) this.rules.local = table;
      else if (id === RT_TABLE_MAIN) this.rules.main = table;
      else if (id === RT_TABLE_DEFAULT) this.rules.dflt = table;
    }
    return table;
  }

  loopbackIndex(): number {
    return this.net.device('lo')?.ifindex ?? 1;
  }

  lookup(flow: Flow, res: FibResult, flags = 0): number {
    return this.rules.lookup(flow, res, flags);
  }

  /** Adds or changes a route. Throws CommandError with nothing changed. */
  addRoute(config: RouteConfig, verb: RouteVerb): void {
    // A table that was asked for is there from then on, whatever becomes of the route.
    const table = this.newTable(config.table);
    checkPrefix(config.prefix, config.length);
    const fi = createFibInfo(this, config);
    fi.treeref++;
    try {
      table.insert(config, fi, verb);
    } finally {
      this.infos.release(fi);
    }
    if (config.type === RTN_LOCAL && config.protocol !== RTPROT_KERNEL) this.customLocal = true;
    this.net.notifier.emit('route:add', config);
    this.onChange();
  }

  delRoute(table: number, match: RouteMatch): void {
    checkPrefix(match.prefix, match.length);
    const found = this.tables.get(table);
    if (found === undefined) throw new CommandError('RTNETLINK answers: No such process', 2);
    const alias = found.delete(match);
    const entry: RouteEntry = { table, prefix: match.prefix, length: match.length, alias };
    this.net.notifier.emit('route:del', entry);
    this.onChange();
  }

  /** All routes of a table in listing order. */
  *routes(table: FibTable): Iterable<RouteEntry> {
    for (const { prefix, length } of table.rib.entries()) {
      for (const alias of table.aliases(prefix, length)) yield { table: table.id, prefix, length, alias };
    }
  }

  /** RTN_* of an address by the local table (inet_addr_type); only routes on `dev` count when it is given. */
  addrType(address: number, dev: NetDevice | null = null): number {
    if (ipv4IsZeronet(address) || ipv4IsLbcast(address)) return RTN_BROADCAST;
    if (ipv4IsMulticast(address)) return RTN_MULTICAST;
    const local = this.tables.get(RT_TABLE_LOCAL);
    if (local === undefined) return RTN_BROADCAST;
    this.found.clear();
    const flow: Flow = { daddr: address, saddr: 0, tos: 0, iif: 0, oif: 0, mark: 0, protocol: 0, scope: 0, sport: 0, dport: 0, flags: 0 };
    if (local.lookup(flow, this.found, 0) !== 0) return RTN_UNICAST;
    return dev === null || this.found.nh?.dev === dev ? this.found.type : RTN_UNICAST;
  }

  /** The device of a local route to the address, or null. */
  localDevice(address: number): NetDevice | null {
    return this.addrType(address) === RTN_LOCAL ? (this.found.nh?.dev ?? null) : null;
  }

  /** The routes of a new address (fib_add_ifaddr). */
  addIfaddr(ifa: Ifaddr): void {
    const { inDev, mask, prefixlen, broadcast } = ifa;
    const { dev } = inDev;
    const prefix = ifa.address & mask;
    const primary = (ifa.flags & IFA_F_SECONDARY) !== 0 ? ifaByPrefix(inDev, prefix, mask) : ifa;
    if (primary === null) return;
    this.magic('add', RTN_LOCAL, ifa.local, 32, primary, 0);
    if (!isUp(dev)) return;
    if (broadcast !== 0 && broadcast !== -1) {
      this.magic('add', RTN_BROADCAST, broadcast, 32, primary, 0);
      this.onBroadcast(dev, broadcast);
    }
    if (ipv4IsZeronet(prefix) || (ifa.flags & IFA_F_SECONDARY) !== 0 || (prefix === ifa.local && prefixlen === 32)) return;
    if ((ifa.flags & IFA_F_NOPREFIXROUTE) === 0) {
      const type = (dev.flags & IFF_LOOPBACK) !== 0 ? RTN_LOCAL : RTN_UNICAST;
      this.magic('add', type, prefix, prefixlen, primary, ifa.metric);
    }
    if (prefixlen < 31) {
      this.magic('add', RTN_BROADCAST, prefix | ~mask, 32, primary, 0);
      this.onBroadcast(dev, prefix | ~mask);
    }
  }

  /**
   * Takes out the routes of an address that no other address still needs (fib_del_ifaddr). With `iprim` set, the
   * routes of a secondary move away from that primary, which is about to go.
   */
  delIfaddr(ifa: Ifaddr, iprim: Ifaddr | null): void {
    const { inDev, mask, prefixlen } = ifa;
    const any = ifa.address & mask;
    const brd = ifa.address | ~mask;
    let primary: Ifaddr = ifa;
    let subnet = false;
    if ((ifa.flags & IFA_F_SECONDARY) !== 0) {
      const found = iprim ?? ifaByPrefix(inDev, any, mask);
      if (found === null) return;
      primary = found;
    } else if (!ipv4IsZeronet(any) && (any !== ifa.local || prefixlen < 32)) {
      if ((ifa.flags & IFA_F_NOPREFIXROUTE) === 0) {
        const type = (inDev.dev.flags & IFF_LOOPBACK) !== 0 ? RTN_LOCAL : RTN_UNICAST;
        this.magic('delete', type, any, prefixlen, primary, ifa.metric);
      }
      subnet = true;
    }
    const kept = this.stillNeeded(ifa, primary, iprim);
    if (!kept.broadcast) this.magic('delete', RTN_BROADCAST, ifa.broadcast, 32, primary, 0);
    if (subnet && prefixlen < 31) {
      if (!kept.high) this.magic('delete', RTN_BROADCAST, brd, 32, primary, 0);
      if (!kept.low) this.magic('delete', RTN_BROADCAST, any, 32, primary, 0);
    }
    if (kept.local) return;
    this.magic('delete', RTN_LOCAL, ifa.local, 32, primary, 0);
    if (!kept.stays && this.addrType(ifa.local, inDev.dev) !== RTN_LOCAL) this.flush(fibSyncDownAddr(this, ifa.local));
  }

  /** Moves the route of an address's network to another metric, before the address has it (fib_modify_prefix_metric). */
  changeMetric(ifa: Ifaddr, metric: number): void {
    const { inDev, mask, prefixlen } = ifa;
    const { dev } = inDev;
    const prefix = ifa.address & mask;
    if (!isUp(dev) || (ifa.flags & (IFA_F_SECONDARY | IFA_F_NOPREFIXROUTE)) !== 0) return;
    if (ipv4IsZeronet(prefix) || (prefix === ifa.local && prefixlen === 32)) return;
    const type = (dev.flags & IFF_LOOPBACK) !== 0 ? RTN_LOCAL : RTN_UNICAST;
    this.magic('add', type, prefix, prefixlen, ifa, metric);
    this.magic('delete', type, prefix, prefixlen, ifa, ifa.metric);
    this.onChange();
  }

  /** Which of an address's routes other addresses of the device make too. */
  private stillNeeded(
    ifa: Ifaddr,
    primary: Ifaddr,
    iprim: Ifaddr | null,
  ): { local: boolean; broadcast: boolean; high: boolean; low: boolean; stays: boolean } {
    const kept = { local: false, broadcast: ifa.broadcast === 0 || ifa.broadcast === -1, high: false, low: false, stays: false };
    const { inDev, mask } = ifa;
    const any = ifa.address & mask;
    const brd = ifa.address | ~mask;
    const covers = (address: number): void => {
      if (ifa.broadcast === address) kept.broadcast = true;
      if (brd === address) kept.high = true;
      if (any === address) kept.low = true;
    };
    for (const other of inDev.ifaList) {
      if (other === ifa) {
        kept.stays = true;
        continue;
      }
      if (iprim !== null && other.mask === iprim.mask && inetIfaMatch(other.address, iprim)) continue;
      const otherPrimary = (other.flags & IFA_F_SECONDARY) !== 0 ? ifaByPrefix(inDev, other.address, other.mask) : other;
      // Routes carry their preferred source: another source means other routes.
      if (otherPrimary === null || otherPrimary.local !== primary.local) continue;
      if (ifa.local === other.local) kept.local = true;
      if (other.broadcast !== 0) covers(other.broadcast);
      if (otherPrimary === other && other.prefixlen < 31) {
        const otherAny = other.address & other.mask;
        if (!ipv4IsZeronet(otherAny)) covers(other.address | ~other.mask);
      }
    }
    return kept;
  }

  /** The device is up: the routes of its addresses, and next hops on it live again. */
  deviceUp(dev: NetDevice): void {
    for (const ifa of dev.inDev?.ifaList ?? []) this.addIfaddr(ifa);
    fibSyncUp(this, dev, RTNH_F_DEAD);
    this.onChange();
  }

  /** The device is down or going for good: routes by it are dead and flushed (fib_disable_ip). */
  deviceDown(dev: NetDevice, why: SyncDown, force: boolean): void {
    const died = fibSyncDownDev(this, dev, why, force);
    const era = this.infos.endEra(dev);
    if (era !== null) this.forgetting.push(era.members);
    this.flush(died, era !== null);
    this.onChange();
  }

  carrierChanged(dev: NetDevice): void {
    if (dev.carrier) fibSyncUp(this, dev, RTNH_F_LINKDOWN);
    else fibSyncDownDev(this, dev, 'carrier', false);
    this.onChange();
  }

  /** An address was added: hops that were dead for want of an address live again. */
  addressUp(ifa: Ifaddr): void {
    this.addIfaddr(ifa);
    fibSyncUp(this, ifa.inDev.dev, RTNH_F_DEAD);
    this.onChange();
  }

  addressDown(ifa: Ifaddr): void {
    this.delIfaddr(ifa, null);
    const { dev, ifaList } = ifa.inDev;
    if (ifaList.length === 0) this.deviceDown(dev, 'down', true);
    else this.onChange();
  }

  /**
   * Takes out all routes with these FibInfos (fib_flush). From now on no packet and no listing finds them; the tables let
   * go of them in slices, so that packets do not wait for a hundred thousand of them.
   */
  private flush(died: readonly FibInfo[], more = false): void {
    if (died.length === 0 && !more) return;
    this.forgetting.push(died);
    // What is known of default routes is for them alone: they go at once.
    for (const table of this.tables.values()) table.flushPrefix(0, 0, ({ fi }) => fi.retired);
    this.sweeping = this.sweep();
    this.sweepSlice();
    this.onChange();
  }

  private *sweep(): IterableIterator<void> {
    // Another flush begins anew: what is forgotten already may be forgotten again.
    for (let gone = this.forgetting.at(-1); gone !== undefined; gone = this.forgetting.at(-1)) {
      for (const fi of gone) {
        fi.retire();
        this.infos.forget(fi);
        yield;
      }
      this.forgetting.pop();
    }
    for (const table of this.tables.values()) yield* table.sweep();
  }

  private sweepSlice(): void {
    const { softirq } = this.net;
    softirq.delTimer(this.sweeper);
    for (let n = 0; n < SWEEP_SLICE; n++) {
      if (this.sweeping?.next().done !== false) {
        this.sweeping = null;
        return;
      }
    }
    softirq.modTimer(this.sweeper, 1);
  }

  /** Routes are gone that tables still hold. */
  get unswept(): boolean {
    return this.sweeping !== null;
  }

  dispose(): void {
    this.net.softirq.delTimer(this.sweeper);
  }

  /** A route that an address makes by itself (fib_magic). Deleting one that is not there is no error. */
  private magic(verb: 'add' | 'delete', type: number, prefix: number, length: number, ifa: Ifaddr, priority: number): void {
    const table = type === RTN_UNICAST ? RT_TABLE_MAIN : RT_TABLE_LOCAL;
    const oif = ifa.inDev.dev.ifindex;
    const scope = type === RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_LINK;
    if (verb === 'delete') {
      try {
        this.delRoute(table, {
          prefix,
          length,
          tos: 0,
          type,
          scope: RT_SCOPE_NOWHERE,
          protocol: RTPROT_KERNEL,
          prefsrc: ifa.local,
          ...(priority === 0 ? {} : { priority }),
          nexthops: (fi) => fi.nhs[0].oif === oif,
        });
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
      }
      return;
    }
    const config: RouteConfig = {
      prefix: prefix & inetMakeMask(length),
      length,
      tos: 0,
      type,
      scope,
      table,
      protocol: RTPROT_KERNEL,
      priority,
      prefsrc: ifa.local,
      metrics: new Map(),
      nexthops: [{ gw: 0, oif, weight: 1, flags: 0 }],
      origin: ifa.inDev.dev.origin,
    };
    try {
      this.addRoute(config, 'append');
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
  }
}

function checkPrefix(prefix: number, length: number): void {
  if ((prefix & ~inetMakeMask(length)) !== 0) throw new CommandError('Error: Invalid prefix for given prefix length.', 2);
}
