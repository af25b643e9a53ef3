/** iproute/addr-command.ts — `ip address` (ip-address(8)). */
import {
  type Command,
  CommandError,
  type CommandIo,
  duparg2,
  formatIpv4,
  IFA_F_DEPRECATED,
  IFA_F_NOPREFIXROUTE,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
  type Ifaddr,
  inetMakeMask,
  iprouteJson,
  isUp,
  type LinkKind,
  linkFirstLine,
  linkJson,
  linkText,
  matches,
  type NamedRegistry,
  type Net,
  type NetDevice,
  toPrefix,
  Words,
} from '@packetwalk/framework';
import { FOREVER, timeLeft } from '../address-lifetime.ts';
import type { Devinet } from '../devinet.ts';
import { parseAddress } from './addr-parse.ts';
import { scopeName, scopeNumber } from './route-types.ts';

const USAGE = `Usage: ip address {add|change|replace} IFADDR dev IFNAME
       ip address del IFADDR dev IFNAME
       ip address {save|flush} [ dev IFNAME ] [ scope SCOPE-ID ] [ to PREFIX ] [ label PATTERN ] [up]
       ip address [ show [ dev IFNAME ] [ scope SCOPE-ID ] [ to PREFIX ] [ label PATTERN ] [up] ]
IFADDR := PREFIX | ADDR peer PREFIX [ broadcast ADDR ] [ label IFNAME ] [ scope SCOPE-ID ] [ metric METRIC ]
`;

interface Filter {
  readonly dev: NetDevice | null;
  readonly up: boolean;
  readonly test: (ifa: Ifaddr) => boolean;
  /** Some selector of addresses was given: devices that have addresses, but none that match, are left out. */
  readonly narrow: boolean;
  /** Only IPv4 was asked for, by `-4` or a prefix: devices without such an address are left out, and link-layer addresses. */
  readonly family: boolean;
  /** Links whose name does not match are left out, their addresses may be shown. */
  readonly label: RegExp | null;
}

export function ipAddrCommand(net: Net, inet: Devinet, kinds: NamedRegistry<LinkKind>): Command {
  return {
    name: 'ip addr',
    summary: 'show and change addresses',
    usage: USAGE,
    run(args, io) {
      const words = new Words(args);
      const word = words.done ? 'show' : words.next();
      if (matches(word, 'add')) add(words, net, inet, false);
      else if (matches(word, 'change') || word === 'chg' || matches(word, 'replace')) add(words, net, inet, true);
      else if (matches(word, 'delete')) del(words, net, inet, io);
      else if (matches(word, 'show') || matches(word, 'lst') || matches(word, 'list')) show(words, net, kinds, io);
      else if (matches(word, 'flush')) flush(words, net, inet, io);
      else if (matches(word, 'help')) {
        io.err(USAGE);
        return 255;
      } else throw new CommandError(`Command "${word}" is unknown, try "ip address help".`, 255);
      return 0;
    },
  };
}

function find(dev: NetDevice, local: number, prefixlen: number): Ifaddr | undefined {
  return dev.inDev?.ifaList.find((ifa) => ifa.local === local && ifa.prefixlen === prefixlen);
}

function add(words: Words, net: Net, inet: Devinet, replace: boolean): void {
  const { dev, spec } = parseAddress(words, net);
  // Linux takes an address of zero for none, and is content.
  if (spec.local === 0) return;
  const known = replace ? find(dev, spec.local, spec.prefixlen) : undefined;
  if (known === undefined) inet.addAddress(dev, spec);
  else inet.changeAddress(known, spec);
}

function del(words: Words, net: Net, inet: Devinet, io: CommandIo): void {
  const { dev, spec, lengthGiven, labelGiven } = parseAddress(words, net, undefined, (text) => io.err(text));
  const ifa = dev.inDev?.ifaList.find((i) => {
    if (i.local !== spec.local) return false;
    if (labelGiven && i.label !== spec.label) return false;
    return (
      !lengthGiven || (i.prefixlen === spec.prefixlen && ((i.address ^ (spec.address ?? spec.local)) & inetMakeMask(spec.prefixlen)) === 0)
    );
  });
  if (ifa === undefined) throw new CommandError('Error: ipv4: Address not found.', 2);
  inet.delAddress(ifa);
}

function parseFilter(words: Words, net: Net, flags: ReadonlySet<string>): Filter {
  let dev: NetDevice | null = null;
  let up = false;
  let family = flags.has('inet');
  let label: RegExp | null = null;
  const tests: ((ifa: Ifaddr) => boolean)[] = [];
  const flag = (bit: number, on: boolean): void => {
    tests.push((ifa) => ((ifa.flags & bit) !== 0) === on);
  };
  while (!words.done) {
    const word = words.next();
    if (word === 'to') {
      const p = toPrefix(words.next(), 'unspec');
      family = true;
      tests.push((ifa) => ((ifa.local ^ p.address) & inetMakeMask(p.length)) === 0);
    } else if (word === 'scope') {
      const name = words.next();
      if (name !== 'all') {
        const scope = scopeNumber(name, 'invalid "scope"\n');
        tests.push((ifa) => ifa.scope === scope);
      }
    } else if (word === 'up') up = true;
    else if (word === 'label') {
      const pattern = globPattern(words.next());
      label = pattern;
      tests.push((ifa) => pattern.test(ifa.label));
    } else if (word === 'primary' || word === '-secondary' || word === '-temporary') flag(IFA_F_SECONDARY, false);
    else if (word === 'secondary' || word === 'temporary') flag(IFA_F_SECONDARY, true);
    else if (word === 'permanent' || word === '-dynamic') flag(IFA_F_PERMANENT, true);
    else if (word === 'dynamic' || word === '-permanent') flag(IFA_F_PERMANENT, false);
    else if (word === 'deprecated' || word === '-deprecated') flag(IFA_F_DEPRECATED, !word.startsWith('-'));
    else if (word === 'noprefixroute' || word === '-noprefixroute') flag(IFA_F_NOPREFIXROUTE, !word.startsWith('-'));
    else {
      const name = word === 'dev' ? words.next() : word;
      if (matches(name, 'help')) throw new CommandError(USAGE.trimEnd(), 255);
      if (dev !== null) duparg2('dev', name);
      dev = net.device(name) ?? missing(name);
    }
  }
  return { dev, up, test: (ifa) => tests.every((t) => t(ifa)), narrow: tests.length > 0, family, label };
}

function missing(name: string): never {
  throw new CommandError(`Device "${name}" does not exist.`);
}

/** fnmatch(3) patterns of labels: `eth0:*`. */
function globPattern(pattern: string): RegExp {
  return new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
}

function flush(words: Words, net: Net, inet: Devinet, io: CommandIo): void {
  if (words.done) throw new CommandError('Flush requires arguments.');
  const filter = parseFilter(words, net, io.flags);
  let flushed = 0;
  for (const dev of filter.dev === null ? net.devices() : [filter.dev]) {
    if (filter.up && !isUp(dev)) continue;
    for (const ifa of [...(dev.inDev?.ifaList ?? [])]) {
      if (!filter.test(ifa) || dev.inDev?.ifaList.includes(ifa) !== true) continue;
      inet.delAddress(ifa);
      flushed++;
    }
  }
  if (!io.flags.has('stats')) return;
  io.out(
    flushed === 0 ? 'Nothing to flush.\n' : `\n*** Round 1, deleting ${flushed} addresses ***\n*** Flush is complete after 1 round ***\n`,
  );
}

function show(words: Words, net: Net, kinds: NamedRegistry<LinkKind>, io: CommandIo): void {
  const filter = parseFilter(words, net, io.flags);
  const listed = (filter.dev === null ? net.devices() : [filter.dev])
    .filter((dev) => !filter.up || isUp(dev))
    .map((dev) => ({ dev, all: dev.inDev?.ifaList ?? [], addresses: (dev.inDev?.ifaList ?? []).filter(filter.test) }))
    .filter(({ all, addresses }) => addresses.length > 0 || (!filter.family && (!filter.narrow || all.length === 0)));
  if (io.flags.has('json')) {
    const json = listed.map(({ dev, addresses }) => ({ ...linkJson(dev, kinds, io.flags, false), addr_info: addresses.map(addressJson) }));
    io.out(`${iprouteJson(json, io.flags.has('pretty'))}\n`);
    return;
  }
  const linkShown = (dev: NetDevice): boolean => filter.label === null || filter.family || filter.label.test(dev.name);
  for (const { dev, addresses } of listed) {
    if (io.flags.has('brief')) io.out(`${linkFirstLine(dev)}${addresses.map((a) => `${briefAddress(a)}${metricOf(a)} `).join('')}\n`);
    else if (io.flags.has('oneline')) for (const ifa of addresses) io.out(`${dev.ifindex}: ${dev.name}    ${addressText(ifa, '\\')}\n`);
    else {
      const link = linkShown(dev) ? linkText(dev, kinds, io.flags, false) : '';
      io.out(filter.family && !io.flags.has('details') ? withoutLladdr(link) : link);
      io.out(addresses.map((ifa) => `    ${addressText(ifa, '\n')}\n`).join(''));
    }
  }
}

/** The lines about a link without the one about its link-layer address. */
function withoutLladdr(text: string): string {
  return text.replace(/^ {4}link\/.*\n/m, '');
}

const metricOf = (ifa: Ifaddr): string => (ifa.metric === 0 ? '' : ` metric ${ifa.metric}`);

function briefAddress(ifa: Ifaddr): string {
  const peer = ifa.address === ifa.local ? '' : ` peer ${formatIpv4(ifa.address)}`;
  return `${formatIpv4(ifa.local)}${peer}/${ifa.prefixlen}`;
}

function addressText(ifa: Ifaddr, newline: string): string {
  const text = [`inet ${briefAddress(ifa)}${metricOf(ifa)}`];
  if (ifa.broadcast !== 0) text.push('brd', formatIpv4(ifa.broadcast));
  text.push('scope', scopeName(ifa.scope));
  if ((ifa.flags & IFA_F_SECONDARY) !== 0) text.push('secondary');
  if ((ifa.flags & IFA_F_DEPRECATED) !== 0) text.push('deprecated');
  if ((ifa.flags & IFA_F_PERMANENT) === 0) text.push('dynamic');
  if ((ifa.flags & IFA_F_NOPREFIXROUTE) !== 0) text.push('noprefixroute');
  text.push(ifa.label);
  const { valid, preferred } = timeLeft(ifa);
  return `${text.join(' ')}${newline}       valid_lft ${seconds(valid)} preferred_lft ${seconds(preferred)}`;
}

const seconds = (n: number): string => (n === FOREVER ? 'forever' : `${n}sec`);

function addressJson(ifa: Ifaddr): object {
  const { valid, preferred } = timeLeft(ifa);
  return {
    family: 'inet',
    local: formatIpv4(ifa.local),
    ...(ifa.address === ifa.local ? {} : { address: formatIpv4(ifa.address) }),
    prefixlen: ifa.prefixlen,
    ...(ifa.metric === 0 ? {} : { metric: ifa.metric }),
    ...(ifa.broadcast === 0 ? {} : { broadcast: formatIpv4(ifa.broadcast) }),
    scope: scopeName(ifa.scope),
    ...((ifa.flags & IFA_F_SECONDARY) === 0 ? {} : { secondary: true }),
    ...((ifa.flags & IFA_F_DEPRECATED) === 0 ? {} : { deprecated: true }),
    ...((ifa.flags & IFA_F_PERMANENT) !== 0 ? {} : { dynamic: true }),
    ...((ifa.flags & IFA_F_NOPREFIXROUTE) === 0 ? {} : { noprefixroute: true }),
    label: ifa.label,
    valid_life_time: valid,
    preferred_life_time: preferred,
  };
}
