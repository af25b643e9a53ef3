/** iptables/resolve.ts — from the words of a rule to rules of a table: a jump's chain is looked up, addresses are multiplied out. */
import { XtProblem } from '@packetwalk/framework';
import { Chain } from '../chain.ts';
import { ANY_ENTRY } from '../ip-entry.ts';
import type { RuleSpec, RuleTarget } from '../rule.ts';
import type { TableDraft } from '../table-draft.ts';
import { verdictOf } from '../verdicts.ts';
import type { Jump, RuleLine } from './rule-line.ts';

/** The rules that a line stands for: one for each pair of addresses, in the order in which iptables takes them. */
export function resolveRules(draft: TableDraft, line: RuleLine, origin: string): RuleSpec[] {
  const target = resolveTarget(draft, line.jump);
  return line.sources.flatMap((s) =>
    line.destinations.map((d) => ({
      entry: { ...ANY_ENTRY, ...line.entry, saddr: s.address, smask: s.mask, daddr: d.address, dmask: d.mask },
      matches: line.matches,
      target,
      origin,
    })),
  );
}

function resolveTarget(draft: TableDraft, jump: Jump | undefined): RuleTarget {
  if (jump === undefined) return { kind: 'none' };
  const { name, goto, target } = jump;
  if (target !== undefined) return { kind: 'target', ...target };
  const verdict = goto ? undefined : verdictOf(name);
  if (verdict !== undefined) return { kind: 'verdict', name, verdict };
  return { kind: goto ? 'goto' : 'jump', chain: findChain(draft, name) };
}

function findChain(draft: TableDraft, name: string): Chain {
  const known = draft.chains.get(name);
  if (known !== undefined) return known.chain;
  const hook = draft.table.hookOf(name);
  // It cannot stay so, and the check of the whole table says why.
  if (hook !== undefined) return new Chain(draft.table.name, name, hook.hooknum, 0);
  throw new XtProblem(`Chain '${name}' does not exist`);
}
