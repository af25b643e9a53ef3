/** command/listing.ts — `ebtables -L`. */
import type { Chain } from '../chain.ts';
import { type Rule, ruleText } from '../rule.ts';
import { verdictName } from '../standard-target.ts';
import type { EbtTable } from '../tables.ts';

export interface ListingOptions {
  /** Numbers in front of rules. */
  readonly numbers: boolean;
  /** Counters behind them. */
  readonly counters: boolean;
}

export function listTable(table: EbtTable, chains: readonly Chain[], options: ListingOptions): string {
  return `Bridge table: ${table.name}\n${chains.map((chain) => listChain(chain, options)).join('')}`;
}

/** ebtables shows RETURN for every chain of the user's; ebtables-save has the policy. */
function listChain({ name, rules, builtIn, policy }: Chain, options: ListingOptions): string {
  const head = `\nBridge chain: ${name}, entries: ${rules.length}, policy: ${builtIn ? verdictName(policy) : 'RETURN'}\n`;
  return head + rules.map((rule, i) => listRule(rule, i + 1, options)).join('');
}

function listRule(rule: Rule, number: number, { numbers, counters }: ListingOptions): string {
  const count = counters ? ` , pcnt = ${rule.counters[0]} -- bcnt = ${rule.counters[1]}` : '';
  return `${numbers ? `${number} ` : ''}${ruleText(rule.spec)}${count}\n`;
}
