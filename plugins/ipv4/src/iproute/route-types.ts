/** iproute/route-types.ts — names of tables, types, scopes and protocols (iproute2's /etc/iproute2 and lib/rt_names.c). */
import { dsfieldA2n, invarg, rtprotA2n } from '@packetwalk/framework';

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

/** TOS byte of a word; refuses others as iproute2 does. */
export function dsfieldNumber(word: string): number {
  return dsfieldA2n(word) ?? invarg('"tos" value is invalid\n', word);
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
