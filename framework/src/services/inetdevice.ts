/** services/inetdevice.ts — IPv4's part of a device: addresses and per-device settings (cf. Linux include/linux/inetdevice.h). */
import type { NetDevice } from '../netdevice.ts';
import { type Token, token } from '../token.ts';

export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_SITE = 200;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RT_SCOPE_NOWHERE = 255;

/** Address flags (if_addr.h). */
export const IFA_F_SECONDARY = 0x01;
export const IFA_F_NOPREFIXROUTE = 0x200;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_PERMANENT = 0x80;

/** An address of a device (in_ifaddr). Addresses are int32. */
export interface Ifaddr {
  readonly inDev: InDevice;
  /** The device's own address, and the other end's on a point-to-point link (else the same). */
  readonly local: number;
  readonly address: number;
  readonly mask: number;
  readonly prefixlen: number;
  readonly broadcast: number;
  scope: number;
  flags: number;
  /** `eth0`, or `eth0:1`. */
  label: string;
  metric: number;
  protocol: number;
  /** Of one that is not for ever. */
  lifetime?: IfaddrLifetime | null;
}

/** How long an address is valid and preferred, in seconds (0xffffffff: for ever) from a time in jiffies. */
export interface IfaddrLifetime {
  readonly valid: number;
  readonly preferred: number;
  readonly since: number;
}

/** Per-device IPv4 settings (ipv4_devconf): net.ipv4.conf.DEV.*, all numbers. */
export interface Ipv4Devconf {
  forwarding: number;
  mcForwarding: number;
  bcForwarding: number;
  proxyArp: number;
  proxyArpPvlan: number;
  acceptRedirects: number;
  secureRedirects: number;
  sendRedirects: number;
  sharedMedia: number;
  rpFilter: number;
  acceptSourceRoute: number;
  acceptLocal: number;
  bootpRelay: number;
  logMartians: number;
  tag: number;
  arpFilter: number;
  arpAnnounce: number;
  arpIgnore: number;
  arpAccept: number;
  arpNotify: number;
  arpEvictNocarrier: number;
  promoteSecondaries: number;
  forceIgmpVersion: number;
  disableXfrm: number;
  disablePolicy: number;
  routeLocalnet: number;
  srcValidMark: number;
  ignoreRoutesWithLinkdown: number;
  dropUnicastInL2Multicast: number;
  dropGratuitousArp: number;
}

/** in_device */
export interface InDevice {
  readonly dev: NetDevice;
  /** In the kernel's order: primaries first, by scope, each followed by nobody in particular. */
  readonly ifaList: Ifaddr[];
  readonly cnf: Ipv4Devconf;
  /** Multicast groups joined. */
  readonly mcList: Set<number>;
}

/** Settings of all devices together: an effective value is often an OR or a maximum of both. */
export interface InetDevices {
  /** net.ipv4.conf.all and .default */
  readonly all: Ipv4Devconf;
  readonly dflt: Ipv4Devconf;
  /** The InDevice of a device, made on first use. */
  of(dev: NetDevice): InDevice;
  /** Adds an address, its routes follow; throws CommandError (`File exists`). */
  addAddress(dev: NetDevice, ifa: NewIfaddr): Ifaddr;
  delAddress(ifa: Ifaddr): void;
  /** The device that has this local address, or null (ip_dev_find). */
  findDevice(local: number): NetDevice | null;
  /** A source address on `dev` for talking to `dst`, of a scope at most `scope` (inet_select_addr); 0 when none. */
  selectAddr(dev: NetDevice | null, dst: number, scope: number): number;
  /** A local address equal to `local` with at most `scope`, on any device when `dev` is null (inet_confirm_addr); 0: none. */
  confirmAddr(dev: NetDevice | null, dst: number, local: number, scope: number): number;
}

export interface NewIfaddr {
  readonly local: number;
  readonly address?: number;
  readonly prefixlen: number;
  readonly broadcast?: number;
  readonly scope?: number;
  readonly flags?: number;
  readonly label?: string;
  readonly metric?: number;
  /** Seconds; for ever unless told. */
  readonly valid?: number;
  readonly preferred?: number;
}

export const InetDevices: Token<InetDevices> = token<InetDevices>('InetDevices');
