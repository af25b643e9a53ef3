/** match/limit.ts — `--limit`: so many frames a second, and a burst (cf. Linux nft_limit.c, which ebtables makes of it). */
import { defineEbtMatch, type EbtMatch, EbtProblem, parseRate, RateBucket, rateText, XtProblem } from '@packetwalk/framework';
import { cNumber } from '../numbers.ts';

/** Parts of a second that a rate is kept in (EBT_LIMIT_SCALE). */
const SCALE = 10000;
const DEFAULT_BURST = 5;
const DEFAULT_RATE = '3/hour';
const MAX_BURST = 10000;

interface Limit {
  period: number;
  burst: number;
  bucket: RateBucket | null;
}

export const limit: EbtMatch = defineEbtMatch<Limit>({
  name: 'limit',
  once: true,
  options: {
    limit: {
      parse(d, text, invert) {
        if (invert) throw new EbtProblem("Unexpected `!' after --limit");
        d.period = parse(text);
      },
    },
    'limit-burst': {
      parse(d, text, invert) {
        if (invert) throw new EbtProblem("Unexpected `!' after --limit-burst");
        const burst = cNumber(text, 0);
        if (burst === null || burst > MAX_BURST) throw new EbtProblem(`bad --limit-burst \`${text}'`);
        d.burst = burst || DEFAULT_BURST;
      },
    },
  },
  create: () => ({ period: parse(DEFAULT_RATE), burst: DEFAULT_BURST, bucket: null }),
  finish(d) {
    d.bucket = new RateBucket(d.period, SCALE, d.burst);
  },
  save: ({ period, burst }) => `--limit ${rateText(period, SCALE)} --limit-burst ${burst}`,
  match: (skb, _par, { bucket }) => bucket?.take(skb.net.softirq.jiffies) === true,
});

function parse(text: string): number {
  try {
    return parseRate(text, SCALE);
  } catch (error) {
    if (!(error instanceof XtProblem)) throw error;
    throw new EbtProblem(error.message.startsWith('Rate too fast') ? error.message : `bad rate \`${text}'`);
  }
}
