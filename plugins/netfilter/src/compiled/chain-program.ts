/**
 * compiled/chain-program.ts — the rules of a chain in the form in which packets go through them. The order of the rules,
 * the first one that decides, and every counter are those of the plain walk (walk.ts): only rules that cannot match are
 * passed over.
 */
import { type SkBuff, XT_CONTINUE, XT_RETURN } from '@packetwalk/framework';
import type { Chain } from '../chain.ts';
import type { Rule } from '../rule.ts';
import { runPlain, tooMuch, type Walk } from '../walk.ts';
import { RuleBlock } from './rule-block.ts';
import { BLOCK_RULES } from './rule-rows.ts';

/** With fewer rules, asking them all costs less than finding out which to ask. */
const MIN_RULES = 6;

/** A chain of any length: its blocks one behind the other. */
export class ChainProgram {
  /** None: the chain is short, and its rules are asked one by one. */
  readonly blocks: readonly RuleBlock[];

  /** @param before the program of the chain as it was: blocks whose rules are the same are taken over */
  constructor(rules: readonly Rule[], before: ChainProgram | null) {
    const blocks: RuleBlock[] = [];
    if (rules.length >= MIN_RULES) {
      for (let start = 0; start < rules.length; start += BLOCK_RULES) {
        const known = before?.blocks[blocks.length];
        const same = known !== undefined && holds(known, rules, start);
        blocks.push(same ? known : new RuleBlock(rules.slice(start, start + BLOCK_RULES)));
      }
    }
    this.blocks = blocks;
  }
}

/** Are the rules from `start` on those of the block? */
function holds(block: RuleBlock, rules: readonly Rule[], start: number): boolean {
  const { length } = block.rules;
  if (length !== Math.min(BLOCK_RULES, rules.length - start)) return false;
  for (let i = 0; i < length; i++) if (block.rules[i] !== rules[start + i]) return false;
  return true;
}

/** Takes a packet through a chain, which is compiled when the first one comes. */
export function runCompiled(chain: Chain, skb: SkBuff, walk: Walk): number {
  const { blocks } = chain.program ?? chain.compile();
  if (blocks.length === 0) return runPlain(chain, skb, walk);
  walk.left -= blocks.length + 1;
  if (walk.left < 0) return tooMuch(chain, walk);
  for (let i = 0; i < blocks.length; i++) {
    const verdict = blocks[i].run(skb, walk);
    if (verdict !== XT_CONTINUE) return verdict;
  }
  return XT_RETURN;
}
