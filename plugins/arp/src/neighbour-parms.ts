/** neighbour-parms.ts — what can be set for the neighbours of a device (struct neigh_parms, net.ipv4.neigh.DEV.*). */
import type { NetDevice, Random } from '@packetwalk/framework';

/** Settings, all writable; times in ms, whatever unit their sysctls have. */
export interface NeighVars {
  /** Broadcast requests before an unknown neighbour has failed. */
  mcastProbes: number;
  /** Unicast requests to a neighbour that was known, before it is asked for anew or has failed. */
  ucastProbes: number;
  /** Times that an application is asked (`neigh:miss`) before broadcasts are sent. */
  appProbes: number;
  /** Broadcast requests after the unicast ones, while a known neighbour is probed. */
  mcastReprobes: number;
  /** Between requests. */
  retransTime: number;
  /** Mean time that a confirmed neighbour stays reachable. */
  baseReachableTime: number;
  /** Between using a stale neighbour and probing it. */
  delayProbeTime: number;
  /** Between probes of a managed neighbour. */
  intervalProbeTime: number;
  /** How long an unused entry is kept. */
  gcStaletime: number;
  /** Memory of packets that may wait for one neighbour: see truesize.ts. */
  queueLenBytes: number;
  /** Requests that may wait for a delayed answer by proxy. */
  proxyQlen: number;
  /** Used by IPv6 only. */
  anycastDelay: number;
  /** Longest random delay of an answer by proxy. */
  proxyDelay: number;
  /** How long a fresh entry is safe from another answer. */
  locktime: number;
}

/** The values of a new namespace (arp_tbl.parms). */
export const ARP_DEFAULTS: Readonly<NeighVars> = {
  mcastProbes: 3,
  ucastProbes: 3,
  appProbes: 0,
  mcastReprobes: 0,
  retransTime: 1000,
  baseReachableTime: 30_000,
  delayProbeTime: 5000,
  intervalProbeTime: 5000,
  gcStaletime: 60_000,
  queueLenBytes: 212_992,
  proxyQlen: 64,
  anycastDelay: 1000,
  proxyDelay: 800,
  locktime: 1000,
};

/** The settings of one device, or the default ones. */
export class NeighParms {
  readonly vars: NeighVars;
  /** Settings of its own: changes of the default no longer reach them. */
  readonly written: Set<keyof NeighVars> = new Set();
  /** How long a neighbour confirmed now stays reachable: between half and one and a half times the base. */
  reachableTime = 0;
  /** Requests that wait for a delayed answer by proxy. */
  proxyQueued = 0;
  private readonly random: Random;

  constructor(vars: Readonly<NeighVars>, random: Random) {
    this.vars = { ...vars };
    this.random = random;
    this.drawReachableTime();
  }

  /** Draws the reachable time anew (RFC 4861 §6.3.2, neigh_rand_reach_time). */
  drawReachableTime(): void {
    const base = this.vars.baseReachableTime;
    this.reachableTime = base <= 0 ? 0 : this.random.below(base) + (base >>> 1);
  }

  /** Every setting counts as written: a device with an address of its own does not follow the default any more. */
  freeze(): void {
    for (const name of Object.keys(this.vars) as (keyof NeighVars)[]) this.written.add(name);
  }
}

/** Settings of devices, made on first use from the default. */
export class NeighParmsTable {
  readonly dflt: NeighParms;
  private readonly byDev = new Map<NetDevice, NeighParms>();
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
    this.dflt = new NeighParms(ARP_DEFAULTS, random);
  }

  of(dev: NetDevice): NeighParms {
    let parms = this.byDev.get(dev);
    if (parms === undefined) {
      parms = new NeighParms(this.dflt.vars, this.random);
      this.byDev.set(dev, parms);
    }
    return parms;
  }

  forget(dev: NetDevice): void {
    this.byDev.delete(dev);
  }

  /** The default of one setting was written: devices without a value of their own follow (neigh_copy_dflt_parms). */
  copyDefault(name: keyof NeighVars): void {
    for (const parms of this.byDev.values()) if (!parms.written.has(name)) parms.vars[name] = this.dflt.vars[name];
  }

  drawReachableTimes(): void {
    this.dflt.drawReachableTime();
    for (const parms of this.byDev.values()) parms.drawReachableTime();
  }
}
