/** ipset/element.ts — an element of a set as commands write it: `10.0.0.0/8,tcp:80`. Most may be ranges, which stand for many. */
import { formatIpv4, inetMakeMask, protocolName, protocolNumber, servicePort, xtNumber } from '@packetwalk/framework';
import { ICMP_TYPE_NAMES, IPPROTO_ICMP } from './icmp-names.ts';
import { BAD_CIDR, IpsetError, RANGE_SIZE, syntaxError } from './ipset-error.ts';
import type { SetPart, SetType } from './set-type.ts';

/** Elements that one command may stand for. */
export const MAX_RANGE: number = 1 << 20;

const MAX_IFACE = 15;
const PHYSDEV = 'physdev:';

/** One element. Parts that its type does not have are 0 or empty. Addresses are int32. */
export interface Element {
  ip: number;
  /** Prefix length of the part that is a network; 32 without one. */
  cidr: number;
  /** IP protocol. */
  proto: number;
  /** Port; type and code of ICMP; 0 for protocols that have neither. */
  port: number;
  /** The third part. */
  ip2: number;
  iface: string;
  physdev: boolean;
  wildcard: boolean;
}

export const newElement = (): Element => ({ ip: 0, cidr: 32, proto: 0, port: 0, ip2: 0, iface: '', physdev: false, wildcard: false });

/** Inclusive bounds; addresses as unsigned numbers. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/** What a command writes: bounds for each part. */
export interface ElementRange {
  readonly type: SetType;
  /** The parts that are addresses, in order. */
  readonly addresses: readonly Range[];
  readonly proto: number;
  readonly ports: Range;
  readonly iface: string;
  readonly physdev: boolean;
  /** Prefix length that was written, 32 for none. */
  readonly cidr: number;
}

/** Reads what stands for elements of a type; throws IpsetError. */
export function parseElement(text: string, type: SetType): ElementRange {
  const { parts } = type;
  const texts = text.split(',');
  if (texts.length > parts.length) {
    const separators = ['none', 'one', 'two'][parts.length - 1];
    const found = ['Elem separator', 'Two elem separators', 'Three elem separators'][parts.length - 1];
    throw syntaxError(`${found} in ${text}, but settype ${type.name} supports ${separators}.`);
  }
  if (texts.length < parts.length) throw syntaxError(`${texts.length === 1 ? 'Second' : 'Third'} element is missing from ${text}.`);
  const addresses: Range[] = [];
  let proto = 0;
  let ports: Range = { first: 0, last: 0 };
  let iface = '';
  let physdev = false;
  let cidr = 32;
  for (const [i, part] of parts.entries()) {
    if (part === 'port') ({ proto, ports } = parsePorts(texts[i], type.method === 'bitmap'));
    else if (part === 'iface') {
      physdev = texts[i].startsWith(PHYSDEV);
      iface = physdev ? texts[i].slice(PHYSDEV.length) : texts[i];
      if (iface.length > MAX_IFACE) throw syntaxError(`interface name '${iface}' is longer than ${MAX_IFACE} characters`);
    } else {
      const { range, length } = parseAddresses(texts[i], part, i > 0, type.name === 'hash:net,iface');
      addresses.push(range);
      if (part === 'net') cidr = length;
    }
  }
  return { type, addresses, proto, ports, iface, physdev, cidr };
}

function parseAddresses(text: string, part: SetPart, single: boolean, anyNetwork: boolean): { range: Range; length: number } {
  const at = (address: string): number => {
    const value = inetAton(address);
    if (value === null) throw syntaxError(`cannot parse ${address}: resolving to IPv4 address failed`);
    return value >>> 0;
  };
  const slash = text.indexOf('/');
  const dash = text.indexOf('-');
  if (single && part === 'ip' && (slash >= 0 || dash >= 0)) throw syntaxError(`plain IP address must be supplied: ${text}`);
  if (slash >= 0) {
    const first = at(text.slice(0, slash));
    const length = smallNumber(text.slice(slash + 1), 32);
    if (length === 0 && !anyNetwork) throw new IpsetError(BAD_CIDR);
    const mask = inetMakeMask(length);
    return { range: { first: (first & mask) >>> 0, last: (first | ~mask) >>> 0 }, length };
  }
  const first = at(dash < 0 ? text : text.slice(0, dash));
  const last = dash < 0 ? first : at(text.slice(dash + 1));
  return { range: { first: Math.min(first, last), last: Math.max(first, last) }, length: 32 };
}

/** An address as the C library reads it: the last of fewer than four numbers fills what is left (`10.1` is 10.0.0.1). */
function inetAton(text: string): number | null {
  if (text === 'localhost') return 0x7f000001;
  const parts = text.split('.');
  const rest = xtNumber(parts.pop() as string, 0, 2 ** (8 * (4 - parts.length)) - 1);
  if (rest === null || parts.length > 3) return null;
  let address = rest;
  for (const [i, part] of parts.entries()) {
    const byte = xtNumber(part, 0, 255);
    if (byte === null) return null;
    address += byte * 2 ** (24 - 8 * i);
  }
  return address | 0;
}

export function smallNumber(text: string, max: number, min = 0): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : xtNumber(text);
  if (value === null) throw syntaxError(`'${text}' is invalid as number`);
  if (value < min || value > max) throw syntaxError(`'${text}' is out of range ${min}-${max}`);
  return value;
}

/** Protocols whose ports a set can tell apart. */
const PORTED = ['tcp', 'sctp', 'udp', 'udplite'];

function parsePorts(text: string, plain: boolean): { proto: number; ports: Range } {
  const colon = text.indexOf(':');
  const name = colon < 0 ? 'tcp' : text.slice(0, colon);
  const proto = smallProtocol(name);
  const rest = colon < 0 ? text : text.slice(colon + 1);
  const protocol = protocolName(proto) ?? String(proto);
  if (PORTED.includes(protocol)) return { proto: plain ? 0 : proto, ports: parsePortRange(rest, protocol) };
  if (protocol === 'icmp') {
    const value = icmpTypeCode(rest);
    return { proto, ports: { first: value, last: value } };
  }
  if (xtNumber(rest) !== 0) throw syntaxError(`Protocol ${name} can be used with pseudo port value 0 only.`);
  return { proto, ports: { first: 0, last: 0 } };
}

function smallProtocol(name: string): number {
  const proto = xtNumber(name, 0, 255) ?? protocolNumber(name);
  if (proto === null) throw syntaxError(`cannot parse '${name}' as a protocol`);
  return proto;
}

export function parsePortRange(text: string, protocol: string): Range {
  const dash = text.startsWith('[') ? -1 : text.indexOf('-');
  const first = parsePort(dash < 0 ? text : text.slice(0, dash), protocol);
  const last = dash < 0 ? first : parsePort(text.slice(dash + 1), protocol);
  return { first: Math.min(first, last), last: Math.max(first, last) };
}

function parsePort(text: string, protocol: string): number {
  const number = xtNumber(text);
  if (number !== null && number <= 0xffff) return number;
  const known = servicePort(text.replace(/^\[(.*)\]$/, '$1'), protocol);
  if (known !== null) return known;
  const why = number === null ? `'${text}' is invalid as number` : `'${text}' is out of range 0-65535`;
  throw syntaxError(`${why}\nSyntax error: '${protocol}' is invalid as number\ncannot parse '${text}' as a ${protocol} port`);
}

function icmpTypeCode(text: string): number {
  const named = ICMP_TYPE_NAMES.find(([name]) => name === text);
  if (named !== undefined) return named[1];
  const m = /^(\d+)\/(\d+)$/.exec(text);
  const value = m === null ? Number.NaN : (Number(m[1]) << 8) | Number(m[2]);
  if (m === null || Number(m[1]) > 255 || Number(m[2]) > 255) throw new IpsetError(`Cannot parse ${text} as an ICMP type/code.`);
  return value;
}

/**
 * Calls `each` for all elements that are meant, in order: the same object each time. Addresses advance by `step`; networks
 * are the largest that fit.
 */
export function eachElement(range: ElementRange, step: number, each: (element: Element) => void): void {
  const { type, addresses, proto, ports, iface, physdev } = range;
  const element: Element = { ...newElement(), proto, iface, physdev };
  const netAt = type.parts.indexOf('net');
  const [a, b] = addresses;
  if (size(a, type.parts[0] === 'net', step) * (ports.last - ports.first + 1) > MAX_RANGE) throw new IpsetError(RANGE_SIZE);
  const withPorts = (): void => {
    for (let port = ports.first; port <= ports.last; port++) {
      element.port = port;
      each(element);
    }
  };
  const withSecond = (): void => {
    if (b === undefined || netAt !== 2) {
      element.ip2 = b === undefined ? 0 : b.first | 0;
      withPorts();
      return;
    }
    eachNetwork(b, range.cidr, (network, cidr) => {
      element.ip2 = network | 0;
      element.cidr = cidr;
      withPorts();
    });
  };
  if (a === undefined) {
    withSecond();
    return;
  }
  if (netAt === 0) {
    eachNetwork(a, range.cidr, (network, cidr) => {
      element.ip = network | 0;
      element.cidr = cidr;
      withSecond();
    });
    return;
  }
  for (let ip = a.first - (a.first % step); ip <= a.last; ip += step) {
    element.ip = ip | 0;
    withSecond();
  }
}

function size(range: Range | undefined, net: boolean, step: number): number {
  return range === undefined || net ? 1 : Math.ceil((range.last - range.first + 1) / step);
}

/** A range as networks, the largest ones that fit; one that was written with a length is itself. */
function eachNetwork({ first, last }: Range, cidr: number, each: (network: number, cidr: number) => void): void {
  if (cidr < 32) {
    each(first, cidr);
    return;
  }
  for (let ip = first; ip <= last; ) {
    let bits = 0;
    while (bits < 31 && ip % 2 ** (bits + 1) === 0 && ip + 2 ** (bits + 1) - 1 <= last) bits++;
    each(ip, 32 - bits);
    ip += 2 ** bits;
  }
}

/** An element as listings write it. */
export function formatElement(element: Element, type: SetType): string {
  let addresses = 0;
  const texts = type.parts.map((part) => {
    switch (part) {
      case 'port':
        return type.method === 'bitmap' ? String(element.port) : formatPort(element);
      case 'iface':
        return `${element.physdev ? PHYSDEV : ''}${element.iface}`;
      default: {
        const address = formatIpv4(addresses++ === 0 ? element.ip : element.ip2);
        return part === 'net' && element.cidr < 32 ? `${address}/${element.cidr}` : address;
      }
    }
  });
  return `${texts.join(',')}${element.wildcard ? ' wildcard' : ''}`;
}

function formatPort({ proto, port }: Element): string {
  const name = protocolName(proto) ?? String(proto);
  if (proto !== IPPROTO_ICMP) return `${name}:${port}`;
  const known = ICMP_TYPE_NAMES.find(([, value]) => value === port);
  return `${name}:${known?.[0] ?? `${port >> 8}/${port & 255}`}`;
}

/** What a command named, as `ipset test` repeats it. */
export function formatRange({ type, addresses, proto, ports, iface, physdev, cidr }: ElementRange, written: string): string {
  if (addresses.length === 1 && type.parts.length === 1) return written;
  const element: Element = {
    ...newElement(),
    ip: addresses[0] === undefined ? 0 : addresses[0].first | 0,
    ip2: addresses[1] === undefined ? 0 : addresses[1].first | 0,
    cidr,
    proto,
    port: ports.first,
    iface,
    physdev,
  };
  return formatElement(element, type);
}
