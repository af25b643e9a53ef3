/** match/ct-state.ts — the states of connections that `-m conntrack` and `-m state` name, one bit each (cf. Linux xt_conntrack.h). */
import { IP_CT_IS_REPLY, IP_CT_UNTRACKED, IPS_DST_NAT, IPS_SRC_NAT, type SkBuff } from '@packetwalk/framework';
import type { NfConn } from '../conntrack/nf-conn.ts';

export const STATE_INVALID: number = 1 << 0;
/** Bits of nfctinfo, both directions the same: 1 << nfctinfo % IP_CT_IS_REPLY + 1. */
const STATE_ESTABLISHED = 1 << 1;
const STATE_RELATED = 1 << 2;
const STATE_NEW = 1 << 3;
const STATE_UNTRACKED = 1 << 6;
const STATE_SNAT = 1 << 7;
const STATE_DNAT = 1 << 8;

/** In the order in which they are listed. */
export const STATE_NAMES: readonly (readonly [string, number])[] = [
  ['INVALID', STATE_INVALID],
  ['NEW', STATE_NEW],
  ['RELATED', STATE_RELATED],
  ['ESTABLISHED', STATE_ESTABLISHED],
  ['UNTRACKED', STATE_UNTRACKED],
];
export const CT_STATE_NAMES: readonly (readonly [string, number])[] = [...STATE_NAMES, ['SNAT', STATE_SNAT], ['DNAT', STATE_DNAT]];

/** Bits of a list of names, whatever their case; null when one is none of them. */
export function parseNames(text: string, names: readonly (readonly [string, number])[]): number | { readonly unknown: string } {
  let bits = 0;
  for (const word of text.split(',')) {
    const known = names.find(([name]) => name === word.toUpperCase());
    if (known === undefined) return { unknown: word };
    bits |= known[1];
  }
  return bits;
}

export function formatNames(bits: number, names: readonly (readonly [string, number])[]): string {
  return names
    .filter(([, bit]) => (bits & bit) !== 0)
    .map(([name]) => name)
    .join(',');
}

/** The state of a packet's connection, and whether it is translated. */
export function stateOf(skb: SkBuff): number {
  const ct = skb.nfct as NfConn | null;
  if (ct === null) return skb.nfctinfo === IP_CT_UNTRACKED ? STATE_UNTRACKED : STATE_INVALID;
  const { status } = ct;
  const nat = ((status & IPS_SRC_NAT) !== 0 ? STATE_SNAT : 0) | ((status & IPS_DST_NAT) !== 0 ? STATE_DNAT : 0);
  return (1 << ((skb.nfctinfo % IP_CT_IS_REPLY) + 1)) | nat;
}
