/**
 * match/limit.ts — `-m limit`: so many packets a second, and a burst (cf. Linux net/netfilter/nft_limit.c, which iptables
 * makes of it): a bucket of time, out of which each packet takes what it costs.
 */
import { defineMatch, type XtMatch, xtUint } from '@packetwalk/framework';
import { parseRate, rateOf, rateText } from './rate.ts';
import { words } from './words.ts';

/** Parts of a second that a rate is kept in (XT_LIMIT_SCALE). */
const SCALE = 10000;
const DEFAULT_BURST = 5;
const NSEC_PER_SEC = 1e9;
const NSEC_PER_MSEC = 1e6;

interface Limit {
  readonly period: number;
  readonly burst: number;
  /** What a packet takes, and what the bucket holds, in nanoseconds. */
  readonly cost: number;
  readonly full: number;
  tokens: number;
  /** Time of the last look, in nanoseconds; -1 before the first. */
  last: number;
}

export const limit: XtMatch = defineMatch({
  name: 'limit',
  options: { limit: { value: (text) => parseRate(text, SCALE) }, 'limit-burst': { value: xtUint(10000) } },
  init(o): Limit {
    const period = o.limit?.value ?? parseRate('3/hour', SCALE);
    const burst = o['limit-burst']?.value || DEFAULT_BURST;
    const { count, seconds } = rateOf(period, SCALE);
    const cost = Math.floor((seconds * NSEC_PER_SEC) / count);
    return { period, burst, cost, full: cost * burst, tokens: cost * burst, last: -1 };
  },
  save: ({ period, burst }) => words(`--limit ${rateText(period, SCALE)}`, burst === DEFAULT_BURST ? '' : `--limit-burst ${burst}`),
  print: ({ period, burst }) => `limit: avg ${rateText(period, SCALE)} burst ${burst}`,
  match(skb, _par, data) {
    const now = skb.net.softirq.jiffies * NSEC_PER_MSEC;
    if (data.last >= 0) data.tokens = Math.min(data.tokens + now - data.last, data.full);
    data.last = now;
    if (data.tokens < data.cost) return false;
    data.tokens -= data.cost;
    return true;
  },
});
