/**
 * arp-policy.ts — which requests are answered and which news is believed, as the arp_* settings of a device say
 * (cf. Linux Documentation/networking/ip-sysctl.rst; net/ipv4/arp.c). An effective setting is the greater one of
 * `all` and the device's, or that either is on.
 */
import {
  ARPOP_REPLY,
  type InDevice,
  type NetDevice,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RTN_UNICAST,
  type Rtable,
} from '@packetwalk/framework';
import type { Arp } from './arp.ts';
import { ARP_FILTERED } from './neighbour-stat.ts';

/** True when arp_ignore says not to answer `sip` asking for our address `tip` on this device. */
export function arpIgnore(arp: Arp, inDev: InDevice, sip: number, tip: number): boolean {
  const { devices } = arp;
  switch (Math.max(devices.all.arpIgnore, inDev.cnf.arpIgnore)) {
    case 1:
      // Only addresses of this very device.
      return devices.confirmAddr(inDev.dev, 0, tip, RT_SCOPE_HOST) === 0;
    case 2:
      // ... and only to askers of the same subnet.
      return devices.confirmAddr(inDev.dev, sip, tip, RT_SCOPE_HOST) === 0;
    case 3:
      // No addresses of scope host.
      return devices.confirmAddr(null, 0, tip, RT_SCOPE_LINK) === 0;
    case 8:
      return true;
    default:
      return false;
  }
}

/** True when arp_filter is on and packets to the asker would leave by another device. */
export function arpFilter(arp: Arp, inDev: InDevice, sip: number, tip: number): boolean {
  const { devices, routing } = arp;
  if ((devices.all.arpFilter | inDev.cnf.arpFilter) === 0) return false;
  const rt = routing.routeOutput({
    daddr: sip,
    saddr: tip,
    tos: 0,
    iif: 0,
    oif: 0,
    mark: 0,
    protocol: 0,
    scope: RT_SCOPE_UNIVERSE,
    sport: 0,
    dport: 0,
    flags: 0,
  });
  if (typeof rt === 'number') return true;
  if (rt.dev === inDev.dev) return false;
  arp.stats[ARP_FILTERED]++;
  return true;
}

/** True when news about a neighbour that nobody asked for makes an entry (arp_accept). */
export function arpAccept(arp: Arp, inDev: InDevice, sip: number): boolean {
  const { devices } = arp;
  switch (Math.max(devices.all.arpAccept, inDev.cnf.arpAccept)) {
    case 1:
      return true;
    case 2:
      // Only of the device's own subnets.
      return devices.confirmAddr(inDev.dev, sip, 0, RT_SCOPE_LINK) !== 0;
    default:
      return false;
  }
}

/** True when packets to `rt` leave by another device and proxy_arp says to answer for what is behind it. */
export function arpFwdProxy(arp: Arp, inDev: InDevice, rt: Rtable): boolean {
  return rt.dev !== inDev.dev && (arp.devices.all.proxyArp | inDev.cnf.proxyArp) !== 0;
}

/** True when the asked one is on the asker's own link, whose ports cannot talk to each other (RFC 3069, proxy_arp_pvlan). */
export function arpFwdPvlan(arp: Arp, inDev: InDevice, rt: Rtable, sip: number, tip: number): boolean {
  return rt.dev === inDev.dev && sip !== tip && (arp.devices.all.proxyArpPvlan | inDev.cnf.proxyArpPvlan) !== 0;
}

/** True when this is an answer for `dev` by an entry of `ip neigh add proxy`. */
export function arpFwdEntry(arp: Arp, dev: NetDevice, rt: Rtable, tip: number): boolean {
  return rt.dev !== dev && arp.proxies.lookup(tip, dev) !== null;
}

/** What an ARP packet says, read from its bytes. */
export interface ArpFields {
  readonly op: number;
  readonly sip: number;
  readonly tip: number;
  readonly sha: Uint8Array;
  readonly tha: Uint8Array;
}

/** An announcement: sender and target address are the same unicast one, and in a reply the hardware ones too (RFC 5227 §3). */
export function arpIsGarp(arp: Arp, { op, sip, tip, sha, tha }: ArpFields): boolean {
  if (sip !== tip) return false;
  if (op === ARPOP_REPLY && sha.some((byte, i) => byte !== tha[i])) return false;
  return arp.routing.addrType(sip) === RTN_UNICAST;
}
