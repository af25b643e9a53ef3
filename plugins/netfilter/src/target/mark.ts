/** target/mark.ts — `-j MARK`: sets the packet's mark (cf. Linux net/netfilter/xt_mark.c). */
import { defineTarget, XT_CONTINUE, type XtMasked, XtProblem, type XtTarget, xtMarkMask, xtUint } from '@packetwalk/framework';

interface Mark {
  /** New mark: (old & ~mask) ^ value. Unsigned. */
  readonly value: number;
  readonly mask: number;
}

const ACTIONS = ['set-xmark', 'set-mark', 'and-mark', 'or-mark', 'xor-mark'];
const others = (own: string): string[] => ACTIONS.filter((name) => name !== own);
const bits = xtUint(0xffffffff);
const ALL = 0xffffffff;

const unsigned = (n: number): number => n >>> 0;
const hex = (n: number): string => `0x${n.toString(16)}`;

/** `--set-mark` clears what it sets besides what the mask says. */
function setMark({ value, mask }: XtMasked): Mark {
  return { value, mask: unsigned(mask | value) };
}

export const mark: XtTarget = defineTarget({
  name: 'MARK',
  options: {
    'set-xmark': { value: xtMarkMask, excludes: others('set-xmark') },
    'set-mark': { value: xtMarkMask, excludes: others('set-mark') },
    'and-mark': { value: bits, excludes: others('and-mark') },
    'or-mark': { value: bits, excludes: others('or-mark') },
    'xor-mark': { value: bits, excludes: others('xor-mark') },
  },
  init(o): Mark {
    if (o['set-xmark'] !== undefined) return o['set-xmark'].value;
    if (o['set-mark'] !== undefined) return setMark(o['set-mark'].value);
    if (o['and-mark'] !== undefined) return { value: 0, mask: unsigned(~o['and-mark'].value) };
    if (o['or-mark'] !== undefined) return { value: o['or-mark'].value, mask: o['or-mark'].value };
    if (o['xor-mark'] !== undefined) return { value: o['xor-mark'].value, mask: 0 };
    throw new XtProblem('MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required');
  },
  save: ({ value, mask }) => `--set-xmark ${hex(value)}/${hex(mask)}`,
  print({ value, mask }) {
    if (value === 0) return `MARK and ${hex(unsigned(~mask))}`;
    if (value === mask) return `MARK or ${hex(value)}`;
    if (mask === 0) return `MARK xor ${hex(value)}`;
    return mask === ALL ? `MARK set ${hex(value)}` : `MARK xset ${hex(value)}/${hex(mask)}`;
  },
  target(skb, _par, { value, mask }) {
    skb.mark = (skb.mark & ~mask) ^ value;
    return XT_CONTINUE;
  },
});
