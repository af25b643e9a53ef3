/**
 * table-draft.ts — changes to a table, made aside and committed as a whole: packets see all of them or none
 * (cf. Linux net/netfilter/nf_tables_api.c, iptables' nft.c).
 */
import { NF_ACCEPT } from '@packetwalk/framework';
import { Chain } from './chain.ts';
import type { IpTable } from './ip-table.ts';
import { countReferences } from './references.ts';
import { Rule, type RuleSpec } from './rule.ts';
import { checkTable } from './table-check.ts';

/** One change, as messages name it: `RULE_APPEND failed (Invalid argument): rule in chain INPUT`. */
export interface TableOp {
  readonly name: 'RULE_APPEND' | 'RULE_INSERT' | 'RULE_REPLACE' | 'CHAIN_DEL';
  readonly chain: string;
  /** Line of the text it comes from, from 1; 0 for a command. */
  readonly line: number;
  /** Which change it was, from 0. */
  readonly order: number;
}

/** A change that the rule set does not allow. */
export class TableOpError extends Error {
  override readonly name = 'TableOpError';
  readonly op: TableOp;
  /** For people: what exactly is not allowed; the message is only an errno's text. */
  readonly reason: string;

  constructor(op: TableOp, errno: string, reason: string) {
    super(errno);
    this.op = op;
    this.reason = reason;
  }
}

/** A chain as it will be. */
export class ChainDraft {
  readonly chain: Chain;
  name: string;
  policy: number;
  counted: boolean;
  rules: readonly Rule[];
  private edited: Rule[] | null = null;

  constructor(chain: Chain) {
    this.chain = chain;
    this.name = chain.name;
    this.policy = chain.policy;
    this.counted = chain.counted;
    this.rules = chain.rules;
  }

  /** The rules to be changed: a copy of the chain's own, made once. */
  edit(): Rule[] {
    this.edited ??= this.rules.slice();
    this.rules = this.edited;
    return this.edited;
  }
}

export class TableDraft {
  readonly table: IpTable;
  readonly chains: Map<string, ChainDraft> = new Map();
  /** Which change a new rule came by. */
  readonly ops: Map<Rule, TableOp> = new Map();
  private readonly removed: Rule[] = [];
  private readonly removedChains: Chain[] = [];
  private readonly newChains: Chain[] = [];
  private readonly counts: { slot: number; packets: number; bytes: number }[] = [];
  private order = 0;

  constructor(table: IpTable) {
    this.table = table;
    for (const [name, chain] of table.chains) this.chains.set(name, new ChainDraft(chain));
  }

  /** A chain by name; a built-in one is made on its first use. */
  chain(name: string): ChainDraft | undefined {
    const known = this.chains.get(name);
    if (known !== undefined) return known;
    const hook = this.table.hookOf(name);
    return hook === undefined ? undefined : this.addChain(name, hook.hooknum);
  }

  /** Makes a user's chain; the name must be free. */
  newChain(name: string): ChainDraft {
    return this.addChain(name, -1);
  }

  private addChain(name: string, hooknum: number): ChainDraft {
    const draft = new ChainDraft(new Chain(this.table.name, name, hooknum, this.table.counters.take()));
    this.chains.set(name, draft);
    this.newChains.push(draft.chain);
    return draft;
  }

  /** Takes chains away; they must be empty, and nothing may lead to them. */
  deleteChains(drafts: readonly ChainDraft[], line = 0): void {
    const references = countReferences(this.chains.values());
    for (const { name, chain, rules } of drafts) {
      if (rules.length === 0 && !references.has(chain)) continue;
      const reason = rules.length > 0 ? `chain ${name} is not empty` : `rules lead to chain ${name}`;
      throw new TableOpError({ name: 'CHAIN_DEL', chain: name, line, order: this.order++ }, 'Device or resource busy', reason);
    }
    for (const { name, chain } of drafts) {
      this.chains.delete(name);
      this.removedChains.push(chain);
    }
  }

  renameChain(draft: ChainDraft, name: string): void {
    this.chains.delete(draft.name);
    draft.name = name;
    this.chains.set(name, draft);
  }

  /** Puts a rule at `index`; behind the last one to append. */
  insert(draft: ChainDraft, index: number, spec: RuleSpec, packets: number, bytes: number, line = 0): void {
    const rule = this.make(draft, spec, packets, bytes, index === draft.rules.length ? 'RULE_APPEND' : 'RULE_INSERT', line);
    draft.edit().splice(index, 0, rule);
  }

  replace(draft: ChainDraft, index: number, spec: RuleSpec, packets: number, bytes: number, line = 0): void {
    const rule = this.make(draft, spec, packets, bytes, 'RULE_REPLACE', line);
    this.removed.push(...draft.edit().splice(index, 1, rule));
  }

  delete(draft: ChainDraft, index: number): void {
    this.removed.push(...draft.edit().splice(index, 1));
  }

  flush(draft: ChainDraft): void {
    for (const rule of draft.edit().splice(0)) this.removed.push(rule);
  }

  /** Empties the table, as a restore begins: no rules, no users' chains, policies ACCEPT, counters at 0. */
  clear(): void {
    for (const draft of this.chains.values()) this.flush(draft);
    for (const draft of [...this.chains.values()]) {
      if (!draft.chain.builtIn) {
        this.chains.delete(draft.name);
        this.removedChains.push(draft.chain);
        continue;
      }
      draft.policy = NF_ACCEPT;
      draft.counted = false;
      this.setCounters(draft.chain.slot, 0, 0);
    }
  }

  /** Sets what a chain's policy has counted; from now on it counts. */
  countPolicy(draft: ChainDraft, packets: number, bytes: number): void {
    draft.counted = true;
    this.setCounters(draft.chain.slot, packets, bytes);
  }

  /** Sets a rule's or a policy's counters with the commit. */
  setCounters(slot: number, packets: number, bytes: number): void {
    this.counts.push({ slot, packets, bytes });
  }

  private make(draft: ChainDraft, spec: RuleSpec, packets: number, bytes: number, name: TableOp['name'], line: number): Rule {
    const rule = new Rule(spec, draft.chain, this.table.counters.take(packets, bytes));
    this.ops.set(rule, { name, chain: draft.name, line, order: this.order++ });
    return rule;
  }

  /** Checks all of it; throws TableOpError, and nothing has changed. */
  check(): void {
    checkTable(this);
  }

  /** Puts it in the place of what the table was. Call `check` first. */
  commit(): void {
    const { table } = this;
    for (const rule of this.ops.keys()) {
      for (const { match, data } of rule.matches) match.attach?.(data);
      if (rule.target.kind === 'target') rule.target.target.attach?.(rule.target.data);
    }
    for (const { chain, name, policy, counted, rules } of this.chains.values()) {
      chain.name = name;
      chain.policy = policy;
      chain.counted = counted;
      if (chain.rules !== rules) chain.changeRules(rules);
    }
    table.chains = new Map([...this.chains].map(([name, { chain }]) => [name, chain]));
    for (const { slot, packets, bytes } of this.counts) table.counters.set(slot, packets, bytes);
    for (const rule of this.removed) {
      for (const { match, data } of rule.matches) match.destroy?.(data);
      if (rule.target.kind === 'target') rule.target.target.destroy?.(rule.target.data);
      table.counters.give(rule.slot);
    }
    for (const chain of this.removedChains) {
      table.unregister(chain);
      table.counters.give(chain.slot);
    }
    for (const chain of this.newChains) if (chain.builtIn && this.chains.has(chain.name)) table.register(chain);
    table.used = true;
  }

  /** Lets go of what was taken for changes that are not committed. */
  abandon(): void {
    const { counters } = this.table;
    for (const rule of this.ops.keys()) counters.give(rule.slot);
    for (const chain of this.newChains) counters.give(chain.slot);
  }
}
