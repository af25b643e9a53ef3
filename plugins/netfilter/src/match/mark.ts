/** match/mark.ts — `-m mark`: the packet's mark, under a mask (cf. Linux net/netfilter/xt_mark.c). */
import { defineMatch, type XtMasked, type XtMatch, xtMarkMask } from '@packetwalk/framework';

/** `0x5`, or `0x5/0x3` with a mask that is not all ones. */
export function markText({ value, mask }: XtMasked): string {
  return `0x${value.toString(16)}${mask === 0xffffffff ? '' : `/0x${mask.toString(16)}`}`;
}

export const mark: XtMatch = defineMatch({
  name: 'mark',
  pure: true,
  options: { mark: { value: xtMarkMask, invert: true, mandatory: true } },
  init: ({ mark: o }) => ({ ...o.value, bits: o.value.value | 0, maskBits: o.value.mask | 0, invert: o.invert }),
  save: (data) => `${data.invert ? '! ' : ''}--mark ${markText(data)}`,
  print: (data) => `mark match ${data.invert ? '! ' : ''}${markText(data)}`,
  match: (skb, _par, { bits, maskBits, invert }) => ((skb.mark & maskBits) === bits) !== invert,
});
