/** table-draft.ts — a table as it is going to be: changed step by step, checked, and put in the place of the old one at once. */
import { EBT_ACCEPT, EBT_RETURN, EbtProblem } from '@packetwalk/framework';
import { Chain } from './chain.ts';
import { Rule, type RuleSpec, ruleText } from './rule.ts';
import type { EbtTable } from './tables.ts';

/** Something that is not there, or is there already: said in few words, without the program's version. */
export class NoSuchThing extends EbtProblem {
  constructor(message: string) {
    super(message, 1);
  }
}

/** The kernel would not take it. */
export class KernelRefusal extends EbtProblem {
  readonly errno: string;
  readonly chain: string;
  /** Line that the rule came from; 0 for one that was typed. */
  readonly line: number;

  constructor(operation: string, errno: string, what: string, chain: string, line = 0) {
    super(` ${operation} failed (${errno}): ${what} ${chain}`, 4);
    this.errno = errno;
    this.chain = chain;
    this.line = line;
  }
}

export const NO_CHAIN = 'No chain/target/match by that name';

interface DraftChain {
  readonly chain: Chain;
  name: string;
  policy: number;
  rules: Rule[];
}

export class TableDraft {
  readonly table: EbtTable;
  private readonly chains = new Map<string, DraftChain>();
  private readonly counterChanges: (() => void)[] = [];
  private recheck = false;

  constructor(table: EbtTable) {
    this.table = table;
    for (const chain of table.listed()) {
      this.chains.set(chain.name, { chain, name: chain.name, policy: chain.policy, rules: [...chain.rules] });
    }
  }

  /** The chain that a jump goes to; undefined when there is none of that name. */
  find(name: string): Chain | undefined {
    return this.chains.get(name)?.chain;
  }

  private need(name: string): DraftChain {
    const found = this.chains.get(name);
    if (found === undefined) throw new NoSuchThing(NO_CHAIN);
    return found;
  }

  /** How many rules a chain has. */
  length(name: string): number {
    return this.need(name).rules.length;
  }

  /** @param at index from 0; undefined: at the end */
  insert(name: string, spec: RuleSpec, at?: number): void {
    const { chain, rules } = this.need(name);
    if (at !== undefined && at > rules.length) throw new NoSuchThing('Index of insertion too big');
    rules.splice(at ?? rules.length, 0, new Rule(spec, chain));
    this.recheck = true;
  }

  /** Takes out rules `from` … `to`, counted from 0. */
  remove(name: string, from: number, to: number): void {
    const { rules } = this.need(name);
    if (from >= rules.length || to >= rules.length) throw new NoSuchThing('Index of deletion too big');
    rules.splice(from, to - from + 1);
  }

  /** The index of the first rule like this one. */
  indexOf(name: string, spec: RuleSpec): number {
    const text = ruleText(spec);
    const at = this.need(name).rules.findIndex((rule) => ruleText(rule.spec) === text);
    if (at < 0) throw new NoSuchThing('Bad rule (does a matching rule exist in that chain?)');
    return at;
  }

  flush(name?: string): void {
    for (const chain of name === undefined ? this.chains.values() : [this.need(name)]) chain.rules = [];
  }

  /** Counters change when the draft is committed. */
  setCounters(name: string, at: number, change: (counters: Float64Array) => void): void {
    const rule = this.need(name).rules[at];
    if (rule === undefined) throw new NoSuchThing('Bad rule (does a matching rule exist in that chain?)');
    this.counterChanges.push(() => change(rule.counters));
  }

  zero(name?: string): void {
    for (const { rules } of name === undefined ? this.chains.values() : [this.need(name)]) {
      for (const rule of rules) this.counterChanges.push(() => rule.counters.fill(0));
    }
  }

  policy(name: string, policy: number): void {
    const chain = this.need(name);
    if (policy === EBT_RETURN && chain.chain.builtIn) throw new EbtProblem('Policy RETURN only allowed for user defined chains');
    chain.policy = policy;
  }

  create(name: string, policy: number = EBT_ACCEPT): void {
    if (this.chains.has(name)) throw new NoSuchThing('Chain already exists');
    this.chains.set(name, { chain: new Chain(this.table.name, name, -1), name, policy, rules: [] });
  }

  rename(from: string, to: string): void {
    const chain = this.need(from);
    if (chain.chain.builtIn) throw new NoSuchThing(NO_CHAIN);
    if (this.chains.has(to)) throw new NoSuchThing('File exists');
    this.chains.delete(from);
    chain.name = to;
    this.chains.set(to, chain);
  }

  /** Takes out an empty chain that no rule leads to; without a name all of them. */
  delete(name?: string): void {
    const doomed = name === undefined ? [...this.chains.values()].filter((c) => !c.chain.builtIn) : [this.need(name)];
    for (const chain of doomed) {
      if (chain.chain.builtIn) throw new NoSuchThing(NO_CHAIN);
      if (chain.rules.length > 0 || this.isReferenced(chain.chain)) {
        throw new KernelRefusal('CHAIN_DEL', 'Device or resource busy', 'chain', chain.name);
      }
      this.chains.delete(chain.name);
    }
  }

  private isReferenced(chain: Chain): boolean {
    for (const { rules } of this.chains.values()) {
      if (rules.some(({ target }) => target.kind === 'jump' && target.chain === chain)) return true;
    }
    return false;
  }

  /** The table as it is when nothing was ever done to it. */
  reset(): void {
    for (const [name, chain] of this.chains) {
      if (!chain.chain.builtIn) this.chains.delete(name);
      chain.rules = [];
      chain.policy = EBT_ACCEPT;
    }
  }

  /** Could the kernel take it? Throws KernelRefusal: a loop, or an extension where it may not be. @param operation for the message */
  check(operation: string): void {
    if (!this.recheck) return;
    const hooks = this.reach(operation);
    for (const { chain, name, rules } of this.chains.values()) {
      const reached = hooks.get(chain) ?? 0;
      for (const { spec } of rules) {
        const place = { ...spec.entry, table: this.table.name, hooks: reached };
        const { target } = spec;
        const refused =
          spec.extensions.some((e) => (e.kind === 'match' ? e.match.check?.(e.data, place) : e.watcher.check?.(e.data, place)) === false) ||
          (target.kind === 'target' && target.target.check?.(target.data, place) === false);
        if (refused) throw new KernelRefusal(operation, 'Invalid argument', 'rule in chain', name, spec.line);
      }
    }
    this.recheck = false;
  }

  /** From which hooks each chain can be reached. */
  private reach(operation: string): Map<Chain, number> {
    const byChain = new Map([...this.chains.values()].map((c) => [c.chain, c]));
    const order: Chain[] = [];
    const state = new Map<Chain, 'open' | 'done'>();
    const visit = (draft: DraftChain): void => {
      state.set(draft.chain, 'open');
      for (const { target, spec } of draft.rules) {
        if (target.kind !== 'jump') continue;
        const refuse = (errno: string): never => {
          throw new KernelRefusal(operation, errno, 'rule in chain', draft.name, spec.line);
        };
        if (target.chain.builtIn) refuse('Operation not supported');
        if (state.get(target.chain) === 'open') refuse('Too many links');
        const next = byChain.get(target.chain);
        if (next !== undefined && !state.has(target.chain)) visit(next);
      }
      state.set(draft.chain, 'done');
      order.push(draft.chain);
    };
    for (const draft of byChain.values()) if (!state.has(draft.chain)) visit(draft);
    const hooks = new Map<Chain, number>(order.map((chain) => [chain, chain.builtIn ? 1 << chain.hooknum : 0]));
    for (const chain of order.reverse()) {
      for (const { target } of byChain.get(chain)?.rules ?? []) {
        if (target.kind === 'jump') hooks.set(target.chain, (hooks.get(target.chain) ?? 0) | (hooks.get(chain) ?? 0));
      }
    }
    return hooks;
  }

  /** From the next frame on. Call `check` before. */
  commit(): void {
    const { table } = this;
    for (const { chain, name, policy, rules } of this.chains.values()) {
      chain.name = name;
      chain.policy = policy;
      chain.load(rules);
    }
    table.users = new Map([...this.chains.values()].filter((c) => !c.chain.builtIn).map((c) => [c.name, c.chain]));
    for (const change of this.counterChanges) change();
    table.used = true;
    table.attach();
  }
}
