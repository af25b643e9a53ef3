/** nettools/ifconfig-print.ts — a device as ifconfig shows it (net-tools lib/interface.c ife_print_long). */
import {
  ARPHRD_ETHER,
  ARPHRD_LOOPBACK,
  ARPHRD_TUNNEL,
  COLLISIONS,
  formatIpv4,
  formatMac,
  IFF_ALLMULTI,
  IFF_BROADCAST,
  IFF_LOOPBACK,
  IFF_MASTER,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_POINTOPOINT,
  IFF_PROMISC,
  IFF_RUNNING,
  IFF_SLAVE,
  IFF_UP,
  type Ifaddr,
  type NetDevice,
  RX_BYTES,
  RX_DROPPED,
  RX_ERRORS,
  RX_FIFO_ERRORS,
  RX_FRAME_ERRORS,
  RX_PACKETS,
  TX_BYTES,
  TX_CARRIER_ERRORS,
  TX_DROPPED,
  TX_ERRORS,
  TX_FIFO_ERRORS,
  TX_PACKETS,
} from '@packetwalk/framework';

/** Flags in the order of printing. */
const FLAGS: readonly (readonly [number, string])[] = [
  [IFF_UP, 'UP'],
  [IFF_BROADCAST, 'BROADCAST'],
  [IFF_LOOPBACK, 'LOOPBACK'],
  [IFF_POINTOPOINT, 'POINTOPOINT'],
  [IFF_RUNNING, 'RUNNING'],
  [IFF_NOARP, 'NOARP'],
  [IFF_PROMISC, 'PROMISC'],
  [IFF_ALLMULTI, 'ALLMULTI'],
  [IFF_SLAVE, 'SLAVE'],
  [IFF_MASTER, 'MASTER'],
  [IFF_MULTICAST, 'MULTICAST'],
];

/** Flags as programs get them are 16 bits. */
const SHORT = 0xffff;

/**
 * The lines about a device, with an empty one behind.
 * @param label of an address other than the device's first: `eth0:1`, which has no counters; else the device's name
 */
export function ifconfigText(dev: NetDevice, label: string, ifa: Ifaddr | undefined): string {
  const names = FLAGS.filter(([bit]) => (dev.flags & bit) !== 0).map(([, name]) => name);
  const lines = [`${label}: flags=${dev.flags & SHORT}<${names.join(',')}>  mtu ${dev.mtu}`];
  if (ifa !== undefined) lines.push(`        ${addressLine(dev, ifa)}`);
  lines.push(`        ${hardwareLine(dev)}`);
  if (label === dev.name) lines.push(...counters(dev));
  return `${lines.join('\n')}\n\n`;
}

function addressLine({ flags }: NetDevice, { local, address, mask, broadcast }: Ifaddr): string {
  const text = `inet ${formatIpv4(local)}  netmask ${formatIpv4(mask)}`;
  if ((flags & IFF_POINTOPOINT) !== 0) return `${text}  destination ${formatIpv4(address)}`;
  return (flags & IFF_BROADCAST) !== 0 ? `${text}  broadcast ${formatIpv4(broadcast)}` : text;
}

function hardwareLine({ type, address, txqueuelen }: NetDevice): string {
  if (type === ARPHRD_ETHER) return `ether ${formatMac(address)}  txqueuelen ${txqueuelen}  (Ethernet)`;
  if (type === ARPHRD_LOOPBACK) return `loop  txqueuelen ${txqueuelen}  (Local Loopback)`;
  if (type === ARPHRD_TUNNEL) return `tunnel   txqueuelen ${txqueuelen}  (IPIP Tunnel)`;
  const bytes = Array.from({ length: 16 }, (_, i) => (address[i] ?? 0).toString(16).toUpperCase().padStart(2, '0'));
  return `unspec ${bytes.join('-')}  txqueuelen ${txqueuelen}  (UNSPEC)`;
}

function counters({ stats: s }: NetDevice): string[] {
  return [
    `        RX packets ${s[RX_PACKETS]}  bytes ${s[RX_BYTES]} (${scaled(s[RX_BYTES])})`,
    `        RX errors ${s[RX_ERRORS]}  dropped ${s[RX_DROPPED]}  overruns ${s[RX_FIFO_ERRORS]}  frame ${s[RX_FRAME_ERRORS]}`,
    `        TX packets ${s[TX_PACKETS]}  bytes ${s[TX_BYTES]} (${scaled(s[TX_BYTES])})`,
    `        TX errors ${s[TX_ERRORS]}  dropped ${s[TX_DROPPED]} overruns ${s[TX_FIFO_ERRORS]}  carrier ${s[TX_CARRIER_ERRORS]}  collisions ${s[COLLISIONS]}`,
  ];
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `1.4 KiB`: the tenth is cut off, not rounded. */
function scaled(bytes: number): string {
  let unit = 0;
  let size = 1;
  while (unit < UNITS.length - 1 && bytes > size * 1024) {
    size *= 1024;
    unit++;
  }
  const tenths = Math.floor((bytes * 10) / size);
  return `${Math.floor(tenths / 10)}.${tenths % 10} ${UNITS[unit]}`;
}
