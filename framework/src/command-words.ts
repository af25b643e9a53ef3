/**
 * command-words.ts — reading a command line the way iproute2 does: keywords that may be cut short, numbers in C
 * notation, short-hand addresses, and its refusals word for word (cf. iproute2 lib/utils.c, lib/ll_addr.c).
 *
 * A parser takes words one by one; the word behind a keyword is taken with {@link Words.next}, which refuses an end:
 *
 *     while (!words.done) {
 *       const word = words.next();
 *       if (word === 'dev') dev = words.next();
 *       else if (matches(word, 'metric')) metric = words.u32('"metric" value is invalid\n');
 *       else duparg2('to', word);
 *     }
 */
import { CommandError } from './errors.ts';
import { inetMaskLen } from './wire/ipv4.ts';

/** Status of a command line that cannot be read; refusals of the kernel have 2. */
const USAGE_STATUS = 255;

/** `inet`: IPv4 is asked for. `unspec`: the address says itself what it is. */
export type AddressFamily = 'inet' | 'unspec';

/** An address or a prefix as typed (inet_prefix). */
export interface InetPrefix {
  /** int32, host bits kept; 0 when none was typed. */
  readonly address: number;
  /** Prefix length 0–32; 32 when only an address was typed, 0 for `default`, `any` and `all`. */
  readonly length: number;
  /** A length was typed, or the word was `default` (PREFIXLEN_SPECIFIED). */
  readonly specified: boolean;
  /** The word was `default`, `any` or `all`: there is no address in it. */
  readonly any: boolean;
}

/** A command line being read. */
export class Words {
  private readonly words: readonly string[];
  private at = 0;

  constructor(words: readonly string[]) {
    this.words = words;
  }

  /** All words are taken. */
  get done(): boolean {
    return this.at >= this.words.length;
  }

  /** The word to be taken next, or the one `ahead` words behind it; undefined at the end. */
  peek(ahead = 0): string | undefined {
    return this.words[this.at + ahead];
  }

  /** Takes a word; `Command line is not complete` at the end (NEXT_ARG). */
  next(): string {
    if (this.done) incompleteCommand();
    return this.words[this.at++];
  }

  /** Takes a word; at the end says that `what` is required (missarg). */
  need(what: string): string {
    if (this.done) missarg(what);
    return this.words[this.at++];
  }

  /** Takes the next word if it is `word`, spelt out. */
  take(word: string): boolean {
    if (this.peek() !== word) return false;
    this.at++;
    return true;
  }

  /** Takes all that is left. */
  rest(): string[] {
    const rest = this.words.slice(this.at);
    this.at = this.words.length;
    return rest;
  }

  /** Takes an unsigned number of at most `max`; `wrong` is the reason in the refusal of another word. */
  u32(wrong: string, max = 0xffffffff): number {
    const word = this.next();
    return getUnsigned(word, max) ?? invarg(wrong, word);
  }

  /** Takes a signed 32-bit number. */
  s32(wrong: string): number {
    const word = this.next();
    return getInteger(word) ?? invarg(wrong, word);
  }

  /** Takes an address; `any valid address is expected` or `inet address is expected` for another word (get_addr). */
  address(family: AddressFamily = 'inet'): InetPrefix {
    return toAddress(this.next(), family);
  }

  /** Takes a prefix (get_prefix). */
  prefix(family: AddressFamily = 'inet'): InetPrefix {
    return toPrefix(this.next(), family);
  }

  /** Takes a link-layer address of at most 32 bytes. */
  lladdr(): Uint8Array {
    return toLladdr(this.next());
  }
}

/** True when `word` is `full` or the beginning of it; an empty word is not. */
export function matches(word: string, full: string): boolean {
  return word !== '' && full.startsWith(word);
}

/** Refuses a line that ends too early. */
export function incompleteCommand(): never {
  throw new CommandError('Command line is not complete. Try option "help"', USAGE_STATUS);
}

/** Refuses a word. iproute2 ends most reasons with a newline of their own, which shows as an empty line. */
export function invarg(reason: string, word: string): never {
  throw new CommandError(`Error: argument "${word}" is wrong: ${reason}`, USAGE_STATUS);
}

/** Refuses a line in which a needed argument is not given. */
export function missarg(key: string): never {
  throw new CommandError(`Error: argument "${key}" is required`, USAGE_STATUS);
}

/** Refuses a second value for a keyword. */
export function duparg(key: string, word: string): never {
  throw new CommandError(`Error: duplicate "${key}": "${word}" is the second value.`, USAGE_STATUS);
}

/** Refuses a word that is no keyword, where the value of `key` might stand without one. */
export function duparg2(key: string, word: string): never {
  throw new CommandError(`Error: either "${key}" is duplicate, or "${word}" is a garbage.`, USAGE_STATUS);
}

/** Reads `on` or `off`; refuses another word as the argument of `key`. */
export function onOff(key: string, word: string): boolean {
  if (word === 'on') return true;
  if (word === 'off') return false;
  throw new CommandError(`Error: argument of "${key}" must be "on" or "off", not "${word}"`);
}

/** What the C library's strtoul reads at the start of `text`, and what it leaves. */
interface Numeral {
  readonly value: number;
  readonly rest: string;
}

/** Bases as strtoul's: 0 lets `0x` mean 16 and a leading `0` mean 8. */
function strtoul(text: string, base: number): Numeral | null {
  const [, sign, digits] = /^\s*([+-]?)(.*)$/s.exec(text) as RegExpExecArray;
  const hex = (base === 0 || base === 16) && /^0x[0-9a-f]/i.test(digits);
  const radix = hex ? 16 : base !== 0 ? base : digits.startsWith('0') ? 8 : 10;
  const body = hex ? digits.slice(2) : digits;
  let end = 0;
  while (end < body.length && Number.parseInt(body[end], radix) >= 0) end++;
  if (end === 0) return null;
  const value = Number.parseInt(body.slice(0, end), radix);
  return { value: sign === '-' ? -value : value, rest: body.slice(end) };
}

/** An unsigned number of at most `max`: decimal, `0x…` or octal with a leading 0 (get_u32 and its sizes); null for anything else. */
export function getUnsigned(text: string, max = 0xffffffff, base = 0): number | null {
  const n = strtoul(text, base);
  return n === null || n.rest !== '' || n.value < 0 || n.value > max ? null : n.value;
}

/** A signed 32-bit number in the same notations (get_integer); null for anything else. */
export function getInteger(text: string, base = 0): number | null {
  const n = strtoul(text, base);
  return n === null || n.rest !== '' || n.value < -0x80000000 || n.value > 0x7fffffff ? null : n.value;
}

/** A time as route metrics have it (get_time_rtt). */
export interface RttTime {
  /** Milliseconds, rounded up; the bare number when no unit was typed. */
  readonly value: number;
  /** No unit was typed: the number is in the kernel's own unit. */
  readonly raw: boolean;
}

/** `200`, `1.5s`, `30ms`; null for anything else. */
export function getTimeRtt(text: string): RttTime | null {
  let n: Numeral | null;
  if (text.includes('.')) {
    const m = /^\s*(\d*\.\d*(?:e[+-]?\d+)?)(.*)$/is.exec(text);
    n = m === null || !/\d/.test(m[1]) ? null : { value: Number.parseFloat(m[1]), rest: m[2] };
  } else {
    n = strtoul(text, 0);
  }
  if (n === null || n.value < 0) return null;
  const unit = n.rest.toLowerCase();
  if (unit === '') return { value: Math.ceil(n.value), raw: true };
  if (/^s(ecs?)?$/.test(unit)) return { value: Math.ceil(n.value * 1000), raw: false };
  if (/^ms(ecs?)?$/.test(unit)) return { value: Math.ceil(n.value), raw: false };
  return null;
}

/** One to four numbers with dots between, in C notation; what is missing at the end is 0: `10.1` is 10.1.0.0. Null for anything else. */
function getAddrIpv4(text: string): number | null {
  const parts = text.split('.');
  if (parts.length > 4) return null;
  let address = 0;
  for (let i = 0; i < 4; i++) {
    const byte = i < parts.length ? getUnsigned(parts[i], 255) : 0;
    if (byte === null) return null;
    address = (address << 8) | byte;
  }
  return address;
}

function isInet6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const v4 = groups.length > 0 && /^(\d{1,3}\.){3}\d{1,3}$/.test(groups[groups.length - 1]) ? 1 : 0;
  const hex = v4 === 1 ? groups.slice(0, -1) : groups;
  const words = groups.length + v4;
  return hex.every((g) => /^[0-9a-fA-F]{1,4}$/.test(g)) && (halves.length === 2 ? words < 8 : words === 8);
}

const ANY: InetPrefix = { address: 0, length: 0, specified: false, any: true };
const DEFAULT: InetPrefix = { address: 0, length: 0, specified: true, any: true };

function getAddr(text: string, family: AddressFamily): InetPrefix | null {
  if (text === 'default') return DEFAULT;
  if (text === 'all' || text === 'any') return ANY;
  const address = getAddrIpv4(text);
  if (address !== null) return { address, length: 32, specified: false, any: false };
  if (family === 'unspec' && isInet6(text)) throw new CommandError('RTNETLINK answers: Address family not supported by protocol', 2);
  return null;
}

function getPrefix(text: string, family: AddressFamily): InetPrefix | null {
  const slash = text.indexOf('/');
  if (slash < 0) return getAddr(text, family);
  const base = getAddr(text.slice(0, slash), family);
  const length = getNetmask(text.slice(slash + 1));
  if (base === null || base.any || length === null) return null;
  return { address: base.address, length, specified: true, any: false };
}

/** A prefix length 0–32, or a mask written as an address; null for anything else. */
export function getNetmask(text: string): number | null {
  const length = getUnsigned(text);
  if (length !== null) return length <= 32 ? length : null;
  const mask = getAddr(text, 'inet')?.address ?? null;
  const bits = mask === null ? -1 : inetMaskLen(mask);
  return bits < 0 ? null : bits;
}

const familyName = (family: AddressFamily): string => (family === 'inet' ? 'inet' : 'any valid');

/** Reads an address that is a word already taken. */
export function toAddress(word: string, family: AddressFamily = 'inet'): InetPrefix {
  const address = getAddr(word, family);
  if (address === null) throw new CommandError(`Error: ${familyName(family)} address is expected rather than "${word}".`);
  return address;
}

/** Reads a prefix that is a word already taken. */
export function toPrefix(word: string, family: AddressFamily = 'inet'): InetPrefix {
  const prefix = getPrefix(word, family);
  if (prefix === null) throw new CommandError(`Error: ${familyName(family)} prefix is expected rather than "${word}".`);
  return prefix;
}

/** Most bytes of a link-layer address (MAX_ADDR_LEN). */
const MAX_ADDR_LEN = 32;

/**
 * Reads a link-layer address: hexadecimal bytes with colons between, or a dotted quad for tunnels (ll_addr_a2n). As
 * many bytes as were typed: whether they suit a device is for the device to say.
 */
export function toLladdr(word: string): Uint8Array {
  if (word.includes('.')) {
    const address = getAddrIpv4(word);
    if (address === null) throw new CommandError(`"${word}" is invalid lladdr.`);
    return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
  }
  const bytes = word
    .split(':')
    .slice(0, MAX_ADDR_LEN)
    .map((part) => {
      const n = strtoul(part, 16);
      if (n === null || n.value < 0 || n.value > 255) throw new CommandError(`"${part}" is invalid lladdr.`);
      return n.value;
    });
  return Uint8Array.from(bytes);
}
