/**
 * neighbour-sysctl.ts — net.ipv4.neigh.{default,DEV}.* (cf. Linux net/core/neighbour.c neigh_sysctl_register). Times
 * have the unit of each name: seconds, hundredths of a second (USER_HZ), or ms.
 */
import { CommandError, getInteger, type Net, type NetDevice, type SysctlDef } from '@packetwalk/framework';
import type { NeighbourGc } from './neighbour-gc.ts';
import type { NeighParms, NeighParmsTable, NeighVars } from './neighbour-parms.ts';
import { ETH_FRAME_TRUESIZE } from './truesize.ts';

/** A unit: how many of the stored one make one of the shown one, and the least that may be written. */
interface Unit {
  readonly factor: number;
  readonly min: number;
}

const INT_MAX = 0x7fffffff;
const COUNT: Unit = { factor: 1, min: 0 };
const MS: Unit = { factor: 1, min: 0 };
const POSITIVE_MS: Unit = { factor: 1, min: 1 };
const TICKS: Unit = { factor: 10, min: 0 };
const SECONDS: Unit = { factor: 1000, min: 0 };
/** Frames of the longest kind, rounded up when shown. */
const FRAMES: Unit = { factor: ETH_FRAME_TRUESIZE, min: 0 };

/** Settings that `default` and every device have. Two names may show one setting in different units. */
const SETTINGS: readonly [string, keyof NeighVars, Unit][] = [
  ['mcast_solicit', 'mcastProbes', COUNT],
  ['ucast_solicit', 'ucastProbes', COUNT],
  ['app_solicit', 'appProbes', COUNT],
  ['mcast_resolicit', 'mcastReprobes', COUNT],
  ['retrans_time', 'retransTime', TICKS],
  ['base_reachable_time', 'baseReachableTime', SECONDS],
  ['delay_first_probe_time', 'delayProbeTime', SECONDS],
  ['interval_probe_time_ms', 'intervalProbeTime', POSITIVE_MS],
  ['gc_stale_time', 'gcStaletime', SECONDS],
  ['unres_qlen_bytes', 'queueLenBytes', COUNT],
  ['proxy_qlen', 'proxyQlen', COUNT],
  ['anycast_delay', 'anycastDelay', TICKS],
  ['proxy_delay', 'proxyDelay', TICKS],
  ['locktime', 'locktime', TICKS],
  ['unres_qlen', 'queueLenBytes', FRAMES],
  ['retrans_time_ms', 'retransTime', MS],
  ['base_reachable_time_ms', 'baseReachableTime', MS],
];

/** The sysctls of one router's neighbour table. */
export class NeighSysctls {
  private readonly net: Net;
  private readonly parms: NeighParmsTable;
  private readonly undo = new Map<NetDevice | null, (() => void)[]>();

  constructor(net: Net, parms: NeighParmsTable, gc: NeighbourGc) {
    this.net = net;
    this.parms = parms;
    const limits = [
      setting('default', 'gc_interval', gc, 'interval', SECONDS),
      setting('default', 'gc_thresh1', gc, 'thresh1', COUNT),
      setting('default', 'gc_thresh2', gc, 'thresh2', COUNT),
      setting('default', 'gc_thresh3', gc, 'thresh3', COUNT),
    ];
    this.define(null, [...this.settings('default', parms.dflt), ...limits]);
  }

  /** The device is there, or has a new name. */
  add(dev: NetDevice): void {
    this.remove(dev);
    this.define(dev, this.settings(dev.name, this.parms.of(dev)));
  }

  remove(dev: NetDevice): void {
    for (const undo of this.undo.get(dev) ?? []) undo();
    this.undo.delete(dev);
  }

  dispose(): void {
    for (const undos of this.undo.values()) for (const undo of undos) undo();
    this.undo.clear();
  }

  private define(dev: NetDevice | null, defs: readonly SysctlDef[]): void {
    this.undo.set(
      dev,
      defs.map((def) => this.net.sysctl.define(def)),
    );
  }

  private settings(where: string, parms: NeighParms): SysctlDef[] {
    return SETTINGS.map(([name, field, unit]) =>
      setting(where, name, parms.vars, field, unit, () => {
        parms.written.add(field);
        if (field === 'baseReachableTime') parms.drawReachableTime();
        if (parms === this.parms.dflt) this.parms.copyDefault(field);
      }),
    );
  }
}

/** One sysctl over a number field. */
function setting<K extends string>(
  where: string,
  name: string,
  values: Record<K, number>,
  field: K,
  { factor, min }: Unit,
  written: () => void = () => {},
): SysctlDef {
  return {
    name: where.includes('.') ? `net/ipv4/neigh/${where}/${name}` : `net.ipv4.neigh.${where}.${name}`,
    get: () => Math.ceil(values[field] / factor),
    set(text) {
      // The kernel reads the first word and takes C's notations.
      const value = getInteger(text.trim().split(/\s+/)[0]);
      if (value === null || value < min || value * factor > INT_MAX) throw new CommandError('Invalid argument');
      values[field] = value * factor;
      written();
    },
  };
}
