/**
 * consistency.ts — what no schema can say about a config: parts that stand in different places and must fit. Looks at
 * what has the right shape only; the schema tells the rest.
 */
import type { ConfigIssue, ConfigPath } from '../errors.ts';
import { formatMac, parseMac } from '../wire/ethernet.ts';
import { formatIpv4, inetMakeMask, parseCidr } from '../wire/ipv4.ts';
import { suggestion } from './did-you-mean.ts';
import { entriesOf, isLab, isMapping, itemsOf, type Mapping } from './shape.ts';

/** The driver of virtual cables: what `links:` joins. */
const CABLE_DRIVER = 'nic-pair';

/** From this length on a subnet has no network and no broadcast address (RFC 3021). */
const POINT_TO_POINT = 31;

/** Finds what does not fit in the config of a router or a lab. */
export function checkConsistency(config: unknown): ConfigIssue[] {
  return isLab(config) ? checkLab(config) : [...checkRouter(config, []), ...looseEnds(config, [])];
}

/** Finds what does not fit within one router; `root` is where it stands in the config. */
function checkRouter(router: unknown, root: ConfigPath): ConfigIssue[] {
  if (!isMapping(router)) return [];
  const issues: ConfigIssue[] = [];
  const instances = new Owners<string>(issues);
  const macs = new Owners<string>(issues);
  const addresses = new Owners<number>(issues);
  for (const [i, entry] of itemsOf(router.plugins)) {
    const id = isMapping(entry) ? (entry.as ?? entry.use) : undefined;
    if (typeof id !== 'string') continue;
    const path = [...root, 'plugins', i];
    instances.claim(id, `plugins[${i}]`, path, (first) => `is a second "${id}", after ${first}: give it a name of its own with "as"`);
  }
  for (const [name, device] of entriesOf(router.devices)) {
    if (!isMapping(device)) continue;
    const path = [...root, 'devices', name];
    const mac = typeof device.mac === 'string' ? parseMac(device.mac) : null;
    if (mac !== null) macs.claim(formatMac(mac), name, [...path, 'mac'], (first) => `is the MAC address of ${first} already`);
    for (const key of ['master', 'link']) {
      const other = device[key];
      if (typeof other !== 'string' || (owns(router.devices, other) && other !== name)) continue;
      issues.push({
        code: 'unknown-device',
        path: [...path, key],
        message: other === name ? 'is the device itself' : unknown('device', other, router.devices),
      });
    }
    for (const [i, text] of itemsOf(device.addresses)) {
      const cidr = typeof text === 'string' ? parseCidr(text) : null;
      if (cidr === null) continue;
      const at = [...path, 'addresses', i];
      addresses.claim(cidr.address, name, at, (first) => `is an address of ${first} already: ${formatIpv4(cidr.address)}`);
      const role = hostless(cidr.address, cidr.length);
      if (role !== undefined)
        issues.push({ code: 'bad-address', path: at, message: `must be a host's address, and ${text} is the ${role}` });
    }
  }
  return issues;
}

/** Who has what: the first to claim a key keeps it, everyone after is an issue. */
class Owners<K> {
  private readonly owners = new Map<K, string>();
  private readonly issues: ConfigIssue[];

  constructor(issues: ConfigIssue[]) {
    this.issues = issues;
  }

  claim(key: K, owner: string, path: ConfigPath, message: (first: string) => string): void {
    const first = this.owners.get(key);
    if (first === undefined) this.owners.set(key, owner);
    else this.issues.push({ code: 'duplicate', path, message: message(first) });
  }

  has(key: K): boolean {
    return this.owners.has(key);
  }
}

/** What an address whose host bits are all alike stands for; undefined when it is a host's. */
function hostless(address: number, length: number): string | undefined {
  if (length >= POINT_TO_POINT) return undefined;
  const mask = inetMakeMask(length);
  if ((address & ~mask) === 0) return 'network itself';
  return (address | mask) === -1 ? 'broadcast address of its network' : undefined;
}

function checkLab(lab: Mapping): ConfigIssue[] {
  const routers = entriesOf(lab.routers);
  const issues = routers.flatMap(([name, router]) => checkRouter(router, ['routers', name]));
  for (const [i, step] of itemsOf(lab.script)) {
    const router = isMapping(step) ? step.router : undefined;
    if (typeof router !== 'string' || owns(lab.routers, router)) continue;
    issues.push({ code: 'unknown-router', path: ['script', i, 'router'], message: unknown('router', router, lab.routers) });
  }
  const linkIssues: ConfigIssue[] = [];
  const ends = new Owners<string>(linkIssues);
  for (const [i, link] of itemsOf(lab.links)) {
    for (const [j, end] of itemsOf(link)) {
      if (typeof end !== 'string' || !end.includes('.')) continue;
      const path = ['links', i, j];
      const problem = checkEnd(end, lab.routers);
      if (problem === undefined) ends.claim(end, `links[${i}]`, path, (first) => `is an end of ${first} already: a device has one cable`);
      else linkIssues.push({ ...problem, path });
    }
  }
  // A link that names the wrong device leaves the right one loose: one mistake, told once.
  if (linkIssues.length > 0) return [...issues, ...linkIssues];
  return [
    ...issues,
    ...routers.flatMap(([name, router]) => looseEnds(router, ['routers', name], (device) => ends.has(`${name}.${device}`))),
  ];
}

/** What is wrong with an end of a link, `router.device`. */
function checkEnd(end: string, routers: unknown): Omit<ConfigIssue, 'path'> | undefined {
  const dot = end.indexOf('.');
  const name = end.slice(0, dot);
  if (!owns(routers, name)) return { code: 'unknown-router', message: unknown('router', name, routers) };
  const router = routers[name];
  const devices = isMapping(router) ? router.devices : undefined;
  const device = end.slice(dot + 1);
  if (!owns(devices, device)) return { code: 'unknown-device', message: unknown('device', device, devices, ` in router "${name}"`) };
  const entry = devices[device];
  if (!isMapping(entry) || entry.driver === CABLE_DRIVER) return undefined;
  return { code: 'bad-link', message: `must be a device of driver ${CABLE_DRIVER}, and its driver is ${entry.driver}` };
}

/** Cables of a router that end nowhere. */
function looseEnds(router: unknown, root: ConfigPath, linked: (device: string) => boolean = () => false): ConfigIssue[] {
  const devices = isMapping(router) ? entriesOf(router.devices) : [];
  return devices
    .filter(([name, device]) => isMapping(device) && device.driver === CABLE_DRIVER && device.peer === undefined && !linked(name))
    .map(([name]) => ({
      code: 'loose-end',
      path: [...root, 'devices', name],
      message: 'is a cable that leads nowhere: the "links" of a lab must name it once, or "peer" a device of the same router',
    }));
}

function owns(value: unknown, key: string): value is Mapping {
  return isMapping(value) && Object.hasOwn(value, key);
}

/** `names the unknown device "eht0" in router "a", did you mean "eth0"?` */
function unknown(kind: string, name: string, known: unknown, where = ''): string {
  return `names the unknown ${kind} "${name}"${where}${suggestion(
    name,
    entriesOf(known).map(([key]) => key),
  )}`;
}
