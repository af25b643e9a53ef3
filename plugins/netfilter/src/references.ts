/** references.ts — how many rules lead to each chain. */
import type { Chain } from './chain.ts';
import type { Rule } from './rule.ts';

/** Chains that no rule leads to are left out. */
export function countReferences(chains: Iterable<{ readonly rules: readonly Rule[] }>): Map<Chain, number> {
  const counts = new Map<Chain, number>();
  for (const { rules } of chains) {
    for (const { target } of rules) {
      if (target.kind === 'jump' || target.kind === 'goto') counts.set(target.chain, (counts.get(target.chain) ?? 0) + 1);
    }
  }
  return counts;
}
