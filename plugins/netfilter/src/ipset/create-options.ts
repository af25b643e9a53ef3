/** ipset/create-options.ts — what a set is made with: `family inet hashsize 1024 …` (cf. ipset's lib/ipset_hash_*.c). */
import { formatIpv4, inetMakeMask, xtParseAddress } from '@packetwalk/framework';
import { parsePortRange, smallNumber } from './element.ts';
import type { Kept } from './extensions.ts';
import { IpsetError, RANGE_SIZE, syntaxError } from './ipset-error.ts';
import type { SetType } from './set-type.ts';

const HASH_SIZE = 1024;
const MIN_HASH_SIZE = 64;
const MAX_ELEM = 65536;
const BUCKET_SIZE = 12;
const LIST_SIZE = 8;
const MIN_LIST_SIZE = 4;
const BITMAP_SIZE = 65536;
const MAX_TIMEOUT = 2147483;
const UINT32_MAX = 0xffffffff;

export interface CreateOptions extends Kept {
  readonly hashSize: number;
  readonly maxElem: number;
  readonly netmask: number;
  readonly bucketSize: number;
  /** When it is full, an element makes room for another. */
  readonly forceAdd: boolean;
  readonly initval: number;
  /** Of a bitmap, inclusive: unsigned addresses or ports. */
  readonly first: number;
  readonly last: number;
  /** Places of a list. */
  readonly listSize: number;
}

/** Reads the words behind the type's name; `random` is for what the kernel draws lots for. Throws IpsetError. */
export function parseCreateOptions(words: readonly string[], type: SetType, random: () => number): CreateOptions {
  const given = new Map<string, string>();
  const takes = OPTIONS[type.method].filter((name) => name !== 'netmask' || type.name === 'hash:ip' || type.name === 'bitmap:ip');
  for (let i = 0; i < words.length; i++) {
    const word = words[i] === '-4' ? 'family' : words[i];
    if (!takes.includes(word)) throw new IpsetError(`Unknown argument: \`${words[i]}'`, 2);
    if (FLAGS.includes(word)) given.set(word, '');
    else if (words[i] === '-4') given.set('family', 'inet');
    else if (++i === words.length) throw new IpsetError(`Missing mandatory argument of option \`${word}'`, 2);
    else given.set(word, words[i]);
  }
  const number = (name: string, usual: number, max: number = UINT32_MAX): number => {
    const text = given.get(name);
    return text === undefined ? usual : smallNumber(text, max);
  };
  const family = given.get('family') ?? 'inet';
  if (family !== 'inet') {
    throw syntaxError(['inet6', 'IPv6', '-6'].includes(family) ? 'family inet6 is not known here' : `unknown inet family ${family}`);
  }
  const [first, last] = type.method === 'bitmap' ? bitmapRange(given.get('range'), type) : [0, 0];
  const netmask = netmaskOf(given.get('netmask'));
  if (type.name === 'bitmap:ip' && (last - first + 1) / 2 ** (32 - netmask) > BITMAP_SIZE) throw new IpsetError(RANGE_SIZE);
  const timeout = given.get('timeout');
  return {
    hashSize: powerOfTwo(Math.max(number('hashsize', HASH_SIZE), MIN_HASH_SIZE)),
    maxElem: number('maxelem', MAX_ELEM),
    netmask,
    bucketSize: Math.max(2, Math.min(number('bucketsize', BUCKET_SIZE, 255), BUCKET_SIZE)),
    forceAdd: given.has('forceadd'),
    initval: given.has('initval') ? Number(given.get('initval')) >>> 0 : random() >>> 0,
    timeout: timeout === undefined ? null : smallNumber(timeout, MAX_TIMEOUT),
    counters: given.has('counters'),
    comment: given.has('comment'),
    skbinfo: given.has('skbinfo'),
    first,
    last,
    listSize: Math.max(number('size', LIST_SIZE), MIN_LIST_SIZE),
  };
}

const FLAGS: readonly string[] = ['counters', 'comment', 'skbinfo', 'forceadd'];
const COMMON: readonly string[] = ['timeout', 'counters', 'comment', 'skbinfo'];
const OPTIONS = {
  hash: ['family', 'hashsize', 'maxelem', 'netmask', 'bucketsize', 'initval', 'forceadd', ...COMMON],
  bitmap: ['range', 'netmask', ...COMMON],
  list: ['size', ...COMMON],
};

function netmaskOf(text: string | undefined): number {
  if (text === undefined) return 32;
  try {
    return smallNumber(text, 32, 1);
  } catch (error) {
    throw new IpsetError(`${(error as Error).message}\nSyntax error: netmask is out of the inclusive range of 1-32`);
  }
}

function powerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.min(value, 2 ** 30)));
}

function bitmapRange(text: string | undefined, type: SetType): [number, number] {
  if (text === undefined) throw new IpsetError("Mandatory option `range' is missing", 2);
  if (type.parts[0] === 'port') {
    const { first, last } = parsePortRange(text, 'tcp');
    return [first, last];
  }
  const m = /^([^/-]+)([/-])(.+)$/.exec(text);
  if (m === null) throw syntaxError(`IP/cidr or IP-IP range must be specified: ${text}`);
  const address = (word: string): number => {
    const value = xtParseAddress(word);
    if (value === null) throw syntaxError(`cannot parse ${word}: resolving to IPv4 address failed`);
    return value >>> 0;
  };
  const first = address(m[1]);
  if (m[2] === '-') return [Math.min(first, address(m[3])), Math.max(first, address(m[3]))];
  const mask = inetMakeMask(smallNumber(m[3], 32));
  return [(first & mask) >>> 0, (first | ~mask) >>> 0];
}

/** The options as `ipset save` writes them; `XML` takes the pairs. */
export function createWords(type: SetType, options: CreateOptions): [string, string][] {
  const { timeout, counters, comment, skbinfo, netmask } = options;
  const words: [string, string][] = [];
  if (type.method === 'hash') {
    words.push(['family', 'inet'], ['hashsize', String(options.hashSize)], ['maxelem', String(options.maxElem)]);
  } else if (type.method === 'list') words.push(['size', String(options.listSize)]);
  else {
    const end = (value: number): string => (type.parts[0] === 'port' ? String(value) : formatIpv4(value | 0));
    words.push(['range', `${end(options.first)}-${end(options.last)}`]);
  }
  if (netmask !== 32) words.push(['netmask', String(netmask)]);
  if (timeout !== null) words.push(['timeout', String(timeout)]);
  for (const [name, given] of Object.entries({ counters, comment, skbinfo })) if (given) words.push([name, '']);
  if (type.method === 'hash') {
    words.push(['bucketsize', String(options.bucketSize)], ['initval', `0x${options.initval.toString(16).padStart(8, '0')}`]);
  }
  return words;
}

/** Is a set that is there the same as one that is to be made? */
export function sameOptions(a: CreateOptions, b: CreateOptions): boolean {
  const { initval: _, hashSize: _a, ...rest } = a;
  return Object.entries(rest).every(([key, value]) => b[key as keyof CreateOptions] === value);
}
