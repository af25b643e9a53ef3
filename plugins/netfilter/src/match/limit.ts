/**
 * match/limit.ts — `-m limit`: so many packets a second, and a burst (cf. Linux net/netfilter/nft_limit.c, which iptables
 * makes of it).
 */
import { defineMatch, parseRate, RateBucket, rateText, type XtMatch, xtUint } from '@packetwalk/framework';
import { words } from './words.ts';

/** Parts of a second that a rate is kept in (XT_LIMIT_SCALE). */
const SCALE = 10000;
const DEFAULT_BURST = 5;

interface Limit {
  readonly period: number;
  readonly burst: number;
  readonly bucket: RateBucket;
}

export const limit: XtMatch = defineMatch({
  name: 'limit',
  options: { limit: { value: (text) => parseRate(text, SCALE) }, 'limit-burst': { value: xtUint(10000) } },
  init(o): Limit {
    const period = o.limit?.value ?? parseRate('3/hour', SCALE);
    const burst = o['limit-burst']?.value || DEFAULT_BURST;
    return { period, burst, bucket: new RateBucket(period, SCALE, burst) };
  },
  save: ({ period, burst }) => words(`--limit ${rateText(period, SCALE)}`, burst === DEFAULT_BURST ? '' : `--limit-burst ${burst}`),
  print: ({ period, burst }) => `limit: avg ${rateText(period, SCALE)} burst ${burst}`,
  match: (skb, _par, { bucket }) => bucket.take(skb.net.softirq.jiffies),
});
