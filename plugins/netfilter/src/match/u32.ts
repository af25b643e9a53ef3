/** match/u32.ts — `-m u32`: any four bytes, masked, shifted and compared (cf. Linux net/netfilter/xt_u32.c). */
import { defineMatch, type SkBuff, type XtMatch } from '@packetwalk/framework';
import { parseU32, type U32Test, u32Text } from './u32-expression.ts';

export const u32: XtMatch = defineMatch({
  name: 'u32',
  pure: true,
  options: { u32: { value: parseU32, invert: true, mandatory: true } },
  init: ({ u32: o }) => ({ tests: o.value, invert: o.invert }),
  save: ({ tests, invert }) => `${invert ? '! ' : ''}--u32 "${u32Text(tests)}"`,
  print: ({ tests, invert }) => `u32 ${invert ? '! ' : ''}"${u32Text(tests)}"`,
  match: (skb, _par, { tests, invert }) => tests.every((test) => passes(skb, test)) !== invert,
});

/** Does the packet pass a test? One that leads outside the packet is not passed. */
function passes(skb: SkBuff, { start, steps, ranges }: U32Test): boolean {
  const { view } = skb.head;
  const packet = skb.networkHeader;
  const size = skb.data + skb.len - packet;
  if (start + 4 > size) return false;
  let value = view.getUint32(packet + start);
  let at = 0;
  for (const { operator, operand } of steps) {
    switch (operator) {
      case '&':
        value = (value & operand) >>> 0;
        break;
      case '<<':
        value = operand > 31 ? 0 : (value << operand) >>> 0;
        break;
      case '>>':
        value = operand > 31 ? 0 : value >>> operand;
        break;
      case '@':
        at += value;
        if (at + operand + 4 > size) return false;
        value = view.getUint32(packet + at + operand);
        break;
    }
  }
  return ranges.some(([min, max]) => value >= min && value <= max);
}
