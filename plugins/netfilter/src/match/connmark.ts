/** match/connmark.ts — `-m connmark`: the mark of the packet's connection, under a mask (cf. Linux net/netfilter/xt_connmark.c). */
import { defineMatch, type XtMatch, xtMarkMask } from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import { markText } from './mark.ts';

export function connmark(nct: NfConntrack): XtMatch {
  return defineMatch({
    name: 'connmark',
    pure: true,
    options: { mark: { value: xtMarkMask, invert: true, mandatory: true } },
    init: ({ mark: o }) => ({ ...o.value, bits: o.value.value | 0, maskBits: o.value.mask | 0, invert: o.invert }),
    save: (data) => `${data.invert ? '! ' : ''}--mark ${markText(data)}`,
    print: (data) => `connmark match ${data.invert ? '!' : ''} ${markText(data)}`,
    match(skb, _par, { bits, maskBits, invert }) {
      const ct = skb.nfct as NfConn | null;
      return ct !== null && ((ct.mark & maskBits) === bits) !== invert;
    },
    ...conntrackUser(nct),
  });
}
