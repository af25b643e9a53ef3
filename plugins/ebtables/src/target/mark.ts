/** target/mark.ts — `-j mark`: the mark of the packet, set, or changed bit by bit (cf. Linux ebt_mark.c). */
import { defineEbtTarget, EBT_ACCEPT, type EbtOption, EbtProblem, type EbtTarget } from '@packetwalk/framework';
import { cNumber, hex } from '../numbers.ts';
import { verdictName, verdictOption } from '../standard-target.ts';

type Action = 'set' | 'or' | 'and' | 'xor';

interface Mark {
  action: Action | null;
  /** Unsigned. */
  value: number;
  verdict: number;
  /** `--mark-target` was given: an action is not needed then. */
  named: boolean;
}

function action(name: Action): EbtOption<Mark> {
  return {
    aliases: [`${name}-mark`],
    parse(d, text) {
      if (d.action !== null) throw new EbtProblem(`--mark-${name} cannot be used together with specific --mark option`);
      const value = cNumber(text, 0);
      if (value === null || value > 0xffffffff) throw new EbtProblem(`Bad MARK value '${text}'`);
      d.action = name;
      d.value = value;
    },
  };
}

const verdict = verdictOption<Mark>('mark-target');

export const mark: EbtTarget = defineEbtTarget<Mark>({
  name: 'mark',
  options: {
    'mark-set': action('set'),
    'mark-or': action('or'),
    'mark-and': action('and'),
    'mark-xor': action('xor'),
    'mark-target': {
      parse(d, text, invert) {
        verdict.parse(d, text, invert);
        d.named = true;
      },
    },
  },
  create: () => ({ action: null, value: 0, verdict: EBT_ACCEPT, named: false }),
  finish(d) {
    if (d.action === null && !d.named) throw new EbtProblem('You must specify some option');
    d.action ??= 'set';
  },
  save: (d) => `--mark-${d.action} ${hex(d.value)} --mark-target ${verdictName(d.verdict)}`,
  target(skb, _par, d) {
    if (d.action === 'set') skb.mark = d.value | 0;
    else if (d.action === 'or') skb.mark |= d.value;
    else if (d.action === 'and') skb.mark &= d.value;
    else skb.mark ^= d.value;
    return d.verdict;
  },
});
