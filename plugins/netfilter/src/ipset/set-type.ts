/** ipset/set-type.ts — the types of sets: how they store, and what their elements are made of (cf. Linux net/netfilter/ipset). */

/** What a part of an element is. */
export type SetPart = 'ip' | 'net' | 'port' | 'iface' | 'set';

export interface SetType {
  /** `hash:ip,port` */
  readonly name: string;
  readonly method: 'hash' | 'bitmap' | 'list';
  readonly parts: readonly SetPart[];
  /** As listings give it. */
  readonly revision: number;
  /** Bytes that a set without elements, and each element, take in a 64-bit kernel. */
  readonly memory: readonly [number, number];
  /** Names of the time before `method:data`. */
  readonly aliases: readonly string[];
}

function hash(parts: readonly SetPart[], revision: number, memory: readonly [number, number], ...aliases: string[]): SetType {
  return { name: `hash:${parts.join(',')}`, method: 'hash', parts, revision, memory, aliases };
}

export const SET_TYPES: readonly SetType[] = [
  hash(['ip'], 6, [216, 40], 'iphash'),
  hash(['net'], 7, [456, 48], 'nethash'),
  hash(['ip', 'port'], 7, [216, 48], 'ipporthash'),
  hash(['net', 'port'], 8, [456, 48]),
  hash(['ip', 'port', 'ip'], 6, [208, 56], 'ipportiphash'),
  hash(['ip', 'port', 'net'], 8, [456, 64], 'ipportnethash'),
  hash(['net', 'iface'], 8, [488, 88]),
  { name: 'bitmap:ip', method: 'bitmap', parts: ['ip'], revision: 3, memory: [88, 0], aliases: ['ipmap'] },
  { name: 'bitmap:port', method: 'bitmap', parts: ['port'], revision: 3, memory: [72, 0], aliases: ['portmap'] },
  { name: 'list:set', method: 'list', parts: ['set'], revision: 3, memory: [80, 48], aliases: ['setlist'] },
];

export function setType(name: string): SetType | undefined {
  return SET_TYPES.find((type) => type.name === name || type.aliases.includes(name));
}
