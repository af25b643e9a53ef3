/** arp-ioctl.ts — what `arp -s` and `arp -d` ask of the kernel, and its refusals (cf. Linux net/ipv4/arp.c arp_ioctl; arp(7)). */
import {
  NEIGH_UPDATE_F_ADMIN,
  NEIGH_UPDATE_F_OVERRIDE,
  type NetDevice,
  NUD_PERMANENT,
  NUD_STALE,
  RT_SCOPE_LINK,
} from '@packetwalk/framework';
import type { Arp } from './arp.ts';
import { arpInvalidate } from './arp-netdev.ts';
import { NEIGH_UPDATED, neighUpdate } from './neighbour-update.ts';

/** Flags of an entry (ATF_*). */
export const ATF_COM = 0x02;
export const ATF_PERM = 0x04;
export const ATF_PUBL = 0x08;
export const ATF_NETMASK = 0x20;
export const ATF_DONTPUB = 0x40;

/** struct arpreq */
export interface ArpRequest {
  /** int32 */
  readonly address: number;
  readonly lladdr: Uint8Array | null;
  /** ARPHRD_* of `lladdr`. */
  readonly hardware: number;
  /** ATF_* */
  readonly flags: number;
  /** int32; 0 together with ATF_PUBL: all addresses. */
  readonly netmask: number;
  /** Empty: the device that the route to the address has. */
  readonly dev: string;
}

/** An errno, by its text. */
export class ArpIoctlError extends Error {
  override readonly name = 'ArpIoctlError';
}

/** SIOCSARP. Throws ArpIoctlError. */
export function arpReqSet(arp: Arp, request: ArpRequest): void {
  const { address, lladdr, flags } = request;
  checkFlags(request);
  const dev = reqDevice(arp, request);
  if ((flags & ATF_PUBL) !== 0) {
    setPublic(arp, request, dev);
    return;
  }
  if (dev === null || dev.type !== request.hardware) throw new ArpIoctlError('Invalid argument');
  const neigh = arp.tbl.find(address, dev) ?? arp.tbl.create(address, dev);
  if (neigh === null) throw new ArpIoctlError('No buffer space available');
  const state = (flags & ATF_PERM) !== 0 ? NUD_PERMANENT : NUD_STALE;
  const ha = (flags & ATF_COM) !== 0 ? lladdr : null;
  const done = neighUpdate(neigh, ha, state, NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_ADMIN);
  if (done !== NEIGH_UPDATED) throw new ArpIoctlError('Invalid argument');
}

/** SIOCDARP. False when there is no such entry; throws ArpIoctlError. */
export function arpReqDelete(arp: Arp, request: ArpRequest): boolean {
  const { address, flags, netmask } = request;
  checkFlags(request);
  const dev = reqDevice(arp, request);
  if ((flags & ATF_PUBL) === 0) return dev !== null && arpInvalidate(arp, dev, address, true);
  if (netmask !== 0) return arp.proxies.delete(address, dev);
  setProxy(arp, dev, 0);
  return true;
}

function checkFlags({ flags, netmask }: ArpRequest): void {
  if ((flags & ATF_PUBL) === 0 && (flags & (ATF_NETMASK | ATF_DONTPUB)) !== 0) throw new ArpIoctlError('Invalid argument');
  if (netmask !== 0 && netmask !== -1) throw new ArpIoctlError('Invalid argument');
}

/** The device named, or the one that the route has; null for an answer on all devices. */
function reqDevice(arp: Arp, { address, dev, flags }: ArpRequest): NetDevice | null {
  if (dev !== '') {
    const named = arp.net.device(dev);
    if (named === undefined) throw new ArpIoctlError('No such device');
    return named;
  }
  if ((flags & ATF_PUBL) !== 0) return null;
  const flow = {
    daddr: address,
    saddr: 0,
    tos: 0,
    iif: 0,
    oif: 0,
    mark: 0,
    protocol: 0,
    scope: RT_SCOPE_LINK,
    sport: 0,
    dport: 0,
    flags: 0,
  };
  const rt = arp.routing.routeOutput(flow);
  if (typeof rt === 'number') throw new ArpIoctlError('Network is unreachable');
  return rt.dev;
}

/** Answers for one address, or with netmask 0 for everything there is a route to. */
function setPublic(arp: Arp, { address, lladdr, flags, netmask }: ArpRequest, dev: NetDevice | null): void {
  let where = dev;
  if (where === null && (flags & ATF_COM) !== 0 && lladdr !== null) {
    where = arp.net.devices().find((d) => d.address.every((byte, i) => byte === lladdr[i])) ?? null;
    if (where === null) throw new ArpIoctlError('No such device');
  }
  if (netmask !== 0) arp.proxies.create(address, where, 0, 0, false);
  else setProxy(arp, where, 1);
}

function setProxy(arp: Arp, dev: NetDevice | null, on: number): void {
  const cnf = dev === null ? arp.devices.all : arp.devices.of(dev).cnf;
  cnf.proxyArp = on;
}
