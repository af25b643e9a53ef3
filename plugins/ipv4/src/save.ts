/** save.ts — addresses, routes and rules of a running router, as its config has them. */
import {
  formatIpv4,
  IFA_F_DEPRECATED,
  IFA_F_NOPREFIXROUTE,
  IFF_LOOPBACK,
  type Ifaddr,
  INADDR_LOOPBACK,
  ipv4IsLoopback,
  type Net,
  type NetDevice,
  RT_SCOPE_HOST,
  RT_SCOPE_UNIVERSE,
  RTPROT_KERNEL,
  RTPROT_UNSPEC,
  rtprotN2a,
  type SavedConfig,
} from '@packetwalk/framework';
import { FOREVER, timeLeft } from './address-lifetime.ts';
import type { RouteEntry } from './fib.ts';
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
  const appended = saveRoutes(config, net, route, tables);
  saveRules(config, route, tables, appended);
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
  const { valid, preferred } = timeLeft(ifa);
  if (valid !== FOREVER) words.push(`valid_lft ${valid} preferred_lft ${preferred}`);
  else if ((flags & IFA_F_DEPRECATED) !== 0) words.push('preferred_lft 0');
  return words.join(' ');
}

/** Rules come behind routes, whose gateways they may hide: in `setup:` when routes are there. */
function saveRules(config: SavedConfig, route: Ipv4Route, tables: TableNames, inSetup: boolean): void {
  const line = (rule: FibRule): string => {
    const protocol = rule.protocol === RTPROT_KERNEL || rule.protocol === RTPROT_UNSPEC ? '' : ` protocol ${rtprotN2a(rule.protocol)}`;
    return `${ruleWords(rule, tables)} priority ${rule.pref}${protocol}`;
  };
  const words = route.fib.rules.rules().map(line);
  const given = DEFAULT_RULES.map(line);
  const added = words.filter((rule) => !given.includes(rule));
  config.rules = inSetup ? [] : added;
  if (inSetup) for (const rule of added) config.setup.push(`ip rule add ${rule}`);
  for (const [i, rule] of given.entries()) if (!words.includes(rule)) config.setup.push(`ip rule del priority ${DEFAULT_RULES[i].pref}`);
}

/**
 * Routes that somebody added. Of several for one prefix that differ in the next hop alone `routes:` can have the first only, and
 * none beside one that came with an address: those are appended in `setup:`, where also the order of routes that came with
 * addresses is made what it is, as the same address on two devices has it.
 * @returns whether any are in `setup:`
 */
function saveRoutes(config: SavedConfig, net: Net, { fib }: Ipv4Route, tables: TableNames): boolean {
  const before = config.setup.length;
  const options = { net, tables, showTable: true, details: false };
  const line = (entry: RouteEntry): string => {
    const text = routeText(entry, options).trim().replace(/\s+/g, ' ');
    // What the state of a device adds is not the route's own.
    const { nhs } = entry.alias.fi;
    return nhs.some((nh) => (nh.flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) !== 0) ? text.replace(/ (dead|linkdown)\b/g, '') : text;
  };
  const rank = addressRanks(config, net);
  const routes: string[] = [];
  for (const table of fib.dumpOrder()) {
    for (const group of equals(fib.routes(table))) {
      const given = group.filter(fromAddress).sort((a, b) => rank(a) - rank(b));
      const added = group.filter((entry) => !fromAddress(entry));
      if (given.length === 0) {
        const [first, ...others] = added.map(line);
        routes.push(first);
        for (const other of others) config.setup.push(`ip route append ${other}`);
        continue;
      }
      // Those at the front stay where their addresses put them; all behind are put there one after the other.
      let inPlace = 0;
      for (const entry of given) if (entry === group[inPlace]) inPlace++;
      for (const entry of group.slice(inPlace)) {
        if (given.includes(entry)) config.setup.push(`ip route del ${line(entry)}`);
        config.setup.push(`ip route append ${line(entry)}`);
      }
    }
  }
  config.routes = routes;
  return config.setup.length > before;
}

const fromAddress = ({ alias }: RouteEntry): boolean => alias.fi.protocol === RTPROT_KERNEL;

/** Runs of routes that only their order tells apart: one table, prefix, TOS and metric. */
function equals(entries: Iterable<RouteEntry>): RouteEntry[][] {
  const groups = new Map<string, RouteEntry[]>();
  for (const entry of entries) {
    const key = `${entry.prefix}/${entry.length} ${entry.alias.tos} ${entry.alias.fi.priority}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}

/** When the saved config brings a route that comes with an address: its devices in their order, then `lo` in `setup:`. */
function addressRanks(config: SavedConfig, net: Net): (entry: RouteEntry) => number {
  const ranks = new Map<string, number>();
  const names = Object.keys(config.devices);
  const place = (dev: NetDevice): number => (names.includes(dev.name) ? names.indexOf(dev.name) : names.length);
  for (const dev of [...net.devices()].sort((a, b) => place(a) - place(b))) {
    for (const { local } of dev.inDev?.ifaList ?? []) ranks.set(`${dev.name} ${local}`, ranks.size);
  }
  return ({ alias: { fi } }) => ranks.get(`${fi.nhs[0]?.dev?.name} ${fi.prefsrc}`) ?? ranks.size;
}
