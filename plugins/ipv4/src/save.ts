/** save.ts — addresses, routes and rules of a running router, as its config has them. */
import {
  formatIpv4,
  IFA_F_NOPREFIXROUTE,
  IFF_LOOPBACK,
  type Ifaddr,
  INADDR_LOOPBACK,
  ipv4IsLoopback,
  type Net,
  RT_SCOPE_HOST,
  RT_SCOPE_UNIVERSE,
  RTPROT_KERNEL,
  RTPROT_UNSPEC,
  rtprotN2a,
  type SavedConfig,
} from '@packetwalk/framework';
import { RTNH_F_DEAD, RTNH_F_LINKDOWN } from './fib-info.ts';
import { DEFAULT_RULES, type FibRule } from './fib-rules.ts';
import { routeText } from './iproute/route-print.ts';
import { scopeName, TableNames } from './iproute/route-types.ts';
import { ruleWords } from './iproute/rule-command.ts';
import type { Ipv4Route } from './route.ts';

/** Writes IPv4's part of a config. */
export function saveIpv4(config: SavedConfig, net: Net, route: Ipv4Route, tables: TableNames): void {
  saveAddresses(config, net);
  const known = new Set([...new TableNames().all()].map(([id]) => id));
  config.rt_tables = Object.fromEntries([...tables.all()].filter(([id]) => !known.has(id)).map(([id, name]) => [name, id]));
  saveRules(config, route, tables);
  saveRoutes(config, net, route, tables);
}

function saveAddresses(config: SavedConfig, net: Net): void {
  for (const dev of net.devices()) {
    const addresses = dev.inDev?.ifaList ?? [];
    const entry = config.devices[dev.name];
    if (entry !== undefined) {
      if (addresses.length > 0) entry.addresses = addresses.map((ifa) => addressWords(ifa));
    } else if ((dev.flags & IFF_LOOPBACK) !== 0) {
      // 127.0.0.1 comes with the device.
      const own = (ifa: Ifaddr): boolean => ifa.local === INADDR_LOOPBACK && ifa.prefixlen === 8;
      if (!addresses.some(own)) config.setup.push(`ip addr del 127.0.0.1/8 dev ${dev.name}`);
      for (const ifa of addresses) if (!own(ifa)) config.setup.push(`ip addr add ${addressWords(ifa)} dev ${dev.name}`);
    }
  }
}

/** An address as behind `ip addr add`; the parts that it would have anyway are left out. */
function addressWords(ifa: Ifaddr): string {
  const { local, address, prefixlen, broadcast, scope, flags, label, metric } = ifa;
  const words = [address === local ? `${formatIpv4(local)}/${prefixlen}` : `${formatIpv4(local)} peer ${formatIpv4(address)}/${prefixlen}`];
  if (broadcast !== 0) words.push('brd', formatIpv4(broadcast));
  if (scope !== (ipv4IsLoopback(local) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE)) words.push('scope', scopeName(scope));
  if (label !== ifa.inDev.dev.name) words.push('label', label);
  if (metric !== 0) words.push('metric', String(metric));
  if ((flags & IFA_F_NOPREFIXROUTE) !== 0) words.push('noprefixroute');
  return words.join(' ');
}

function saveRules(config: SavedConfig, route: Ipv4Route, tables: TableNames): void {
  const line = (rule: FibRule): string => {
    const protocol = rule.protocol === RTPROT_KERNEL || rule.protocol === RTPROT_UNSPEC ? '' : ` protocol ${rtprotN2a(rule.protocol)}`;
    return `${ruleWords(rule, tables)} priority ${rule.pref}${protocol}`;
  };
  const words = route.fib.rules.rules().map(line);
  const given = DEFAULT_RULES.map(line);
  config.rules = words.filter((rule) => !given.includes(rule));
  for (const [i, rule] of given.entries()) if (!words.includes(rule)) config.setup.push(`ip rule del priority ${DEFAULT_RULES[i].pref}`);
}

/** Routes that somebody added; of several for one prefix that differ in the next hop alone, `routes:` can have the first only. */
function saveRoutes(config: SavedConfig, net: Net, { fib }: Ipv4Route, tables: TableNames): void {
  const options = { net, tables, showTable: true, details: false };
  const routes: string[] = [];
  const seen = new Set<string>();
  for (const table of fib.dumpOrder()) {
    for (const entry of fib.routes(table)) {
      const { fi, tos } = entry.alias;
      if (fi.protocol === RTPROT_KERNEL) continue;
      const text = routeText(entry, options).trim().replace(/\s+/g, ' ');
      // What the state of a device adds is not the route's own.
      const line = fi.nhs.some((nh) => (nh.flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) !== 0) ? text.replace(/ (dead|linkdown)\b/g, '') : text;
      const key = `${entry.table} ${entry.prefix}/${entry.length} ${tos} ${fi.priority}`;
      if (seen.has(key)) config.setup.push(`ip route append ${line}`);
      else routes.push(line);
      seen.add(key);
    }
  }
  config.routes = routes;
}
