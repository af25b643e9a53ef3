/** match/statistic.ts — `-m statistic`: by lot, or every n-th packet (cf. Linux net/netfilter/xt_statistic.c). */
import { defineMatch, type XtMatch, XtProblem, type XtValue, xtUint } from '@packetwalk/framework';

/** Probabilities are kept in steps of 2^-31. */
const ONE = 0x80000000;

interface Statistic {
  readonly mode: 'random' | 'nth';
  readonly probability: number;
  readonly every: number;
  readonly packet: number;
  readonly invert: boolean;
  count: number;
}

const mode: XtValue<'random' | 'nth'> = (text) => {
  if (text !== 'random' && text !== 'nth') throw new XtProblem(`Bad mode "${text}"`);
  return text;
};

const probability: XtValue<number> = (text, at) => {
  const value = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : -1;
  if (value < 0 || value > 1) throw new XtProblem(`${at.extension}: bad value for option "--${at.option}", or out of range (0-1).\n`);
  return Math.round(value * ONE);
};

export const statistic: XtMatch = defineMatch({
  name: 'statistic',
  options: {
    mode: { value: mode },
    probability: { value: probability, invert: true },
    every: { value: xtUint(0xffffffff, 1), invert: true, also: ['packet'] },
    packet: { value: xtUint(0xffffffff), also: ['every'] },
  },
  init(o): Statistic {
    if (o.mode?.value === 'nth') {
      if (o.every === undefined || o.packet === undefined)
        throw new XtProblem('--every and --packet must be specified when using nth mode');
      const every = o.every.value;
      const packet = o.packet.value;
      if (packet >= every) throw new XtProblem('the --packet p must be 0 <= p <= n-1');
      // The packet counted as number `packet` of each round matches, from the first round on.
      return { mode: 'nth', probability: 0, every, packet, invert: o.every.invert, count: every - packet - 1 };
    }
    if (o.probability === undefined) throw new XtProblem('--probability must be specified when using random mode');
    return { mode: 'random', probability: o.probability.value, every: 0, packet: 0, invert: o.probability.invert, count: 0 };
  },
  save: (data) => `--mode ${text(data, '--')}`,
  print: (data) => `statistic mode ${text(data, '')}`,
  match(skb, _par, data) {
    if (data.mode === 'random') return skb.net.softirq.random.below(ONE) < data.probability !== data.invert;
    const hit = ++data.count === data.every;
    if (hit) data.count = 0;
    return hit !== data.invert;
  },
});

function text({ mode, probability, every, packet, invert }: Statistic, dashes: string): string {
  const not = invert ? '! ' : '';
  if (mode === 'random') return `random ${not}${dashes}probability ${(probability / ONE).toFixed(11)}`;
  return `nth ${not}${dashes}every ${every} ${dashes}packet ${packet}`;
}
