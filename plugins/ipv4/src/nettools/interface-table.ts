/** nettools/interface-table.ts — devices a line each: `netstat -i`, `ifconfig -s` (net-tools lib/interface.c ife_print_short). */
import {
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
  isUp,
  type Net,
  type NetDevice,
  RX_DROPPED,
  RX_ERRORS,
  RX_PACKETS,
  TX_DROPPED,
  TX_ERRORS,
  TX_PACKETS,
} from '@packetwalk/framework';

const LETTERS: readonly (readonly [number, string])[] = [
  [IFF_ALLMULTI, 'A'],
  [IFF_BROADCAST, 'B'],
  [IFF_LOOPBACK, 'L'],
  [IFF_MULTICAST, 'M'],
  [IFF_PROMISC, 'P'],
  [IFF_NOARP, 'O'],
  [IFF_POINTOPOINT, 'P'],
  [IFF_RUNNING, 'R'],
  [IFF_SLAVE, 's'],
  [IFF_MASTER, 'm'],
  [IFF_UP, 'U'],
];

const COLUMNS = 'RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg';

/** Devices by name; those that are down only with `all`. */
export function shownDevices(net: Net, all: boolean): NetDevice[] {
  return net
    .devices()
    .filter((dev) => all || isUp(dev))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Text of `netstat -i`. */
export function interfaceTable(net: Net, all: boolean): string {
  return `Kernel Interface table\nIface             MTU    ${COLUMNS}\n${rows(shownDevices(net, all))}`;
}

/** Text of `ifconfig -s`. */
export function interfaceList(devices: readonly NetDevice[]): string {
  return `Iface      MTU    ${COLUMNS}\n${rows(devices)}`;
}

function rows(devices: readonly NetDevice[]): string {
  return devices.map((dev) => `${row(dev)}\n`).join('');
}

function row({ name, mtu, stats, flags }: NetDevice): string {
  const cell = (value: number, width: number): string => String(value).padStart(width);
  const letters = LETTERS.filter(([bit]) => (flags & bit) !== 0).map(([, letter]) => letter);
  return [
    name.slice(0, 15).padEnd(15),
    cell(mtu, 5),
    cell(stats[RX_PACKETS], 8),
    cell(stats[RX_ERRORS], 6),
    cell(stats[RX_DROPPED], 6),
    // No driver here tells of overruns.
    '0     ',
    cell(stats[TX_PACKETS], 8),
    cell(stats[TX_ERRORS], 6),
    cell(stats[TX_DROPPED], 6),
    cell(0, 6),
    letters.join(''),
  ].join(' ');
}
