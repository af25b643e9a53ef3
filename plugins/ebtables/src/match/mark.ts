/** match/mark.ts — `--mark [VALUE][/MASK]` (cf. Linux ebt_mark_m.c). */
import { defineEbtMatch, type EbtMatch, EbtProblem } from '@packetwalk/framework';
import { cNumber, hex, shown } from '../numbers.ts';

interface Mark {
  /** Unsigned. `any`: it is enough that one bit of the mask is set. */
  value: number;
  mask: number;
  any: boolean;
  invert: boolean;
}

const ALL = 0xffffffff;

export const mark: EbtMatch = defineEbtMatch<Mark>({
  name: 'mark_m',
  options: {
    mark: {
      parse(d, text, invert) {
        const slash = text.indexOf('/');
        const value = slash === 0 ? 0 : cNumber(slash < 0 ? text : text.slice(0, slash), 0);
        const mask = slash < 0 ? ALL : cNumber(text.slice(slash + 1), 0);
        if (value === null || mask === null || value > ALL || mask > ALL) throw new EbtProblem(`Bad mark value '${text}'`);
        Object.assign(d, { value, mask, any: slash === 0, invert });
      },
    },
  },
  create: () => ({ value: 0, mask: ALL, any: false, invert: false }),
  save: ({ value, mask, any, invert }) => shown('mark', invert, any ? `/${hex(mask)}` : hex(value) + (mask === ALL ? '' : `/${hex(mask)}`)),
  match(skb, _par, { value, mask, any, invert }) {
    const masked = skb.mark & mask;
    return (any ? masked !== 0 : masked === (value | 0)) !== invert;
  },
});
