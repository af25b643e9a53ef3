/** match/esp.ts, `-m esp` and `-m ah`: the security parameters index (RFC 4303 §2.1, RFC 4302 §2.4; cf. Linux xt_esp.c, ipt_ah.c). */
import { defineMatch, IPPROTO_AH, IPPROTO_ESP, type SkBuff, type XtMatch, type XtParam, xtUintRange } from '@packetwalk/framework';
import { wholeHeader } from './transport.ts';

interface Spis {
  readonly min: number;
  readonly max: number;
  readonly invert: boolean;
}

const ALL: Spis = { min: 0, max: 0xffffffff, invert: false };
const option = { value: xtUintRange(0xffffffff), invert: true } as const;

function text({ min, max }: Spis): string {
  return min === max ? String(min) : `${min}:${max}`;
}

function isAll({ min, max, invert }: Spis): boolean {
  return min === 0 && max === 0xffffffff && !invert;
}

const save = (name: string, spis: Spis): string => (isAll(spis) ? '' : `${spis.invert ? '! ' : ''}--${name} ${text(spis)}`);

function print(name: string, spis: Spis): string {
  return isAll(spis) ? name : `${name} spi${spis.min === spis.max ? '' : 's'}:${spis.invert ? '!' : ''}${text(spis)}`;
}

function matches(skb: SkBuff, par: XtParam, spis: Spis, offset: number, header: number): boolean {
  const th = wholeHeader(skb, par, header);
  if (th < 0) return false;
  const spi = skb.head.view.getUint32(th + offset);
  return (spi >= spis.min && spi <= spis.max) !== spis.invert;
}

export const esp: XtMatch = defineMatch({
  name: 'esp',
  pure: true,
  protocol: IPPROTO_ESP,
  options: { espspi: option },
  init: ({ espspi: o }): Spis => (o === undefined ? ALL : { min: o.value[0], max: o.value[1], invert: o.invert }),
  save: (spis) => save('espspi', spis),
  print: (spis) => print('esp', spis),
  match: (skb, par, spis) => matches(skb, par, spis, 0, 8),
});

export const ah: XtMatch = defineMatch({
  name: 'ah',
  pure: true,
  protocol: IPPROTO_AH,
  options: { ahspi: option },
  init: ({ ahspi: o }): Spis => (o === undefined ? ALL : { min: o.value[0], max: o.value[1], invert: o.invert }),
  save: (spis) => save('ahspi', spis),
  print: (spis) => print('ah', spis),
  match: (skb, par, spis) => matches(skb, par, spis, 4, 12),
});
