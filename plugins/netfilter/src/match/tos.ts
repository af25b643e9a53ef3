/** match/tos.ts — `-m tos`: the type-of-service byte under a mask (cf. Linux net/netfilter/xt_dscp.c). */
import { defineMatch, IP_TOS, type XtMatch } from '@packetwalk/framework';
import { tosHex, tosMask, tosName } from './tos-value.ts';

export const tos: XtMatch = defineMatch({
  name: 'tos',
  pure: true,
  options: { tos: { value: tosMask, invert: true, mandatory: true } },
  init: ({ tos: o }) => ({ ...o.value, invert: o.invert }),
  save: (data) => `${data.invert ? '! ' : ''}--tos ${tosHex(data)}`,
  print(data, numeric) {
    const name = numeric ? null : tosName(data);
    return `tos match${data.invert ? '!' : ''}${name === null ? tosHex(data) : ` ${name}`}`;
  },
  match: (skb, _par, { value, mask, invert }) => ((skb.head.view.getUint8(skb.networkHeader + IP_TOS) & mask) === value) !== invert,
});
