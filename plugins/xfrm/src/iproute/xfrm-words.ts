/** iproute/xfrm-words.ts — the parts of an `ip xfrm` command line (ip-xfrm(8); cf. iproute2 ip/ipxfrm.c). */
import {
  CommandError,
  getUnsigned,
  IPPROTO_AH,
  IPPROTO_COMP,
  IPPROTO_ESP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  incompleteCommand,
  invarg,
  matches,
  missarg,
  type Net,
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

/** Mobility headers: IPv6 only, but ip takes their types. */
const IPPROTO_MH = 135;
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

const ID_WORDS = ['src', 'dst', 'proto', 'spi'];

/**
 * Takes an ID whose first word is `word`, as long as words fit (xfrm_id_parse).
 * @param loose any part may be missing; else the protocol may not
 */
export function takeId(id: XfrmId, word: string, words: Words, loose = false): void {
  let families = 0;
  let last = word;
  const address = (): number => {
    last = words.next();
    const { address, family } = anyPrefix(last);
    families |= family;
    return address;
  };
  for (let part: string | undefined = ID_WORDS.includes(word) ? word : undefined; part !== undefined; ) {
    if (part === 'src') id.saddr = address();
    else if (part === 'dst') id.daddr = address();
    else if (part === 'proto') {
      last = words.next();
      id.proto = xfrmProtocol(last);
    } else {
      last = words.next();
      id.spi = (getUnsigned(last) ?? invarg('SPI value is invalid', last)) | 0;
    }
    part = ID_WORDS.includes(words.peek() ?? '') ? words.next() : undefined;
  }
  if (families === 3) invarg('the same address family is required between values after "src" and "dst"', last);
  if (families === 2) throw new CommandError('RTNETLINK answers: Address family not supported by protocol', 2);
  if (!loose && id.proto === 0) missarg('XFRM-PROTO');
  if (id.proto === IPPROTO_COMP && id.spi >>> 0 > 0xffff) {
    throw new CommandError('SPI value is too large with XFRM-PROTO value "comp"', 1);
  }
}

/** An address or prefix of either family: 1 IPv4, 2 IPv6, whose address is not read. */
function anyPrefix(word: string): { address: number; family: number } {
  if (/^[0-9a-f:.]*:[0-9a-f:.]*(\/\d+)?$/i.test(word)) return { address: 0, family: 2 };
  return { address: toPrefix(word, 'unspec').address, family: 1 };
}

export function xfrmProtocol(word: string): number {
  return XFRM_PROTOCOLS[word] ?? invarg('XFRM-PROTO value is invalid', word);
}

export function xfrmMode(word: string): 'transport' | 'tunnel' {
  if (matches(word, 'transport')) return 'transport';
  if (matches(word, 'tunnel')) return 'tunnel';
  if (matches(word, 'ro') || matches(word, 'in_trigger') || matches(word, 'beet')) {
    throw new CommandError(`mode ${word} is not built into this router`, 2);
  }
  return invarg('MODE value is invalid', word);
}

/** MARK [ mask MASK ] */
export function takeMark(words: Words): Mark {
  const value = words.u32('MARK value is invalid');
  const mask = words.take('mask') ? words.u32('MASK value is invalid') : 0xffffffff;
  return { value: value | 0, mask: mask | 0 };
}

/**
 * SELECTOR := [ src ADDR[/PLEN] ] [ dst ADDR[/PLEN] ] [ dev DEV ] [ UPSPEC ], whose first word is `word`; takes words as long as
 * they fit. False: the first one does not (xfrm_selector_parse).
 */
export function takeSelector(sel: Draft<Selector>, word: string, words: Words, net: Net): boolean {
  let taken = false;
  for (let part: string | undefined = word; part !== undefined; ) {
    if (part === 'src' || part === 'dst') {
      const { address, length } = toPrefix(words.next(), 'unspec');
      if (part === 'src') Object.assign(sel, { saddr: address, saddrLen: length });
      else Object.assign(sel, { daddr: address, daddrLen: length });
    } else if (part === 'dev') {
      const name = words.next();
      sel.ifindex = (net.device(name) ?? invarg('DEV value is invalid', name)).ifindex;
    } else if (part === 'proto') takeUpspec(sel, words);
    else break;
    taken = true;
    part = SELECTOR_WORDS.includes(words.peek() ?? '') ? words.next() : undefined;
  }
  return taken;
}

const SELECTOR_WORDS = ['src', 'dst', 'dev', 'proto'];
const UPSPEC_WORDS = ['sport', 'dport', 'type', 'code', 'key'];

/** What follows `proto`: the protocol, and its ports or the like (xfrm_selector_upspec_parse). */
function takeUpspec(sel: Draft<Selector>, words: Words): void {
  sel.proto = ipProtocol(words.next());
  const given = new Set<string>();
  while (UPSPEC_WORDS.includes(words.peek() ?? '')) {
    const word = words.next();
    given.add(word);
    const value = words.u32(`value after "${word}" is invalid`, word === 'key' ? 0xffffffff : word.endsWith('port') ? 0xffff : 255);
    if (word === 'sport' || word === 'type') Object.assign(sel, { sport: value, sportMask: 0xffff });
    else if (word === 'dport' || word === 'code') Object.assign(sel, { dport: value, dportMask: 0xffff });
    else Object.assign(sel, { sport: value >>> 16, sportMask: 0xffff, dport: value & 0xffff, dportMask: 0xffff });
  }
  const refuse = (what: string): never => {
    throw new CommandError(`${what} invalid with PROTO value "${protocolName(sel.proto)}"`, 1);
  };
  if ((given.has('sport') || given.has('dport')) && !hasPorts(sel.proto)) refuse('"sport" and "dport" are');
  if ((given.has('type') || given.has('code')) && sel.proto !== IPPROTO_ICMP && sel.proto !== IPPROTO_MH) refuse('"type" and "code" are');
  if (given.has('key') && sel.proto !== IPPROTO_GRE) refuse('"key" is');
}

/** A draft that takes everything. */
export function anySelector(): Draft<Selector> {
  return { ...ANY_SELECTOR };
}

function ipProtocol(word: string): number {
  return word === 'any' ? 0 : (IP_PROTOCOLS[word] ?? getUnsigned(word, 255) ?? invarg('PROTO value is invalid', word));
}

export const LIMITS: Readonly<Record<string, keyof LifetimeConfig>> = {
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
  const key = LIMITS[word] ?? invarg('LIMIT value is invalid', word);
  limits[key] = words.u32(`value after "${word}" is invalid`, Number.MAX_SAFE_INTEGER);
}

export function noLimits(): Draft<LifetimeConfig> {
  return { ...NO_LIMITS };
}

/** FLAG-LIST: names, as long as words are some, or a number in hexadecimal; another word is left to the caller (xfrm_state_flag_parse). */
export function takeFlags(names: readonly string[], words: Words): number {
  if (words.done) incompleteCommand();
  if (/^0x[0-9a-f]+$/i.test(words.peek() as string)) return Number(words.next());
  let flags = 0;
  for (let i = names.indexOf(words.peek() ?? ''); i >= 0; i = names.indexOf(words.peek() ?? '')) {
    flags |= 1 << i;
    words.next();
  }
  return flags;
}
