/** core/link-print.ts — a device as `ip link show` prints it, text and JSON (cf. iproute2 ip/ipaddress.c print_linkinfo). */
import {
  COLLISIONS,
  IFF_ALLMULTI,
  IFF_BROADCAST,
  IFF_LOOPBACK,
  IFF_LOWER_UP,
  IFF_MASTER,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_POINTOPOINT,
  IFF_PROMISC,
  IFF_SLAVE,
  IFF_UP,
  isUp,
  MULTICAST,
  type NetDevice,
  RX_BYTES,
  RX_DROPPED,
  RX_ERRORS,
  RX_PACKETS,
  TX_BYTES,
  TX_DROPPED,
  TX_ERRORS,
  TX_PACKETS,
} from '../netdevice.ts';
import type { LinkKind } from '../plugin.ts';
import type { NamedRegistry } from '../registries.ts';
import { ARPHRD_ETHER, ARPHRD_IPGRE, ARPHRD_LOOPBACK, ARPHRD_NONE, ARPHRD_TUNNEL } from '../wire/arp.ts';
import { formatMac } from '../wire/ethernet.ts';
import { formatIpv4 } from '../wire/ipv4.ts';

/** Flags in the order of printing. */
const FLAGS: readonly (readonly [number, string])[] = [
  [IFF_LOOPBACK, 'LOOPBACK'],
  [IFF_BROADCAST, 'BROADCAST'],
  [IFF_POINTOPOINT, 'POINTOPOINT'],
  [IFF_MULTICAST, 'MULTICAST'],
  [IFF_NOARP, 'NOARP'],
  [IFF_ALLMULTI, 'ALLMULTI'],
  [IFF_PROMISC, 'PROMISC'],
  [IFF_MASTER, 'MASTER'],
  [IFF_SLAVE, 'SLAVE'],
  [IFF_UP, 'UP'],
  [IFF_LOWER_UP, 'LOWER_UP'],
];

const TYPES: Readonly<Record<number, string>> = {
  [ARPHRD_ETHER]: 'ether',
  [ARPHRD_LOOPBACK]: 'loopback',
  [ARPHRD_TUNNEL]: 'ipip',
  [ARPHRD_IPGRE]: 'gre',
  [ARPHRD_NONE]: 'none',
};

/** Name of an ARPHRD_* number. */
export function linkTypeName(type: number): string {
  return TYPES[type] ?? String(type);
}

export function linkFlags(dev: NetDevice): string[] {
  const names = FLAGS.filter(([bit]) => (dev.flags & bit) !== 0).map(([, name]) => name);
  return isUp(dev) && !dev.carrier ? ['NO-CARRIER', ...names] : names;
}

function operstate(dev: NetDevice): string {
  if (!isUp(dev)) return 'DOWN';
  if (dev.type !== ARPHRD_ETHER) return 'UNKNOWN';
  return dev.carrier ? 'UP' : 'DOWN';
}

/** A tunnel that stands on no device says so. */
const isTunnel = (dev: NetDevice): boolean => dev.type === ARPHRD_TUNNEL || dev.type === ARPHRD_IPGRE;
const nameOf = (dev: NetDevice): string =>
  dev.link !== null ? `${dev.name}@${dev.link.name}` : isTunnel(dev) ? `${dev.name}@NONE` : dev.name;
const groupName = (dev: NetDevice): string => (dev.group === 0 ? 'default' : String(dev.group));

/** A link-layer address of the device's kind: a MAC address, or the IPv4 address that an end of a tunnel has (ll_addr_n2a). */
export function formatLladdr(dev: NetDevice, bytes: Uint8Array): string {
  if (!isTunnel(dev)) return formatMac(bytes);
  return formatIpv4((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]);
}

/** The start of a line of `ip -br`: name and state, in columns. */
export function linkFirstLine(dev: NetDevice): string {
  return `${nameOf(dev).padEnd(16)} ${operstate(dev).padEnd(14)} `;
}

/**
 * The lines about a device, each with its newline.
 * @param mode `mode DEFAULT` is printed: by `ip link`, not by `ip addr`
 */
export function linkText(dev: NetDevice, kinds: NamedRegistry<LinkKind>, flags: ReadonlySet<string>, mode: boolean): string {
  if (flags.has('brief')) return `${linkFirstLine(dev)}${formatLladdr(dev, dev.address)} <${linkFlags(dev).join(',')}> \n`;
  const first = [
    `${dev.ifindex}: ${nameOf(dev)}: <${linkFlags(dev).join(',')}> mtu ${dev.mtu} qdisc ${dev.qdisc}`,
    ...(dev.master === null ? [] : [`master ${dev.master.name}`]),
    `state ${operstate(dev)}`,
    ...(mode ? ['mode DEFAULT'] : []),
    `group ${groupName(dev)} qlen ${dev.txqueuelen}`,
  ];
  const brd = (dev.flags & IFF_POINTOPOINT) !== 0 ? 'peer' : 'brd';
  const second =
    dev.type === ARPHRD_NONE
      ? '    link/none '
      : `    link/${linkTypeName(dev.type)} ${formatLladdr(dev, dev.address)} ${brd} ${formatLladdr(dev, dev.broadcast)}`;
  const lines = [first.join(' '), flags.has('details') ? `${second} ${details(dev, kinds)}` : second];
  if (dev.alias !== '') lines.push(`    alias ${dev.alias}`);
  if (flags.has('stats')) lines.push(...statsLines(dev));
  return flags.has('oneline') ? `${lines.join('\\')}\n` : `${lines.join('\n')}\n`;
}

function details(dev: NetDevice, kinds: NamedRegistry<LinkKind>): string {
  const text = `promiscuity ${dev.promiscuity}  allmulti ${dev.allmulti} minmtu ${dev.minMtu} maxmtu ${dev.maxMtu} `;
  if (dev.kind === 'loopback') return text;
  const more = kinds.get(dev.kind)?.details?.(dev) ?? '';
  return `${text}\n    ${dev.kind} ${more}`;
}

function statsLines(dev: NetDevice): string[] {
  const s = dev.stats;
  const rx = [s[RX_BYTES], s[RX_PACKETS], s[RX_ERRORS], s[RX_DROPPED], 0, s[MULTICAST]].map(String);
  const tx = [s[TX_BYTES], s[TX_PACKETS], s[TX_ERRORS], s[TX_DROPPED], 0, s[COLLISIONS]].map(String);
  // iproute2 gives bytes and packets columns as wide as their largest number.
  const widths = [0, 1, 2, 3, 4, 5].map((i) => Math.max([5, 7, 6, 7, 7, 7][i], rx[i].length, tx[i].length));
  const row = (words: readonly string[]): string => words.map((w, i) => w.padStart(widths[i])).join(' ');
  return [
    `    RX:  ${row(['bytes', 'packets', 'errors', 'dropped', ' missed', '  mcast'])}           `,
    `    ${' '.repeat(5)}${row(rx)} `,
    `    TX:  ${row(['bytes', 'packets', 'errors', 'dropped', 'carrier', 'collsns'])}           `,
    `    ${' '.repeat(5)}${row(tx)} `,
  ];
}

/** The device as one object of `ip -j link` and `ip -j addr`. */
export function linkJson(
  dev: NetDevice,
  kinds: NamedRegistry<LinkKind>,
  flags: ReadonlySet<string>,
  mode: boolean,
): Record<string, unknown> {
  const json: Record<string, unknown> = {
    ifindex: dev.ifindex,
    ...(dev.link !== null ? { link: dev.link.name } : isTunnel(dev) ? { link: null } : {}),
    ifname: dev.name,
    flags: linkFlags(dev),
    mtu: dev.mtu,
    qdisc: dev.qdisc,
    ...(dev.master === null ? {} : { master: dev.master.name }),
    operstate: operstate(dev),
    ...(mode ? { linkmode: 'DEFAULT' } : {}),
    group: groupName(dev),
    txqlen: dev.txqueuelen,
    link_type: linkTypeName(dev.type),
  };
  if (dev.type !== ARPHRD_NONE) {
    json.address = formatLladdr(dev, dev.address);
    if ((dev.flags & IFF_POINTOPOINT) !== 0) json.link_pointtopoint = true;
    json.broadcast = formatLladdr(dev, dev.broadcast);
  }
  if (flags.has('details')) {
    Object.assign(json, { promiscuity: dev.promiscuity, allmulti: dev.allmulti, min_mtu: dev.minMtu, max_mtu: dev.maxMtu });
    const data = kinds.get(dev.kind)?.detailsJson?.(dev);
    json.linkinfo = { info_kind: dev.kind, ...(data === undefined ? {} : { info_data: data }) };
  }
  if (dev.alias !== '') json.ifalias = dev.alias;
  if (flags.has('stats')) json.stats64 = statsJson(dev);
  return json;
}

function statsJson({ stats: s }: NetDevice): object {
  return {
    rx: {
      bytes: s[RX_BYTES],
      packets: s[RX_PACKETS],
      errors: s[RX_ERRORS],
      dropped: s[RX_DROPPED],
      over_errors: 0,
      multicast: s[MULTICAST],
    },
    tx: {
      bytes: s[TX_BYTES],
      packets: s[TX_PACKETS],
      errors: s[TX_ERRORS],
      dropped: s[TX_DROPPED],
      carrier_errors: 0,
      collisions: s[COLLISIONS],
    },
  };
}
