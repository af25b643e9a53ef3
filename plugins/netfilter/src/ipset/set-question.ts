/** ipset/set-question.ts — a rule asks a set about a packet (ip_set_test). */
import type { SkBuff, XtParam } from '@packetwalk/framework';
import type { SetQuery } from './extensions.ts';
import { type IpSet, SET_MATCH, SET_NO_MATCH } from './ip-set.ts';

/**
 * SET_MATCH or SET_NO_MATCH. A rule that names too few parts finds nothing; with `returnNomatch` it is the exceptions that
 * match.
 */
export function askSet(set: IpSet, skb: SkBuff, par: XtParam, query: SetQuery): number {
  if (query.dimension < set.type.parts.length) return SET_NO_MATCH;
  const answer = set.test(skb, par, query);
  if (answer === SET_NO_MATCH) return SET_NO_MATCH;
  const turned = query.returnNomatch && set.type.parts.includes('net') ? -answer : answer;
  return turned === SET_MATCH ? SET_MATCH : SET_NO_MATCH;
}
