/** iproute/route-types.ts — names of tables, types, scopes and protocols (iproute2's /etc/iproute2 and lib/rt_names.c). */
import { invarg, rtprotA2n } from '@packetwalk/framework';

const TYPES = [
  'none',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
  'xresolve',
];

/** `unicast` … by RTN_* number. */
export function typeName(type: number): string {
  return TYPES[type] ?? String(type);
}

/** RTN_* of a word, or undefined when it is none; `ip route` takes whole words only. */
export function typeNumber(word: string): number | undefined {
  const i = TYPES.indexOf(word);
  return i > 0 ? i : undefined;
}

const SCOPES = new Map([
  [0, 'global'],
  [200, 'site'],
  [253, 'link'],
  [254, 'host'],
  [255, 'nowhere'],
]);

export function scopeName(scope: number): string {
  return SCOPES.get(scope) ?? String(scope);
}

/** Scope of a word or number; refuses others as iproute2 does. */
export function scopeNumber(word: string, wrong = 'invalid "scope" value\n'): number {
  for (const [number, name] of SCOPES) if (name === word) return number;
  if (/^(0x[0-9a-f]+|\d+)$/i.test(word) && Number(word) <= 255) return Number(word);
  return invarg(wrong, word);
}

/** RTPROT_* of a word; refuses others as iproute2 does. */
export function protocolNumber(word: string, wrong = '"protocol" value is invalid\n'): number {
  return rtprotA2n(word) ?? invarg(wrong, word);
}

/** Names of the DSCP and TOS values that iproute2 shows (rt_dsfield). */
const DSFIELDS = new Map([
  [0x00, 'CS0'],
  [0x20, 'CS1'],
  [0x40, 'CS2'],
  [0x60, 'CS3'],
  [0x80, 'CS4'],
  [0xa0, 'CS5'],
  [0xc0, 'CS6'],
  [0xe0, 'CS7'],
  [0x28, 'AF11'],
  [0x30, 'AF12'],
  [0x38, 'AF13'],
  [0x48, 'AF21'],
  [0x50, 'AF22'],
  [0x58, 'AF23'],
  [0x68, 'AF31'],
  [0x70, 'AF32'],
  [0x78, 'AF33'],
  [0x88, 'AF41'],
  [0x90, 'AF42'],
  [0x98, 'AF43'],
  [0xb8, 'EF'],
]);

/** `0x10`, or a DSCP's name. */
export function dsfieldName(tos: number): string {
  return DSFIELDS.get(tos) ?? `0x${tos.toString(16).padStart(2, '0')}`;
}

/** TOS byte of a word: hexadecimal as iproute2 reads it, or a name. */
export function dsfieldNumber(word: string): number {
  for (const [number, name] of DSFIELDS) if (name === word) return number;
  if (/^(0x)?[0-9a-f]{1,2}$/i.test(word)) return Number.parseInt(word, 16);
  return invarg('"tos" value is invalid\n', word);
}

/** Table names of one router: iproute2's own, and those of `rt_tables`. */
export class TableNames {
  private readonly names = new Map<number, string>([
    [255, 'local'],
    [254, 'main'],
    [253, 'default'],
    [0, 'unspec'],
  ]);

  define(name: string, id: number): void {
    this.names.set(id, name);
  }

  name(id: number): string {
    return this.names.get(id) ?? String(id);
  }

  /** Id of a name or number, undefined when it is neither. */
  find(word: string): number | undefined {
    for (const [id, name] of this.names) if (name === word) return id;
    return /^(0x[0-9a-f]+|\d+)$/i.test(word) && Number(word) <= 0xffffffff ? Number(word) : undefined;
  }

  all(): Iterable<[number, string]> {
    return this.names;
  }
}
