/** match/length.ts — `-m length`: length of the packet with its IP header (cf. Linux net/netfilter/xt_length.c). */
import { defineMatch, type XtMatch, xtUintRange } from '@packetwalk/framework';

function text({ min, max, invert }: { min: number; max: number; invert: boolean }, mark: string): string {
  return `${invert ? mark : ''}${min === max ? min : `${min}:${max}`}`;
}

export const length: XtMatch = defineMatch({
  name: 'length',
  pure: true,
  options: { length: { value: xtUintRange(0xffff), invert: true, mandatory: true } },
  init: ({ length: o }) => ({ min: o.value[0], max: o.value[1], invert: o.invert }),
  save: (data) => `${data.invert ? '! ' : ''}--length ${text({ ...data, invert: false }, '')}`,
  print: (data) => `length ${text(data, '!')}`,
  match: (skb, _par, { min, max, invert }) => (skb.len >= min && skb.len <= max) !== invert,
});
