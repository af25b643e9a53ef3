/**
 * arp-netdev.ts — what happens to devices and addresses, and what ARP does about it (cf. Linux net/ipv4/arp.c
 * arp_netdev_event, arp_ifdown; devinet.c inetdev_event; fib_frontend.c).
 */
import {
  IFF_NOARP,
  type Ifaddr,
  INADDR_BROADCAST,
  isUp,
  NEIGH_UPDATE_F_ADMIN,
  NEIGH_UPDATE_F_OVERRIDE,
  type NetDevice,
  NUD_FAILED,
  NUD_NOARP,
  NUD_VALID,
  type PluginContext,
} from '@packetwalk/framework';
import type { Arp } from './arp.ts';
import { arpAnnounce } from './arp-send.ts';
import type { NeighSysctls } from './neighbour-sysctl.ts';
import { neighUpdate } from './neighbour-update.ts';

/** Longest prefix with a broadcast address of its own. */
const BROADCAST_PREFIX_MAX = 30;

/** Follows devices and addresses from now on; those that are there already are taken in first. */
export function followDevices(ctx: PluginContext, arp: Arp, sysctls: NeighSysctls): void {
  for (const dev of arp.net.devices()) sysctls.add(dev);
  ctx.on('netdev:register', (dev) => sysctls.add(dev));
  ctx.on('netdev:changeName', (dev) => sysctls.add(dev));
  ctx.on('netdev:unregister', (dev) => {
    arpIfdown(arp, dev);
    sysctls.remove(dev);
    arp.tbl.parms.forget(dev);
  });
  ctx.on('netdev:up', (dev) => notifyPeers(arp, dev));
  ctx.on('netdev:down', (dev) => arpIfdown(arp, dev));
  ctx.on('netdev:change', (dev) => carrierChanged(arp, dev));
  ctx.on('netdev:changeFlags', (dev, changed) => {
    // Which neighbours need asking is different now: all begin anew.
    if ((changed & IFF_NOARP) !== 0) arp.tbl.flushDev(dev, false);
  });
  ctx.on('netdev:changeAddress', (dev) => {
    arp.tbl.flushDev(dev, false);
    arp.routing.flush();
    notifyPeers(arp, dev);
  });
  ctx.on('inetaddr:up', (ifa) => addressAdded(arp, ifa));
  ctx.on('inetaddr:down', (ifa) => {
    if (ifa.inDev.ifaList.length === 0) arpIfdown(arp, ifa.inDev.dev);
  });
}

/** IPv4 leaves the device: nothing is kept, not even what is permanent. */
function arpIfdown(arp: Arp, dev: NetDevice): void {
  arp.tbl.flushDev(dev, false);
  arp.proxies.ifdown(dev, false);
  arp.proxyQueue.purge(dev);
}

/** Without a link, what was learned about neighbours is worth nothing (arp_evict_nocarrier). */
function carrierChanged(arp: Arp, dev: NetDevice): void {
  const evict = arp.devices.all.arpEvictNocarrier & arp.devices.of(dev).cnf.arpEvictNocarrier;
  if (dev.carrier || evict === 0) return;
  arp.tbl.flushDev(dev, true);
  arp.proxies.ifdown(dev, true);
  arp.proxyQueue.purge(dev);
}

/** With arp_notify, the link hears of a device that came up or has a new hardware address. */
function notifyPeers(arp: Arp, dev: NetDevice): void {
  if (isUp(dev) && Math.max(arp.devices.all.arpNotify, arp.devices.of(dev).cnf.arpNotify) !== 0) arpAnnounce(arp, dev);
}

/** The device has settings of its own now, and some addresses that were asked for have turned out to be broadcasts. */
function addressAdded(arp: Arp, { inDev, broadcast, address, mask, prefixlen }: Ifaddr): void {
  const { dev } = inDev;
  arp.tbl.parms.of(dev).freeze();
  if (!isUp(dev)) return;
  if (broadcast !== 0 && broadcast !== INADDR_BROADCAST) arpInvalidate(arp, dev, broadcast, false);
  if (prefixlen <= BROADCAST_PREFIX_MAX) arpInvalidate(arp, dev, (address & mask) | ~mask, false);
}

/**
 * Deletes what is known about an address (arp_invalidate); without `force` only if there is nothing usable. False when
 * there was no entry, or only one that needs no ARP.
 */
export function arpInvalidate(arp: Arp, dev: NetDevice, address: number, force: boolean): boolean {
  const neigh = arp.tbl.find(address, dev);
  if (neigh === null) return false;
  if ((neigh.nudState & NUD_VALID) !== 0 && !force) return true;
  const learned = (neigh.nudState & ~NUD_NOARP) !== 0;
  if (learned) neighUpdate(neigh, null, NUD_FAILED, NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_ADMIN);
  arp.tbl.removeOne(neigh);
  return learned;
}
