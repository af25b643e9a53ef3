/** nettools/cache-table.ts — the routing cache as `route -C` and `netstat -rC` print it (net-tools lib/inet_gr.c). */
import { formatIpv4 } from '@packetwalk/framework';
import { type CacheLine, cacheLines } from '../proc/rt-cache.ts';
import type { Ipv4Route } from '../route.ts';
import type { RouteColumns } from './route-table.ts';

/** Letters of flags, by bit from the lowest: RTCF_NOTIFY `n`, DOREDIRECT `r`, DIRECTSRC `i`, BROADCAST `b` … */
const LETTERS: readonly (readonly [number, string])[] = [
  [0x00010000, 'n'],
  [0x01000000, 'r'],
  [0x04000000, 'i'],
  [0x10000000, 'b'],
  [0x20000000, 'm'],
  [0x80000000 | 0, 'l'],
];

const HEADS: Readonly<Record<RouteColumns, string>> = {
  fib: 'Source          Destination     Gateway         Flags Metric Ref    Use Iface',
  netstat: 'Source          Destination     Gateway         Flags   MSS Window  irtt Iface',
  all: 'Source          Destination     Gateway         Flags Metric Ref    Use Iface    MSS   Window irtt  TOS HHRef HHUptod     SpecDst',
};

export function cacheText(route: Ipv4Route, columns: RouteColumns): string {
  let text = `Kernel IP routing cache\n${HEADS[columns]}\n`;
  for (const line of cacheLines(route)) text += `${row(line, columns)}\n`;
  return text;
}

function row(line: CacheLine, columns: RouteColumns): string {
  const address = (a: number): string => formatIpv4(a).padEnd(15);
  const flags = LETTERS.filter(([bit]) => (line.flags & bit) !== 0).map(([, letter]) => letter);
  const start = `${address(line.source)} ${address(line.destination)} ${address(line.gateway)} ${flags.join('').padEnd(5)} `;
  const cell = (value: number, width: number): string => String(value).padEnd(width);
  if (columns === 'netstat')
    return `${start}${String(line.mtu).padStart(5)} ${cell(line.window, 5)} ${String(line.irtt).padStart(6)} ${line.dev}`;
  const middle = `${cell(0, 6)} ${cell(line.refs, 2)} ${String(line.use).padStart(7)} `;
  if (columns === 'fib') return `${start}${middle}${line.dev}`;
  const device = line.dev.slice(0, 6).padEnd(8);
  const tos = line.tos.toString(16).toUpperCase().padEnd(3);
  const tail = `${cell(line.hhRefs, 5)} ${cell(line.hhUptodate, 5)} ${formatIpv4(line.specDst)}`;
  return `${start}${middle}${device} ${cell(line.mtu, 5)} ${cell(line.window, 6)} ${cell(line.irtt, 5)} ${tos} ${tail}`;
}
