/** value.ts — what stands behind `host`, `net`, `port` … in a filter, read as libpcap reads it (pcap-filter(7)). */
import { didYouMean } from '../config/did-you-mean.ts';
import { CommandError } from '../errors.ts';
import { protocolNumber } from '../protocol-names.ts';
import { servicePort } from '../service-names.ts';
import { ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, parseMac } from '../wire/ethernet.ts';
import { inetMakeMask, parseIpv4 } from '../wire/ipv4.ts';
import { ETH_P_RARP } from './primitive.ts';

const MAX_PORT = 65535;
/** Below this an EtherType field is a length (802.3). */
const MIN_ETHER_TYPE = 0x600;

const ETHER_TYPES: ReadonlyMap<string, number> = new Map([
  ['ip', ETH_P_IP],
  ['ip6', ETH_P_IPV6],
  ['arp', ETH_P_ARP],
  ['rarp', ETH_P_RARP],
]);

/** A network as a filter compares it. */
export interface FilterNet {
  readonly address: number;
  readonly mask: number;
}

/** Wrong at one word. */
export function refuse(word: string, why: string): never {
  throw new CommandError(`filter: "${word}": ${why}`, 2);
}

export function readHost(word: string): number {
  if (word.includes('/')) refuse(word, `a mask goes with net: net ${word}`);
  const address = parseIpv4(word);
  if (address !== null) return address;
  if (parseMac(word) !== null) refuse(word, `a MAC address needs ether in front: ether host ${word}`);
  return refuse(word, 'no IPv4 address (names are not looked up)');
}

/** `10.0.0.0/8`, `10.0`, or with the word that follows `mask`. */
export function readNet(word: string, maskWord: string | null): FilterNet {
  const slash = word.indexOf('/');
  const text = slash < 0 ? word : word.slice(0, slash);
  const octets = text.split('.');
  const address = octets.length > 4 ? null : parseIpv4([...octets, '0', '0', '0'].slice(0, 4).join('.'));
  if (address === null) return refuse(word, 'no IPv4 network');
  const mask = readMask(word, slash < 0 ? null : word.slice(slash + 1), maskWord) ?? inetMakeMask(octets.length * 8);
  if ((address & ~mask) !== 0) refuse(word, 'bits are set behind the mask');
  return { address, mask };
}

function readMask(word: string, length: string | null, maskWord: string | null): number | null {
  if (maskWord !== null) {
    if (length !== null) refuse(word, 'it has a mask already');
    return parseIpv4(maskWord) ?? refuse(maskWord, 'no mask');
  }
  if (length === null) return null;
  const bits = readNumber(length);
  if (bits === null || bits > 32) return refuse(word, 'a prefix length is 0 to 32');
  return inetMakeMask(bits);
}

/** `80`, `http`; `80-90` when `range`. */
export function readPorts(word: string, range: boolean): readonly [low: number, high: number] {
  const dash = range ? word.indexOf('-') : -1;
  if (dash <= 0) {
    const port = readPort(word);
    return [port, port];
  }
  const [a, b] = [readPort(word.slice(0, dash)), readPort(word.slice(dash + 1))];
  return a <= b ? [a, b] : [b, a];
}

function readPort(word: string): number {
  const port = readNumber(word) ?? servicePort(word, 'tcp') ?? servicePort(word, 'udp');
  if (port === null || port > MAX_PORT) return refuse(word, 'no port: 0 to 65535, or the name of a service');
  return port;
}

export function readMac(word: string): Uint8Array {
  return parseMac(word) ?? refuse(word, 'no MAC address');
}

/** An IP protocol; a backslash may stand in front of a name, as tcpdump needs it. */
export function readProtocol(word: string): number {
  const number = readNumber(word) ?? protocolNumber(word.replace(/^\\/, ''));
  if (number === null || number > 255) return refuse(word, 'no IP protocol');
  return number;
}

export function readEtherType(word: string): number {
  const type = readNumber(word) ?? ETHER_TYPES.get(word.replace(/^\\/, '')) ?? -1;
  if (type < MIN_ETHER_TYPE || type > 0xffff) refuse(word, 'no EtherType: 0x600 to 0xffff, ip, ip6, arp or rarp');
  return type;
}

/** Bytes, a VLAN id …: 0 to `max`. */
export function readCount(word: string, what: string, max: number): number {
  const number = readNumber(word);
  if (number === null || number > max) return refuse(word, `${what} is a number from 0 to ${max}`);
  return number;
}

/** Decimal, or hexadecimal behind 0x; null when it is neither. */
export function readNumber(word: string): number | null {
  return /^(\d+|0x[0-9a-f]+)$/i.test(word) ? Number(word) : null;
}

/** A word that no filter has. */
export function unknownWord(word: string, known: Iterable<string>): never {
  const meant = didYouMean(word, known);
  if (meant !== undefined) refuse(word, `unknown, did you mean "${meant}"?`);
  if (parseIpv4(word) !== null) refuse(word, `say what it is: host ${word}`);
  if (/\[/.test(word)) refuse(word, 'bytes by offset are not supported');
  return refuse(word, 'no word of a filter');
}
