/** iproute/xfrm-words.ts — the parts of an `ip xfrm` command line (ip-xfrm(8); cf. iproute2 ip/ipxfrm.c). */
import {
  CommandError,
  getUnsigned,
  IPPROTO_AH,
  IPPROTO_COMP,
  IPPROTO_ESP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  invarg,
  matches,
  type Net,
  toAddress,
  toPrefix,
  type Words,
  XFRM_POLICY_FWD,
  XFRM_POLICY_IN,
  XFRM_POLICY_OUT,
} from '@packetwalk/framework';
import { type LifetimeConfig, type Mark, NO_LIMITS } from '../xfrm-lifetime.ts';
import { ANY_SELECTOR, hasPorts, type Selector } from '../xfrm-selector.ts';

/** Writable: what a parser fills in. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };

const XFRM_PROTOCOLS: Readonly<Record<string, number>> = { esp: IPPROTO_ESP, ah: IPPROTO_AH, comp: IPPROTO_COMP };
export const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(XFRM_PROTOCOLS).map(([name, n]) => [n, name]));
const IP_PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipencap: 4,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  ipcomp: 108,
  sctp: 132,
  udplite: 136,
};
const IP_PROTOCOL_NAMES = new Map([...Object.entries(IP_PROTOCOLS)].reverse().map(([name, n]) => [n, name]));
export const DIRECTIONS: Readonly<Record<string, number>> = { in: XFRM_POLICY_IN, out: XFRM_POLICY_OUT, fwd: XFRM_POLICY_FWD };

export function protocolName(proto: number): string {
  return IP_PROTOCOL_NAMES.get(proto) ?? String(proto);
}

/** ID := [ src ADDR ] [ dst ADDR ] [ proto XFRM-PROTO ] [ spi SPI ] */
export interface XfrmId {
  saddr: number;
  daddr: number;
  proto: number;
  spi: number;
}

/** Takes one part of an ID; false: the word is none. */
export function takeId(id: XfrmId, word: string, words: Words): boolean {
  if (word === 'src') id.saddr = toAddress(words.next(), 'unspec').address;
  else if (word === 'dst') id.daddr = toAddress(words.next(), 'unspec').address;
  else if (word === 'proto') id.proto = xfrmProtocol(words.next());
  else if (word === 'spi') id.spi = words.u32('value after "spi" is invalid') | 0;
  else return false;
  return true;
}

export function xfrmProtocol(word: string): number {
  return XFRM_PROTOCOLS[word] ?? invarg('"XFRM-PROTO" value is invalid', word);
}

export function xfrmMode(word: string): 'transport' | 'tunnel' {
  if (matches(word, 'transport')) return 'transport';
  if (matches(word, 'tunnel')) return 'tunnel';
  if (matches(word, 'ro') || matches(word, 'in_trigger') || matches(word, 'beet')) {
    throw new CommandError(`mode ${word} is not built into this router`, 2);
  }
  return invarg('"MODE" value is invalid', word);
}

/** MARK [ mask MASK ] */
export function takeMark(words: Words): Mark {
  const value = words.u32('value after "mark" is invalid');
  const mask = words.take('mask') ? words.u32('value after "mask" is invalid') : 0xffffffff;
  return { value: value | 0, mask: mask | 0 };
}

/** SELECTOR := [ src ADDR[/PLEN] ] [ dst ADDR[/PLEN] ] [ dev DEV ] [ UPSPEC ]; takes words as long as they fit. */
export function takeSelector(sel: Draft<Selector>, word: string, words: Words, net: Net): boolean {
  if (word === 'src' || word === 'dst') {
    const text = words.next();
    const { address, length } = toPrefix(text, 'unspec');
    if (word === 'src') Object.assign(sel, { saddr: address, saddrLen: length });
    else Object.assign(sel, { daddr: address, daddrLen: length });
  } else if (word === 'dev') sel.ifindex = net.needDevice(words.next()).ifindex;
  else if (word === 'proto') sel.proto = ipProtocol(words.next());
  else if (word === 'sport' || word === 'dport' || word === 'type' || word === 'code') {
    const icmp = word === 'type' || word === 'code';
    if (icmp ? sel.proto !== IPPROTO_ICMP : !hasPorts(sel.proto)) {
      throw new CommandError(`"${word}" is invalid with PROTO value "${sel.proto === 0 ? 'any' : protocolName(sel.proto)}"`, 1);
    }
    const value = words.u32(`value after "${word}" is invalid`, icmp ? 255 : 0xffff);
    if (word === 'sport' || word === 'type') Object.assign(sel, { sport: value, sportMask: 0xffff });
    else Object.assign(sel, { dport: value, dportMask: 0xffff });
  } else if (word === 'key' && sel.proto === IPPROTO_GRE) {
    const key = words.u32('value after "key" is invalid');
    Object.assign(sel, { sport: key >>> 16, sportMask: 0xffff, dport: key & 0xffff, dportMask: 0xffff });
  } else return false;
  return true;
}

/** A draft that takes everything. */
export function anySelector(): Draft<Selector> {
  return { ...ANY_SELECTOR };
}

function ipProtocol(word: string): number {
  return word === 'any' ? 0 : (IP_PROTOCOLS[word] ?? getUnsigned(word, 255) ?? invarg('"PROTO" value is invalid', word));
}

const LIMITS: Readonly<Record<string, keyof LifetimeConfig>> = {
  'time-soft': 'softAdd',
  'time-hard': 'hardAdd',
  'time-use-soft': 'softUse',
  'time-use-hard': 'hardUse',
  'byte-soft': 'softBytes',
  'byte-hard': 'hardBytes',
  'packet-soft': 'softPackets',
  'packet-hard': 'hardPackets',
};

/** The words behind `limit`. */
export function takeLimit(limits: Draft<LifetimeConfig>, words: Words): void {
  const word = words.next();
  const key = LIMITS[word] ?? invarg('"LIMIT" value is invalid', word);
  limits[key] = words.u32(`value after "${word}" is invalid`, Number.MAX_SAFE_INTEGER);
}

export function noLimits(): Draft<LifetimeConfig> {
  return { ...NO_LIMITS };
}

/** FLAG-LIST: names, or a number in hexadecimal. */
export function takeFlags(names: readonly string[], words: Words, bitOf: (i: number) => number): number {
  let flags = 0;
  const word = words.next();
  if (/^0x[0-9a-f]+$/i.test(word)) return Number(word);
  for (let name: string | undefined = word; name !== undefined; ) {
    const i = names.indexOf(name);
    if (i < 0) invarg('"FLAG" value is invalid', name);
    flags |= bitOf(i);
    const next = words.peek();
    name = next !== undefined && names.includes(next) ? words.next() : undefined;
  }
  return flags;
}
