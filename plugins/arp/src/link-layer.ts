/** link-layer.ts — what ARP has to know of a device's link layer: header, and addresses that need no asking. */
import {
  ARPHRD_ETHER,
  ARPHRD_IEEE802,
  ARPHRD_LOOPBACK,
  IFF_LOOPBACK,
  IFF_NOARP,
  IFF_POINTOPOINT,
  type NetDevice,
  RTN_BROADCAST,
  RTN_MULTICAST,
} from '@packetwalk/framework';

/** Frames of the device begin with an Ethernet header. */
export function hasEthernetHeader(dev: NetDevice): boolean {
  return dev.headerOps === null && (dev.type === ARPHRD_ETHER || dev.type === ARPHRD_IEEE802 || dev.type === ARPHRD_LOOPBACK);
}

/** Packets of the device get some link-layer header. */
export function hasLinkHeader(dev: NetDevice): boolean {
  return dev.headerOps !== null || hasEthernetHeader(dev);
}

/** True when an ARP packet's hardware type suits the device: Ethernet hears IEEE 802 too, and the other way round. */
export function suitsHardware(hardware: number, dev: NetDevice): boolean {
  if (dev.type !== ARPHRD_ETHER && dev.type !== ARPHRD_IEEE802) return hardware === dev.type;
  return hardware === ARPHRD_ETHER || hardware === ARPHRD_IEEE802;
}

/**
 * The link-layer address of a neighbour when it follows from its address or from the device: of groups and
 * broadcasts, and of everything where ARP is off. Null: it must be asked for.
 * @param type RTN_* of the address
 */
export function fixedAddress(key: number, type: number, dev: NetDevice): Uint8Array | null {
  if (type === RTN_MULTICAST) return hasEthernetHeader(dev) ? mapMulticast(key) : dev.broadcast;
  if ((dev.flags & (IFF_NOARP | IFF_LOOPBACK)) !== 0) return dev.address;
  if (type === RTN_BROADCAST || (dev.flags & IFF_POINTOPOINT) !== 0) return dev.broadcast;
  return null;
}

/** 01:00:5e and the low 23 bits of the group (RFC 1112 §6.4, ip_eth_mc_map). */
function mapMulticast(group: number): Uint8Array {
  return Uint8Array.of(0x01, 0x00, 0x5e, (group >>> 16) & 0x7f, group >>> 8, group);
}
