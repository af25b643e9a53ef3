/** arp-proc.ts — /proc/net/arp and /proc/net/stat/arp_cache (cf. Linux net/ipv4/arp.c arp_seq_show; proc(5)). */
import { formatIpv4, formatLladdr, NUD_NOARP, NUD_PERMANENT, NUD_VALID } from '@packetwalk/framework';
import type { Arp } from './arp.ts';
import { ATF_COM, ATF_PERM, ATF_PUBL } from './arp-ioctl.ts';
import type { NeighbourEntry } from './neighbour-entry.ts';

/** A line of /proc/net/arp. */
export interface ArpLine {
  readonly address: number;
  /** ARPHRD_*; 0 for an answer on all devices. */
  readonly hardware: number;
  /** ATF_* */
  readonly flags: number;
  /** Zeros when it is not known, or not the point. */
  readonly lladdr: string;
  readonly dev: string;
}

const NO_LLADDR = '00:00:00:00:00:00';

/** Entries that need ARP, then the addresses answered for. */
export function arpLines(arp: Arp): ArpLine[] {
  const lines: ArpLine[] = [];
  for (const neigh of arp.tbl.entries()) {
    if ((neigh.nudState & ~NUD_NOARP) === 0) continue;
    const { dev, key } = neigh;
    lines.push({ address: key, hardware: dev.type, flags: stateFlags(neigh), lladdr: formatLladdr(neigh.dev, neigh.ha), dev: dev.name });
  }
  for (const { key, dev } of arp.proxies.entries()) {
    lines.push({ address: key, hardware: dev?.type ?? 0, flags: ATF_PUBL | ATF_PERM, lladdr: NO_LLADDR, dev: dev?.name ?? '*' });
  }
  return lines;
}

/** arp_state_to_flags */
function stateFlags({ nudState }: NeighbourEntry): number {
  if ((nudState & NUD_PERMANENT) !== 0) return ATF_PERM | ATF_COM;
  return (nudState & NUD_VALID) !== 0 ? ATF_COM : 0;
}

export function procNetArp(arp: Arp): string {
  let text = 'IP address       HW type     Flags       HW address            Mask     Device\n';
  for (const { address, hardware, flags, lladdr, dev } of arpLines(arp)) {
    const hex = (n: number): string => `0x${n.toString(16).padEnd(10)}`;
    text += `${formatIpv4(address).padEnd(16)} ${hex(hardware)}${hex(flags)}${lladdr.padEnd(17)}     *        ${dev}\n`;
  }
  return text;
}

/** Heading of each column; the value below it is padded to this width, but for the last. */
const STAT_COLUMNS = [
  'entries  ',
  'allocs   ',
  'destroys ',
  'hash_grows ',
  'lookups  ',
  'hits     ',
  'res_failed ',
  'rcv_probes_mcast ',
  'rcv_probes_ucast ',
  'periodic_gc_runs ',
  'forced_gc_runs ',
  'unresolved_discards ',
  'table_fulls',
];

export function procNetStatArpCache(arp: Arp): string {
  const values = [arp.tbl.size, ...arp.stats.subarray(0, STAT_COLUMNS.length - 1)];
  const row = values.map((value, i) => (value % 2 ** 32).toString(16).padStart(8, '0').padEnd(STAT_COLUMNS[i].length));
  return `${STAT_COLUMNS.join('')}\n${row.join('').trimEnd()}\n`;
}
