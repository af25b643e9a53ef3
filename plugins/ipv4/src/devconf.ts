/** devconf.ts — per-device IPv4 settings and their sysctls: net.ipv4.conf.{all,default,DEV}.* (cf. Linux net/ipv4/devinet.c). */
import { CommandError, type Ipv4Devconf, intSysctl, type SysctlDef } from '@packetwalk/framework';

/** Fields of Ipv4Devconf by sysctl name, in the kernel's order. */
const NAMES: readonly [string, keyof Ipv4Devconf][] = [
  ['forwarding', 'forwarding'],
  ['mc_forwarding', 'mcForwarding'],
  ['bc_forwarding', 'bcForwarding'],
  ['accept_redirects', 'acceptRedirects'],
  ['secure_redirects', 'secureRedirects'],
  ['shared_media', 'sharedMedia'],
  ['rp_filter', 'rpFilter'],
  ['send_redirects', 'sendRedirects'],
  ['accept_source_route', 'acceptSourceRoute'],
  ['accept_local', 'acceptLocal'],
  ['src_valid_mark', 'srcValidMark'],
  ['proxy_arp', 'proxyArp'],
  ['proxy_arp_pvlan', 'proxyArpPvlan'],
  ['bootp_relay', 'bootpRelay'],
  ['log_martians', 'logMartians'],
  ['tag', 'tag'],
  ['arp_filter', 'arpFilter'],
  ['arp_announce', 'arpAnnounce'],
  ['arp_ignore', 'arpIgnore'],
  ['arp_accept', 'arpAccept'],
  ['arp_notify', 'arpNotify'],
  ['arp_evict_nocarrier', 'arpEvictNocarrier'],
  ['drop_gratuitous_arp', 'dropGratuitousArp'],
  ['promote_secondaries', 'promoteSecondaries'],
  ['force_igmp_version', 'forceIgmpVersion'],
  ['disable_xfrm', 'disableXfrm'],
  ['disable_policy', 'disablePolicy'],
  ['route_localnet', 'routeLocalnet'],
  ['ignore_routes_with_linkdown', 'ignoreRoutesWithLinkdown'],
  ['drop_unicast_in_l2_multicast', 'dropUnicastInL2Multicast'],
];

/** Settings that do not spread from `default` to devices that exist already. */
const NOT_COPIED = new Set<keyof Ipv4Devconf>([
  'forwarding',
  'mcForwarding',
  'promoteSecondaries',
  'routeLocalnet',
  'disableXfrm',
  'disablePolicy',
]);
const READ_ONLY = new Set<keyof Ipv4Devconf>(['mcForwarding']);

/** Values of a new namespace; `acceptSourceRoute` is 0 for `all` and 1 for `default`. */
export function initialDevconf(acceptSourceRoute: number): Ipv4Devconf {
  return {
    forwarding: 0,
    mcForwarding: 0,
    bcForwarding: 0,
    proxyArp: 0,
    proxyArpPvlan: 0,
    acceptRedirects: 1,
    secureRedirects: 1,
    sendRedirects: 1,
    sharedMedia: 1,
    rpFilter: 0,
    acceptSourceRoute,
    acceptLocal: 0,
    bootpRelay: 0,
    logMartians: 0,
    tag: 0,
    arpFilter: 0,
    arpAnnounce: 0,
    arpIgnore: 0,
    arpAccept: 0,
    arpNotify: 0,
    arpEvictNocarrier: 1,
    promoteSecondaries: 0,
    forceIgmpVersion: 0,
    disableXfrm: 0,
    disablePolicy: 0,
    routeLocalnet: 0,
    srcValidMark: 0,
    ignoreRoutesWithLinkdown: 0,
    dropUnicastInL2Multicast: 0,
    dropGratuitousArp: 0,
  };
}

/** One block of settings: `all`, `default`, or a device's. */
export interface DevconfBlock {
  readonly cnf: Ipv4Devconf;
  /** Fields that were set by hand, so that `default` leaves them alone; `all` when an address was added. */
  readonly touched: Set<keyof Ipv4Devconf>;
}

export interface DevconfEvents {
  /** Forwarding was switched for all devices by `all` or ip_forward. */
  forwardAll(on: number): void;
  /** `default` got a new value: devices that were not set by hand follow. */
  copyDefault(field: keyof Ipv4Devconf): void;
  /** A value that routing depends on has changed. */
  changed(field: keyof Ipv4Devconf): void;
}

/** The sysctls of one block. `name` is `all`, `default` or a device. */
export function devconfSysctls(name: string, block: DevconfBlock, events: DevconfEvents): SysctlDef[] {
  // A device name may have dots: such names are written with slashes throughout.
  const prefix = name.includes('.') ? `net/ipv4/conf/${name}/` : `net.ipv4.conf.${name}.`;
  return NAMES.map(([sysctl, field]) => {
    const def = intSysctl(
      prefix + sysctl,
      () => block.cnf[field],
      (value) => {
        if (READ_ONLY.has(field)) throw new CommandError('Operation not permitted');
        if (field === 'forwarding' && name === 'all') events.forwardAll(value);
        block.cnf[field] = value;
        block.touched.add(field);
        if (name === 'default' && !NOT_COPIED.has(field)) events.copyDefault(field);
        events.changed(field);
      },
    );
    return READ_ONLY.has(field) ? { name: def.name, get: def.get } : def;
  });
}
