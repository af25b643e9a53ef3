/**
 * walk.ts — a packet goes through the rules of a chain, in order (cf. Linux ipt_do_table and nft_do_chain). This is the
 * plain walk, rule by rule; a compiled chain asks the same questions, but only of rules that may say yes.
 */
import { NF_DROP, type NfHookState, PF_INET, type SkBuff, XT_CONTINUE, XT_RETURN, type XtParam } from '@packetwalk/framework';
import type { Chain } from './chain.ts';
import { ipPacketMatch } from './ip-entry.ts';
import type { Rule } from './rule.ts';

const NO_STATE: NfHookState = {
  pf: PF_INET,
  hooknum: 0,
  in: null,
  out: null,
  okfn: () => 0,
  index: 0,
  dropReason: 0,
  position: null,
};

/** What a packet carries through a table. One for each depth of re-entrance, used again and again. */
export class Walk implements XtParam {
  state: NfHookState = NO_STATE;
  thoff = 0;
  fragoff = 0;
  hotdrop = false;
  /** Counters of the table. */
  counters: Float64Array = new Float64Array(0);
  /** Rules, or blocks of them, and chains that the packet may still go through: chains that jump on and on end there. */
  left = 0;
  /** How often a target has changed what compiled chains go by. */
  rewritten = 0;
  /** How the chains are gone through. */
  run: RunChain = runPlain;
}

/**
 * What a packet may go through in a table: a rule, a block of compiled ones and a chain count one each. Sixteen levels of jumps
 * could multiply to more than any router lives to see; this many take some 10 ms.
 */
export const MAX_WORK: number = 1 << 18;

/** Takes a packet through a chain; a verdict, or XT_RETURN when it leaves at the end. */
export type RunChain = (chain: Chain, skb: SkBuff, walk: Walk) => number;

/** Does the packet have all that the rule asks for? With `walk.hotdrop` set, it must be dropped. */
export function ruleMatches(rule: Rule, skb: SkBuff, walk: Walk): boolean {
  if (!ipPacketMatch(rule.entry, skb, walk)) return false;
  const { matches } = rule;
  for (let i = 0; i < matches.length; i++) {
    const m = matches[i];
    if (!m.match.match(skb, walk, m.data) || walk.hotdrop) return false;
  }
  return true;
}

/**
 * A rule has matched: counts, and does what it says. XT_CONTINUE: on with the next rule; anything else ends the chain.
 */
export function applyRule(rule: Rule, skb: SkBuff, walk: Walk): number {
  const { counters } = walk;
  counters[rule.slot]++;
  counters[rule.slot + 1] += skb.len;
  const { target } = rule;
  switch (target.kind) {
    case 'verdict':
      if (target.verdict !== XT_RETURN) walk.state.position = rule;
      else if (skb.trace !== 0) traceRule(rule, skb, 'RETURN');
      return target.verdict;
    case 'none':
      if (skb.trace !== 0) traceRule(rule, skb, '');
      return XT_CONTINUE;
    case 'jump': {
      if (skb.trace !== 0) traceRule(rule, skb, target.chain.name);
      const verdict = walk.run(target.chain, skb, walk);
      return verdict === XT_RETURN ? XT_CONTINUE : verdict;
    }
    case 'goto':
      if (skb.trace !== 0) traceRule(rule, skb, target.chain.name);
      return walk.run(target.chain, skb, walk);
    case 'target': {
      // The target may drop the packet itself: whose rule it was is said before.
      walk.state.position = rule;
      const verdict = target.target.target(skb, walk, target.data);
      if (verdict !== XT_CONTINUE) return verdict;
      walk.state.position = null;
      if (target.target.rewrites === true) walk.rewritten++;
      if (skb.trace !== 0) traceRule(rule, skb, target.target.name);
      return XT_CONTINUE;
    }
  }
}

/** The plain walk. */
export function runPlain(chain: Chain, skb: SkBuff, walk: Walk): number {
  const { rules } = chain;
  walk.left -= rules.length + 1;
  if (walk.left < 0) return tooMuch(chain, walk);
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i];
    if (!ruleMatches(rule, skb, walk)) {
      if (walk.hotdrop) return hotdrop(rule, walk);
      continue;
    }
    const verdict = applyRule(rule, skb, walk);
    if (verdict !== XT_CONTINUE) return verdict;
  }
  return XT_RETURN;
}

/** The packet has been through more than it may: dropped. */
export function tooMuch(chain: Chain, walk: Walk): number {
  walk.state.position = `${chain.table} ${chain.name}: more rules than a packet may go through`;
  return NF_DROP;
}

/** A match could not judge the packet. */
export function hotdrop(rule: Rule, walk: Walk): number {
  walk.state.position = rule;
  return NF_DROP;
}

/** A step of a recorded walk: a rule that has matched and has not decided. */
function traceRule(rule: Rule, skb: SkBuff, next: string): void {
  skb.net.tracer.stage(skb, 'iptDoTable', next === '' ? 'counted' : next, String(rule));
}
