/** match/hashlimit.ts — `-m hashlimit`: a limit for each address, port, or pair of them (cf. Linux net/netfilter/xt_hashlimit.c). */
import {
  defineMatch,
  inetMakeMask,
  parseRate,
  rateOf,
  rateText,
  type XtMatch,
  XtProblem,
  type XtValue,
  xtNumber,
  xtUint,
} from '@packetwalk/framework';
import { byteBurstText, byteRateText, bytesToCost, costToBytes, parseBytes } from './byte-rate.ts';
import { hashKey, hashMode, hashModeText } from './hash-key.ts';
import { HashlimitTable } from './hashlimit-table.ts';
import { words } from './words.ts';

/** Parts of a second that a rate is kept in (XT_HASHLIMIT_SCALE_v2). */
const SCALE = 1000000;
const DEFAULT_BURST = 5;
const MAX_BURST = 1000000;
const MAX_NAME = 254;
const DEFAULT_GC_INTERVAL = 1000;
/** Buckets and entries of a table that nobody gave a size. */
const DEFAULT_SIZE = 8192;
const ENTRIES_PER_BUCKET = 8;
/** No table may hold more, whatever a rule says. */
const MAX_ENTRIES = 1 << 20;
/** Ms of bytes that may be saved up. */
const BYTE_MODE_CREDIT = 1000;
const BYTE_EXPIRE = 15;
const BYTE_EXPIRE_BURST = 60;

/** Credits of a second: as many as let 64 bits hold those of a day (CREDITS_PER_JIFFY, HZ 250). */
const CREDITS_PER_SECOND = 250n << 39n;
const UINT64_MAX = (1n << 64n) - 1n;

interface Hashlimit {
  readonly above: boolean;
  /** Time of a packet in 1/SCALE s; in byte mode, part of 2^32 of a second that 16 bytes take. */
  readonly avg: number;
  readonly bytes: boolean;
  readonly burst: number;
  readonly mode: number;
  readonly name: string;
  readonly srcmask: number;
  readonly dstmask: number;
  readonly size: number;
  readonly max: number;
  readonly gcInterval: number;
  readonly expire: number;
  table: HashlimitTable | null;
}

/** A rate of packets or of bytes. */
interface Rate {
  readonly avg: number;
  readonly bytes: boolean;
}

const rate: XtValue<Rate> = (text) => {
  const bytes = parseBytes(text, '/s');
  return bytes === null ? { avg: parseRate(text, SCALE), bytes: false } : { avg: bytesToCost(bytes), bytes: true };
};

const name: XtValue<string> = (text, { extension, option }) => {
  if (text === '') throw new XtProblem(`Argument must have a minimum length of 1 characters\n`);
  if (text.length > MAX_NAME)
    throw new XtProblem(`${extension}: Argument to "--${option}" must have a maximum length of ${MAX_NAME} characters\n`);
  return text;
};

function burstOf(text: string | undefined, { avg, bytes }: Rate): number {
  if (text === undefined) return bytes ? 0 : DEFAULT_BURST;
  const inBytes = parseBytes(text, '');
  if (bytes !== (inBytes !== null)) throw new XtProblem(`burst must ${bytes ? '' : 'not '}be given in bytes`);
  if (inBytes !== null) {
    const perSecond = costToBytes(avg);
    if (inBytes < perSecond) throw new XtProblem(`burst cannot be smaller than ${perSecond}b`);
    return Math.ceil(inBytes / perSecond);
  }
  const burst = xtNumber(text, 1, MAX_BURST);
  if (burst === null) throw new XtProblem(`bad value for option "--hashlimit-burst", or out of range (1-${MAX_BURST}).`);
  return burst;
}

/** What `burst` packets cost in credits of 64 bits, which wrap round (user2credits). */
function credits(avg: number, burst: number): bigint {
  return (BigInt(avg) * BigInt(burst) * (CREDITS_PER_SECOND / BigInt(SCALE))) & UINT64_MAX;
}

/** The time that this many credits take to come. */
function milliseconds(avg: number, burst: number): number {
  return (Number(credits(avg, burst)) * 1000) / Number(CREDITS_PER_SECOND);
}

/** Ms that an entry lives without packets: the time that the rate is about, unless a rule says otherwise. */
function expireOf({ avg, bytes }: Rate, burst: number): number {
  if (bytes) return (burst > 0 ? BYTE_EXPIRE_BURST : BYTE_EXPIRE) * 1000;
  return rateOf(avg, SCALE).seconds * 1000;
}

export function hashlimit(): XtMatch {
  const tables = new Map<string, HashlimitTable>();
  return defineMatch({
    name: 'hashlimit',
    options: {
      'hashlimit-upto': { value: rate, invert: true, excludes: ['hashlimit-above'] },
      hashlimit: { alias: 'hashlimit-upto' },
      'hashlimit-above': { value: rate, invert: true, excludes: ['hashlimit-upto'] },
      'hashlimit-srcmask': { value: xtUint(32) },
      'hashlimit-dstmask': { value: xtUint(32) },
      'hashlimit-burst': { value: (text: string) => text },
      'hashlimit-htable-size': { value: xtUint(0xffffffff) },
      'hashlimit-htable-max': { value: xtUint(0xffffffff) },
      'hashlimit-htable-gcinterval': { value: xtUint(0xffffffff) },
      'hashlimit-htable-expire': { value: xtUint(0xffffffff) },
      'hashlimit-mode': { value: hashMode },
      'hashlimit-name': { value: name, mandatory: true },
    },
    init(o): Hashlimit {
      const given = o['hashlimit-upto'] ?? o['hashlimit-above'];
      if (given === undefined) throw new XtProblem('You have to specify --hashlimit');
      const burst = burstOf(o['hashlimit-burst']?.value, given.value);
      return {
        above: (given === o['hashlimit-above']) !== given.invert,
        avg: given.value.avg,
        bytes: given.value.bytes,
        burst,
        mode: o['hashlimit-mode']?.value ?? 0,
        name: o['hashlimit-name'].value,
        srcmask: o['hashlimit-srcmask']?.value ?? 32,
        dstmask: o['hashlimit-dstmask']?.value ?? 32,
        size: o['hashlimit-htable-size']?.value ?? 0,
        max: o['hashlimit-htable-max']?.value ?? 0,
        gcInterval: o['hashlimit-htable-gcinterval']?.value ?? DEFAULT_GC_INTERVAL,
        expire: o['hashlimit-htable-expire']?.value ?? expireOf(given.value, burst),
        table: null,
      };
    },
    check(data) {
      if (data.name.includes('/')) return 'a name cannot have a "/"';
      if (data.bytes || credits(data.avg, data.burst) >= credits(data.avg, 1)) return null;
      return { errno: 'Numerical result out of range', reason: 'the burst is more than credits of 64 bits can be' };
    },
    attach(data) {
      let table = tables.get(data.name);
      if (table === undefined) {
        table = makeTable(data);
        tables.set(data.name, table);
      }
      table.users++;
      data.table = table;
    },
    destroy(data) {
      const { table } = data;
      if (table !== null && --table.users === 0 && tables.get(data.name) === table) tables.delete(data.name);
    },
    save: (data) =>
      words(
        `--hashlimit-${data.above ? 'above' : 'upto'} ${data.bytes ? byteRateText(data.avg) : rateText(data.avg, SCALE)}`,
        burstText(data, '--hashlimit-burst'),
        data.mode === 0 ? '' : `--hashlimit-mode ${hashModeText(data.mode, ',')}`,
        `--hashlimit-name ${data.name}`,
        tableText(data, '--hashlimit-'),
      ),
    print: (data) =>
      words(
        `limit: ${data.above ? 'above' : 'up to'} ${data.bytes ? byteRateText(data.avg) : rateText(data.avg, SCALE)}`,
        burstText(data, 'burst'),
        data.mode === 0 ? '' : `mode ${hashModeText(data.mode, '-')}`,
        tableText(data, ''),
      ),
    match(skb, par, data) {
      const key = hashKey(skb, par, data.mode, inetMakeMask(data.srcmask), inetMakeMask(data.dstmask));
      const within = key === null ? null : (data.table as HashlimitTable).allow(key, skb.len, skb.net.softirq.jiffies);
      if (within !== null) return within !== data.above;
      par.hotdrop = true;
      return false;
    },
  });
}

function makeTable(data: Hashlimit): HashlimitTable {
  const size = data.size === 0 ? DEFAULT_SIZE : data.size;
  return new HashlimitTable({
    cost: data.bytes ? (1000 * data.avg) / 2 ** 32 : milliseconds(data.avg, 1),
    cap: data.bytes ? BYTE_MODE_CREDIT : milliseconds(data.avg, data.burst),
    spare: data.bytes ? data.burst : 0,
    bytes: data.bytes,
    max: Math.min(data.max === 0 ? size * ENTRIES_PER_BUCKET : Math.max(data.max, size), MAX_ENTRIES),
    expire: data.expire,
    gcInterval: data.gcInterval,
  });
}

function burstText({ bytes, avg, burst }: Hashlimit, label: string): string {
  if (!bytes) return `${label} ${burst}`;
  return burst === 0 ? '' : `${label} ${byteBurstText(avg, burst)}`;
}

function tableText(data: Hashlimit, prefix: string): string {
  const option = (label: string, value: number, usual: number): string => (value === usual ? '' : `${prefix}${label} ${value}`);
  return words(
    option('htable-size', data.size, 0),
    option('htable-max', data.max, 0),
    option('htable-gcinterval', data.gcInterval, DEFAULT_GC_INTERVAL),
    option('htable-expire', data.expire, expireOf(data, data.burst)),
    option('srcmask', data.srcmask, 32),
    option('dstmask', data.dstmask, 32),
  );
}
