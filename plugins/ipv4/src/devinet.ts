/**
 * devinet.ts — IPv4 addresses of devices: primaries and secondaries, source selection (cf. Linux net/ipv4/devinet.c).
 */
import {
  CommandError,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
  IFF_LOOPBACK,
  type Ifaddr,
  INADDR_LOOPBACK,
  type InDevice,
  type InetDevices,
  type Ipv4Devconf,
  inetMakeMask,
  ipv4IsLoopback,
  type Net,
  type NetDevice,
  type NewIfaddr,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
} from '@packetwalk/framework';
import { AddressLifetimes, FOREVER } from './address-lifetime.ts';
import { type DevconfBlock, devconfSysctls, initialDevconf } from './devconf.ts';

/** Kernel-made addresses (IFAPROT_KERNEL_LO). */
const IFAPROT_KERNEL_LO = 1;

export class Ipv4InDevice implements InDevice, DevconfBlock {
  readonly dev: NetDevice;
  readonly ifaList: Ifaddr[] = [];
  readonly cnf: Ipv4Devconf;
  readonly touched: Set<keyof Ipv4Devconf> = new Set();
  /** Groups joined: 224.0.0.1 on every device that is up. */
  readonly mcList: Set<number> = new Set();

  constructor(dev: NetDevice, cnf: Ipv4Devconf) {
    this.dev = dev;
    this.cnf = cnf;
  }
}

/** True when `address` lies in the subnet of `ifa` (inet_ifa_match). */
export function inetIfaMatch(address: number, ifa: Ifaddr): boolean {
  return ((address ^ ifa.address) & ifa.mask) === 0;
}

/** The primary address of a subnet on a device (inet_ifa_byprefix). */
export function ifaByPrefix(inDev: InDevice, prefix: number, mask: number): Ifaddr | null {
  return inDev.ifaList.find((ifa) => ifa.mask === mask && inetIfaMatch(prefix, ifa)) ?? null;
}

/** Two addresses on one link: some subnet of the device holds both (inet_addr_onlink); `b` may be 0. */
export function inetAddrOnlink(inDev: InDevice, a: number, b: number): boolean {
  for (const ifa of inDev.ifaList) {
    if ((ifa.flags & IFA_F_SECONDARY) === 0 && inetIfaMatch(a, ifa)) {
      if (b === 0 || inetIfaMatch(b, ifa)) return true;
    }
  }
  return false;
}

/** What the routing side does when addresses change: called with the lists already changed. */
export interface AddressListener {
  added(ifa: Ifaddr): void;
  /** `ifa` is out of the list; `promoted` took its place, or null. */
  removed(ifa: Ifaddr): void;
  /** Routes of a secondary are about to move to another primary. */
  withdraw(ifa: Ifaddr, primary: Ifaddr): void;
  /** They have moved. */
  readd(ifa: Ifaddr): void;
  /** The address is about to get another metric. */
  metric(ifa: Ifaddr, metric: number): void;
}

export class Devinet implements InetDevices {
  readonly all: Ipv4Devconf = initialDevconf(0);
  readonly dflt: Ipv4Devconf = initialDevconf(1);
  private readonly net: Net;
  private readonly blocks = new Map<NetDevice, Ipv4InDevice>();
  private readonly sysctls = new Map<NetDevice, (() => void)[]>();
  private readonly common: (() => void)[] = [];
  /** How many interfaces hold each local address: the hot path asks "is this address mine?" */
  private readonly locals = new Map<number, Ifaddr[]>();
  listener: AddressListener = { added() {}, removed() {}, withdraw() {}, readd() {}, metric() {} };
  /** Who else may know a local address: the local table holds whole networks (ip_dev_find's second try). */
  findInTable: (local: number) => NetDevice | null = () => null;
  /** A setting that routing depends on has changed. */
  onConfChanged: () => void = () => {};

  private readonly lifetimes: AddressLifetimes;

  constructor(net: Net) {
    this.net = net;
    this.lifetimes = new AddressLifetimes(
      net,
      () => this.addresses(),
      (ifa) => this.delAddress(ifa),
    );
    const blocks: [string, Ipv4Devconf][] = [
      ['all', this.all],
      ['default', this.dflt],
    ];
    for (const [name, cnf] of blocks) this.common.push(...this.defineSysctls(name, { cnf, touched: new Set() }));
  }

  dispose(): void {
    this.lifetimes.dispose();
    for (const undo of this.common) undo();
    for (const dev of this.sysctls.keys()) this.dropSysctls(dev);
  }

  /** True when some device has this address as its own. */
  isLocal(address: number): boolean {
    return this.locals.has(address);
  }

  of(dev: NetDevice): Ipv4InDevice {
    let inDev = this.blocks.get(dev);
    if (inDev === undefined) {
      inDev = new Ipv4InDevice(dev, { ...this.dflt });
      this.blocks.set(dev, inDev);
      dev.inDev = inDev;
      this.sysctls.set(dev, this.defineSysctls(dev.name, inDev));
    }
    return inDev;
  }

  /** The device has gone: its addresses go, with their routes. */
  forget(dev: NetDevice): void {
    const inDev = this.blocks.get(dev);
    if (inDev === undefined) return;
    while (inDev.ifaList.length > 0) this.delAddress(inDev.ifaList[0], false);
    this.dropSysctls(dev);
    this.blocks.delete(dev);
    dev.inDev = null;
  }

  /** The device has a new name: its sysctls move. */
  renamed(dev: NetDevice): void {
    const inDev = this.blocks.get(dev);
    if (inDev === undefined) return;
    this.dropSysctls(dev);
    this.sysctls.set(dev, this.defineSysctls(dev.name, inDev));
  }

  /** Writes ip_forward: all devices follow, and redirects are no longer accepted by a router (inet_forward_change). */
  setForwarding(on: number): void {
    // Written as it was, it leaves devices that were told otherwise as they are.
    if (on === this.all.forwarding) return;
    this.all.forwarding = on;
    this.all.acceptRedirects = Number(on === 0);
    this.dflt.forwarding = on;
    for (const inDev of this.blocks.values()) inDev.cnf.forwarding = on;
    this.onConfChanged();
  }

  /** `lo` gets 127.0.0.1/8 when it comes up without an address. */
  deviceUp(dev: NetDevice): void {
    const inDev = this.of(dev);
    inDev.mcList.add(0xe0000001 | 0);
    if ((dev.flags & IFF_LOOPBACK) !== 0 && inDev.ifaList.length === 0) {
      const ifa = this.addAddress(dev, { local: INADDR_LOOPBACK, prefixlen: 8, scope: RT_SCOPE_HOST });
      ifa.protocol = IFAPROT_KERNEL_LO;
    }
  }

  private *addresses(): Iterable<Ifaddr> {
    for (const { ifaList } of this.blocks.values()) yield* ifaList;
  }

  addAddress(dev: NetDevice, spec: NewIfaddr): Ifaddr {
    const inDev = this.of(dev);
    const ifa: Ifaddr = {
      inDev,
      local: spec.local,
      address: spec.address ?? spec.local,
      mask: inetMakeMask(spec.prefixlen),
      prefixlen: spec.prefixlen,
      broadcast: spec.broadcast ?? 0,
      scope: spec.scope ?? (ipv4IsLoopback(spec.local) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE),
      flags: ((spec.flags ?? 0) | IFA_F_PERMANENT) & ~IFA_F_SECONDARY,
      label: spec.label ?? dev.name,
      metric: spec.metric ?? 0,
      protocol: 0,
      lifetime: null,
    };
    const list = inDev.ifaList;
    let lastPrimary = 0;
    for (let i = 0; i < list.length; i++) {
      const other = list[i];
      if ((other.flags & IFA_F_SECONDARY) === 0 && ifa.scope <= other.scope) lastPrimary = i + 1;
      if (other.mask !== ifa.mask || !inetIfaMatch(other.address, ifa)) continue;
      if (other.local === ifa.local) throw new CommandError('Error: ipv4: Address already assigned.', 2);
      if (other.scope !== ifa.scope) throw new CommandError('Error: ipv4: Invalid scope value.', 2);
      ifa.flags |= IFA_F_SECONDARY;
    }
    if ((ifa.flags & IFA_F_SECONDARY) === 0) list.splice(lastPrimary, 0, ifa);
    else list.push(ifa);
    // From its first address on, a device no longer follows changes of `default`.
    for (const field of Object.keys(inDev.cnf) as (keyof Ipv4Devconf)[]) inDev.touched.add(field);
    this.addLocal(ifa);
    this.lifetimes.set(ifa, spec.valid ?? FOREVER, spec.preferred ?? FOREVER);
    this.listener.added(ifa);
    this.net.notifier.emit('inetaddr:up', ifa);
    return ifa;
  }

  /** `ip addr change`: what is not told is as of a new address. */
  changeAddress(ifa: Ifaddr, { metric = 0, valid = FOREVER, preferred = FOREVER }: NewIfaddr): void {
    if (metric !== ifa.metric) this.changeMetric(ifa, metric);
    this.lifetimes.set(ifa, valid, preferred);
  }

  /** Gives an address another metric: its network's route follows (fib_modify_prefix_metric). */
  changeMetric(ifa: Ifaddr, metric: number): void {
    this.listener.metric(ifa, metric);
    ifa.metric = metric;
  }

  /** Removes an address; its secondaries go too, or the first takes over (promote_secondaries). */
  delAddress(ifa: Ifaddr, promotion = true): void {
    const { inDev } = ifa;
    const list = inDev.ifaList as Ifaddr[];
    const promote = promotion && Math.max(this.all.promoteSecondaries, inDev.cnf.promoteSecondaries) !== 0;
    const at = list.indexOf(ifa);
    let heir: Ifaddr | null = null;
    let rest: Ifaddr[] = [];
    let lastPrimary: Ifaddr | null = null;
    if ((ifa.flags & IFA_F_SECONDARY) === 0) {
      const behind = list.slice(at + 1);
      const mates = behind.filter((o) => (o.flags & IFA_F_SECONDARY) !== 0 && o.mask === ifa.mask && inetIfaMatch(ifa.address, o));
      if (promote) [heir = null, ...rest] = mates;
      else for (const mate of mates) this.remove(mate);
      const until = heir === null ? behind : behind.slice(0, behind.indexOf(heir));
      lastPrimary = until.filter((o) => (o.flags & IFA_F_SECONDARY) === 0 && ifa.scope <= o.scope).at(-1) ?? null;
      // All secondaries of the subnet change their preferred source: out silently, and in again behind.
      if (heir !== null) for (const mate of mates) this.listener.withdraw(mate, ifa);
    }
    this.remove(ifa);
    if (heir === null) return;
    if (lastPrimary !== null) {
      list.splice(list.indexOf(heir), 1);
      list.splice(list.indexOf(lastPrimary) + 1, 0, heir);
    }
    heir.flags &= ~IFA_F_SECONDARY;
    this.listener.added(heir);
    this.net.notifier.emit('inetaddr:up', heir);
    for (const mate of rest) this.listener.readd(mate);
  }

  findDevice(local: number): NetDevice | null {
    return this.locals.get(local)?.[0].inDev.dev ?? this.findInTable(local);
  }

  selectAddr(dev: NetDevice | null, dst: number, scope: number): number {
    const inDev = dev?.inDev ?? null;
    if (inDev !== null) {
      const most = this.localnetScope(inDev);
      let any = 0;
      for (const ifa of inDev.ifaList) {
        if ((ifa.flags & IFA_F_SECONDARY) !== 0 || Math.min(ifa.scope, most) > scope) continue;
        if (dst === 0 || inetIfaMatch(dst, ifa)) return ifa.local;
        if (any === 0) any = ifa.local;
      }
      if (any !== 0) return any;
    }
    // Nothing on the device: any other device's address will do (loopback's own come last by their scope).
    for (const other of this.net.devices()) {
      for (const ifa of other.inDev?.ifaList ?? []) {
        if ((ifa.flags & IFA_F_SECONDARY) === 0 && ifa.scope !== RT_SCOPE_LINK && ifa.scope <= scope) return ifa.local;
      }
    }
    return 0;
  }

  confirmAddr(dev: NetDevice | null, dst: number, local: number, scope: number): number {
    const confirm = ({ inDev }: NetDevice): number => (inDev === null ? 0 : confirmOn(inDev, dst, local, scope, this.localnetScope(inDev)));
    if (dev !== null) return confirm(dev);
    for (const other of this.net.devices()) {
      const address = confirm(other);
      if (address !== 0) return address;
    }
    return 0;
  }

  /** Scopes narrower than this count as this: with route_localnet, addresses of scope host serve on a link too. */
  private localnetScope(inDev: InDevice): number {
    return (this.all.routeLocalnet | inDev.cnf.routeLocalnet) !== 0 ? RT_SCOPE_LINK : RT_SCOPE_HOST;
  }

  private remove(ifa: Ifaddr): void {
    const list = ifa.inDev.ifaList as Ifaddr[];
    list.splice(list.indexOf(ifa), 1);
    const same = (this.locals.get(ifa.local) ?? []).filter((o) => o !== ifa);
    if (same.length === 0) this.locals.delete(ifa.local);
    else this.locals.set(ifa.local, same);
    this.listener.removed(ifa);
    this.net.notifier.emit('inetaddr:down', ifa);
  }

  private addLocal(ifa: Ifaddr): void {
    const same = this.locals.get(ifa.local);
    if (same === undefined) this.locals.set(ifa.local, [ifa]);
    else same.push(ifa);
  }

  private defineSysctls(name: string, block: DevconfBlock): (() => void)[] {
    const defs = devconfSysctls(name, block, {
      forwardAll: (on) => this.setForwarding(on),
      copyDefault: (field) => {
        for (const inDev of this.blocks.values()) if (!inDev.touched.has(field)) inDev.cnf[field] = this.dflt[field];
      },
      changed: () => this.onConfChanged(),
    });
    return defs.map((def) => this.net.sysctl.define(def));
  }

  private dropSysctls(dev: NetDevice): void {
    for (const undo of this.sysctls.get(dev) ?? []) undo();
    this.sysctls.delete(dev);
  }
}

/** A local address of one device for talking to `dst` (confirm_addr_indev); 0: none. */
function confirmOn(inDev: InDevice, dst: number, local: number, scope: number, localnetScope: number): number {
  let address = 0;
  let same = false;
  for (const ifa of inDev.ifaList) {
    const min = Math.min(ifa.scope, localnetScope);
    if (address === 0 && (local === ifa.local || local === 0) && min <= scope) {
      address = ifa.local;
      if (same) break;
    }
    if (!same) {
      same = (local === 0 || inetIfaMatch(local, ifa)) && (dst === 0 || inetIfaMatch(dst, ifa));
      if (same && address !== 0) {
        if (local !== 0 || dst === 0) break;
        // The subnet fits: is this the address to use in it?
        if (inetIfaMatch(address, ifa)) break;
        if (min <= scope) {
          address = ifa.local;
          break;
        }
        same = false;
      }
    }
  }
  return same ? address : 0;
}
