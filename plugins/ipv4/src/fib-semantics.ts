/**
 * fib-semantics.ts — from what a route says to a FibInfo: the checks of next hops, and what device and address changes
 * do to them (cf. Linux net/ipv4/fib_semantics.c fib_create_info, fib_check_nh, fib_sync_down_dev, fib_sync_up).
 */
import {
  CommandError,
  type Flow,
  isUp,
  type NetDevice,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTN_ANYCAST,
  RTN_BLACKHOLE,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_NAT,
  RTN_PROHIBIT,
  RTN_THROW,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from '@packetwalk/framework';
import type { Fib } from './fib.ts';
import { dropRoutes, type FibInfo, FibNh, RTNH_F_DEAD, RTNH_F_LINKDOWN, RTNH_F_ONLINK, rebalance } from './fib-info.ts';
import { FIB_LOOKUP_IGNORE_LINKSTATE, FibResult } from './fib-table.ts';

/** One next hop as typed. */
export interface NexthopConfig {
  readonly gw: number;
  readonly oif: number;
  readonly weight: number;
  readonly flags: number;
  /** Realms (RTA_FLOW): source << 16 | destination; 0: none. */
  readonly realms?: number;
}

/** A route as typed (fib_config). */
export interface RouteConfig {
  readonly prefix: number;
  readonly length: number;
  readonly tos: number;
  readonly type: number;
  readonly scope: number;
  readonly table: number;
  readonly protocol: number;
  readonly priority: number;
  readonly prefsrc: number;
  readonly metrics: ReadonlyMap<number, number>;
  /** One or more; for types without a next hop, one that is empty. */
  readonly nexthops: readonly NexthopConfig[];
  readonly origin?: string;
}

const refuse = (reason: string): CommandError => new CommandError(`Error: ${reason}.`, 2);

/** Widest scope that routes of a type may have (fib_props). */
const TYPE_SCOPE: Readonly<Record<number, number>> = {
  [RTN_UNICAST]: RT_SCOPE_UNIVERSE,
  [RTN_LOCAL]: RT_SCOPE_HOST,
  [RTN_BROADCAST]: RT_SCOPE_LINK,
  [RTN_ANYCAST]: RT_SCOPE_LINK,
  [RTN_MULTICAST]: RT_SCOPE_UNIVERSE,
  [RTN_BLACKHOLE]: RT_SCOPE_UNIVERSE,
  [RTN_UNREACHABLE]: RT_SCOPE_UNIVERSE,
  [RTN_PROHIBIT]: RT_SCOPE_UNIVERSE,
  [RTN_THROW]: RT_SCOPE_UNIVERSE,
  [RTN_NAT]: RT_SCOPE_NOWHERE,
};

const isErrorType = (type: number): boolean =>
  type === RTN_BLACKHOLE || type === RTN_UNREACHABLE || type === RTN_PROHIBIT || type === RTN_THROW;

/** The FibInfo for a route: a shared one when its contents are known (fib_create_info). Throws CommandError. */
export function createFibInfo(fib: Fib, config: RouteConfig): FibInfo {
  const { type, scope, protocol, priority, prefsrc, metrics } = config;
  if (TYPE_SCOPE[type] > scope) throw refuse('Invalid scope');
  const nhs: FibNh[] = [];
  if (isErrorType(type)) {
    const [nh] = config.nexthops;
    if (config.nexthops.length > 1 || nh.gw !== 0 || nh.oif !== 0) {
      throw refuse('Gateway, device and multipath can not be specified for this route type');
    }
    nhs.push(new FibNh(0, 0, 1, 0));
  } else if (scope > RT_SCOPE_HOST) {
    throw refuse('Invalid scope');
  } else if (scope === RT_SCOPE_HOST) {
    nhs.push(hostNexthop(fib, config));
  } else {
    for (const hop of config.nexthops) {
      const nh = hop.gw !== 0 ? gatewayNexthop(fib, config, hop) : directNexthop(fib, hop);
      nh.realms = hop.realms ?? 0;
      nhs.push(nh);
    }
  }
  if (prefsrc !== 0 && !validPrefsrc(fib, config)) throw refuse('Invalid prefsrc address');
  const fi = fib.infos.share({
    table: fib.isMain(config.table) ? RT_TABLE_MAIN : config.table,
    protocol,
    scope,
    type,
    priority,
    prefsrc,
    metrics,
    nhs,
  });
  if (nhs.every((nh) => (nh.flags & RTNH_F_LINKDOWN) !== 0)) fi.flags |= RTNH_F_LINKDOWN;
  return fi;
}

/** A local address: the hop is the device it is on, and nothing lies behind. */
function hostNexthop(fib: Fib, config: RouteConfig): FibNh {
  if (config.nexthops.length !== 1) throw refuse('Route with host scope can not have multiple nexthops');
  const [hop] = config.nexthops;
  if (hop.gw !== 0) throw refuse('Route with host scope can not have a gateway');
  const nh = new FibNh(hop.oif, 0, 1, hop.flags);
  nh.scope = RT_SCOPE_NOWHERE;
  nh.dev = fib.net.devByIndex[hop.oif] ?? null;
  if (nh.dev === null) throw new CommandError('RTNETLINK answers: No such device', 2);
  return nh;
}

function directNexthop(fib: Fib, hop: NexthopConfig): FibNh {
  if ((hop.flags & RTNH_F_ONLINK) !== 0) throw refuse('Invalid flags for nexthop - PERVASIVE and ONLINK can not be set');
  const dev = fib.net.devByIndex[hop.oif] ?? null;
  if (dev === null || dev.inDev === null) throw new CommandError('RTNETLINK answers: No such device', 2);
  if (!isUp(dev)) throw refuse('Device for nexthop is not up');
  const nh = new FibNh(hop.oif, 0, hop.weight, dev.carrier ? 0 : RTNH_F_LINKDOWN);
  nh.dev = dev;
  nh.scope = RT_SCOPE_HOST;
  return nh;
}

function gatewayNexthop(fib: Fib, config: RouteConfig, hop: NexthopConfig): FibNh {
  if ((hop.flags & RTNH_F_ONLINK) !== 0) return onlinkNexthop(fib, config, hop);
  const flow: Flow = {
    daddr: hop.gw,
    saddr: 0,
    tos: 0,
    iif: fib.loopbackIndex(),
    oif: hop.oif,
    mark: 0,
    protocol: 0,
    scope: Math.max(config.scope + 1, RT_SCOPE_LINK),
    sport: 0,
    dport: 0,
    flags: 0,
  };
  const res = new FibResult();
  const own = fib.isMain(config.table) ? undefined : fib.table(config.table);
  let error = own === undefined ? -1 : own.lookup(flow, res, FIB_LOOKUP_IGNORE_LINKSTATE);
  if (error !== 0) error = fib.lookup(flow, res, FIB_LOOKUP_IGNORE_LINKSTATE);
  const dev = res.nh?.dev ?? null;
  if (error !== 0 || dev === null || (res.type !== RTN_UNICAST && res.type !== RTN_LOCAL)) throw refuse('Nexthop has invalid gateway');
  if (!isUp(dev)) throw new CommandError('RTNETLINK answers: Network is down', 2);
  const nh = new FibNh(dev.ifindex, hop.gw, hop.weight, dev.carrier ? 0 : RTNH_F_LINKDOWN);
  nh.dev = dev;
  nh.scope = res.scope;
  return nh;
}

/** The person vouches that the gateway is on the link. */
function onlinkNexthop(fib: Fib, config: RouteConfig, hop: NexthopConfig): FibNh {
  if (config.scope >= RT_SCOPE_LINK) throw refuse('Nexthop has invalid scope');
  const dev = fib.net.devByIndex[hop.oif] ?? null;
  if (hop.oif === 0 || dev === null) throw refuse('Nexthop device required for onlink');
  if (!isUp(dev)) throw refuse('Nexthop device is not up');
  if (fib.addrType(hop.gw, dev) !== RTN_UNICAST) throw refuse('Nexthop has invalid gateway');
  const nh = new FibNh(hop.oif, hop.gw, hop.weight, RTNH_F_ONLINK | (dev.carrier ? 0 : RTNH_F_LINKDOWN));
  nh.dev = dev;
  nh.scope = RT_SCOPE_LINK;
  return nh;
}

/** The preferred source must be an address of this router (fib_valid_prefsrc). */
function validPrefsrc(fib: Fib, config: RouteConfig): boolean {
  if (config.type === RTN_LOCAL && config.prefix === config.prefsrc) return true;
  return fib.addrType(config.prefsrc) === RTN_LOCAL;
}

/** Why next hops on a device go dead. */
export type SyncDown = 'down' | 'unregister' | 'carrier';

/**
 * The device has gone down or lost its carrier: its next hops are marked, and routes without a live one are dead. When it has gone
 * down, those by one next hop end with its era instead (FibInfoTable.endEra).
 * Returns the FibInfos that became dead, and are retired.
 * @param force local addresses' own routes go too
 */
export function fibSyncDownDev(fib: Fib, dev: NetDevice, why: SyncDown, force: boolean): FibInfo[] {
  const died: FibInfo[] = [];
  const spared = force ? -1 : RT_SCOPE_NOWHERE;
  const survivors = new Set<FibInfo>();
  for (const fi of why === 'carrier' ? fib.infos.onDevice(dev) : fib.infos.ofNoEra(dev)) {
    if (fi.retired) continue;
    let dead = 0;
    for (const nh of fi.nhs) {
      if ((nh.flags & RTNH_F_DEAD) !== 0) dead++;
      else if (nh.dev === dev && nh.scope !== spared) {
        nh.flags |= why === 'carrier' ? RTNH_F_LINKDOWN : RTNH_F_DEAD | RTNH_F_LINKDOWN;
        dropRoutes(nh);
        dead++;
      }
      if (why === 'unregister' && nh.dev === dev) {
        dead = fi.nhs.length;
        break;
      }
    }
    if (dead === fi.nhs.length) {
      fi.flags |= why === 'carrier' ? RTNH_F_LINKDOWN : RTNH_F_DEAD | RTNH_F_LINKDOWN;
      if (why !== 'carrier') {
        fi.retire();
        died.push(fi);
        continue;
      }
    }
    survivors.add(fi);
    rebalance(fi, fib.skipsLinkdown);
  }
  if (why !== 'carrier') fib.infos.keepOnDevice(dev, survivors);
  return died;
}

/** The address has gone: routes of the main table that prefer it as source go too (fib_sync_down_addr); Linux leaves other tables alone. */
export function fibSyncDownAddr(fib: Fib, local: number): FibInfo[] {
  const died: FibInfo[] = [];
  for (const fi of fib.infos.withPrefsrc(local)) {
    if (fi.table !== RT_TABLE_MAIN || fi.retired) continue;
    fi.retire();
    died.push(fi);
  }
  return died;
}

/** The device is up, or its carrier is back: next hops on it live again (fib_sync_up). */
export function fibSyncUp(fib: Fib, dev: NetDevice, flag: number): void {
  if (!isUp(dev)) return;
  const flags = flag === RTNH_F_DEAD && dev.carrier ? flag | RTNH_F_LINKDOWN : flag;
  for (const fi of fib.infos.onDevice(dev)) {
    if (fi.retired) continue;
    let alive = 0;
    for (const nh of fi.nhs) {
      if ((nh.flags & flags) === 0) {
        if ((nh.flags & RTNH_F_DEAD) === 0) alive++;
      } else if (nh.dev === dev && dev.inDev !== null) {
        alive++;
        nh.flags &= ~flags;
      }
    }
    if (alive > 0) fi.flags &= ~flags;
    rebalance(fi, fib.skipsLinkdown);
  }
}
