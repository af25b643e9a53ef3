/**
 * nettools/route-table.ts — the main table as the old tools see it: /proc/net/route, `route -n`, `netstat -rn`
 * (cf. Linux net/ipv4/fib_trie.c fib_route_seq_show, fib_flag_trans; net-tools lib/inet_gr.c).
 */
import {
  formatIpv4,
  inetMakeMask,
  RT_TABLE_MAIN,
  RTN_BROADCAST,
  RTN_MULTICAST,
  RTN_PROHIBIT,
  RTN_UNREACHABLE,
} from '@packetwalk/framework';
import type { Fib } from '../fib.ts';
import { RTAX_ADVMSS, RTAX_RTT, RTAX_WINDOW } from '../fib-info.ts';
import { hexAddress } from '../proc/hex-address.ts';

/** Flags of a route (linux/route.h). */
const RTF_UP = 0x0001;
const RTF_GATEWAY = 0x0002;
const RTF_HOST = 0x0004;
const RTF_REJECT = 0x0200;

/** Room that TCP and IP headers take of a segment: /proc/net/route shows an MTU made of advmss. */
const HEADERS = 40;

/** A line of the table. */
export interface RouteLine {
  readonly dev: string;
  readonly destination: number;
  readonly gateway: number;
  readonly flags: number;
  readonly metric: number;
  readonly mask: number;
  readonly mtu: number;
  readonly window: number;
  readonly irtt: number;
}

/** Routes of the main table; broadcast and multicast ones are not shown. */
export function routeLines(fib: Fib): RouteLine[] {
  const table = fib.table(RT_TABLE_MAIN);
  if (table === undefined) return [];
  const lines: RouteLine[] = [];
  for (const { prefix, length, alias } of fib.routes(table)) {
    const { fi, type } = alias;
    if (type === RTN_BROADCAST || type === RTN_MULTICAST) continue;
    const [nh] = fi.nhs;
    let flags = RTF_UP;
    if (type === RTN_UNREACHABLE || type === RTN_PROHIBIT) flags = RTF_UP | RTF_REJECT;
    if (nh.gw !== 0) flags |= RTF_GATEWAY;
    if (length === 32) flags |= RTF_HOST;
    const advmss = fi.metrics.get(RTAX_ADVMSS);
    lines.push({
      dev: nh.dev?.name ?? '*',
      destination: prefix,
      gateway: nh.gw,
      flags,
      metric: fi.priority,
      mask: inetMakeMask(length),
      mtu: advmss === undefined ? 0 : advmss + HEADERS,
      window: fi.metrics.get(RTAX_WINDOW) ?? 0,
      irtt: (fi.metrics.get(RTAX_RTT) ?? 0) >> 3,
    });
  }
  return lines;
}

/** Text of /proc/net/route; each line is padded to 127 characters. */
export function procNetRoute(fib: Fib): string {
  const rows = ['Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'];
  for (const r of routeLines(fib)) {
    const flags = r.flags.toString(16).toUpperCase().padStart(4, '0');
    rows.push(
      [r.dev, hexAddress(r.destination), hexAddress(r.gateway), flags, 0, 0, r.metric, hexAddress(r.mask), r.mtu, r.window, r.irtt].join(
        '\t',
      ),
    );
  }
  return rows.map((row) => `${row.padEnd(127)}\n`).join('');
}

/** Which columns: `route -n`, `route -e` (as netstat), `route -ee`. */
export type RouteColumns = 'fib' | 'netstat' | 'all';

/** The table as `route` prints it; names take the place of numbers unless `numeric`. */
export function routeText(fib: Fib, columns: RouteColumns, numeric: boolean): string {
  const heads = {
    fib: 'Destination     Gateway         Genmask         Flags Metric Ref    Use Iface',
    netstat: 'Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface',
    all: 'Destination     Gateway         Genmask         Flags Metric Ref    Use Iface    MSS   Window irtt',
  };
  let text = `Kernel IP routing table\n${heads[columns]}\n`;
  for (const r of routeLines(fib)) text += `${line(r, columns, numeric)}\n`;
  return text;
}

function line(r: RouteLine, columns: RouteColumns, numeric: boolean): string {
  const reject = (r.flags & RTF_REJECT) !== 0;
  const destination = r.destination === 0 && r.mask === 0 && !numeric ? 'default' : formatIpv4(r.destination);
  const flags = reject ? '!' : ['U', (r.flags & RTF_GATEWAY) === 0 ? '' : 'G', (r.flags & RTF_HOST) === 0 ? '' : 'H'].join('');
  const gateway = reject ? '-' : formatIpv4(r.gateway);
  const start = `${destination.padEnd(15)} ${gateway.padEnd(15)} ${formatIpv4(r.mask).padEnd(15)} `;
  const dev = reject ? '-' : r.dev;
  const [mss, window, irtt] = reject ? ['-', '-', '-'] : [r.mtu, r.window, r.irtt].map(String);
  if (columns === 'netstat') return `${start}${flags.padEnd(6)} ${mss.padStart(4)} ${window.padEnd(5)}  ${irtt.padStart(5)} ${dev}`;
  const middle = `${flags.padEnd(5)} ${String(r.metric).padEnd(6)} ${(reject ? '-' : '0').padEnd(2)} ${'0'.padStart(7)} `;
  return columns === 'fib' ? start + middle + dev : `${start}${middle}${dev.padEnd(8)} ${mss.padEnd(5)} ${window.padEnd(6)} ${irtt}`;
}
