/** tunnel-words.ts — the words about a tunnel that `ip tunnel` and `ip link … type ipip|gre` share (iproute2 ip/tunnel.c, ip/iptunnel.c, ip/link_gre.c). */
import { CommandError, dsfieldA2n, getUnsigned, invarg, parseIpv4, type Words } from '@packetwalk/framework';
import { GRE_CSUM, GRE_KEY, GRE_SEQ } from './gre-header.ts';
import type { TunnelParms } from './tunnel.ts';

const USAGE_STATUS = 255;

/** A key: a number, or an address (tnl_parse_key). */
function tunnelKey(name: string, word: string): number {
  if (word.includes('.')) {
    const address = parseIpv4(word);
    if (address !== null) return address;
  } else {
    const number = getUnsigned(word);
    if (number !== null) return number | 0;
  }
  throw new CommandError(`invalid value for "${name}": "${word}"; it should be an unsigned integer`, USAGE_STATUS);
}

/** Reads `ttl`'s argument; 0: the inner packet's. */
export function tunnelTtl(word: string): number {
  if (word === 'inherit') return 0;
  return getUnsigned(word, 255) ?? invarg('invalid TTL\n', word);
}

/** Reads `tos`'s argument: a TOS byte, `inherit`, or both as `inherit/TOS`. */
export function tunnelTos(word: string, wrong: string): number {
  const [inherit, field] = word.startsWith('inherit') ? [1, word === 'inherit' ? '0' : word.slice('inherit/'.length)] : [0, word];
  return inherit | (dsfieldA2n(field) ?? invarg(wrong, word));
}

const FLAGS: Readonly<Record<string, number>> = { key: GRE_KEY, seq: GRE_SEQ, csum: GRE_CSUM };

/** `ikey`: the flag, and whether it is about what comes in or what goes out; `key` is about both. */
function greFlag(word: string): { flag: number; input: boolean; output: boolean } {
  const input = word.startsWith('i');
  const output = word.startsWith('o');
  return { flag: FLAGS[input || output ? word.slice(1) : word] ?? 0, input: !output, output: !input };
}

/** Reads a word about GRE: keys, checksums, sequence numbers, each for one direction or both. False: it is another word. */
export function greWord(word: string, words: Words, parms: TunnelParms): boolean {
  const { flag, input, output } = greFlag(word);
  if (flag === 0) return false;
  if (flag === GRE_KEY) {
    const key = tunnelKey(word, words.next());
    if (input) parms.iKey = key;
    if (output) parms.oKey = key;
  }
  if (input) parms.iFlags |= flag;
  if (output) parms.oFlags |= flag;
  return true;
}

/** `noseq`, without its `no`. */
export function greWordOff(word: string, parms: TunnelParms): void {
  const { flag, input, output } = greFlag(word);
  if (input) parms.iFlags &= ~flag;
  if (output) parms.oFlags &= ~flag;
}

export function ttlWithoutPmtudisc(status: number): never {
  throw new CommandError('ttl != 0 and nopmtudisc are incompatible', status);
}
