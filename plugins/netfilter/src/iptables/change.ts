/** iptables/change.ts — commands that change a table: -A -C -D -E -F -I -N -P -R -X -Z, done on a draft (cf. iptables' xtables.c do_commandx). */
import { NF_ACCEPT, NF_DROP } from '@packetwalk/framework';
import type { RuleSpec } from '../rule.ts';
import { ruleText } from '../rule-text.ts';
import { BUILT_IN_CHAINS } from '../table-def.ts';
import type { ChainDraft, TableDraft } from '../table-draft.ts';
import type { Command } from './command-letters.ts';
import type { CommandLine } from './command-line.ts';
import { ruleEcho } from './listing.ts';
import { NO_CHAIN, NoSuchThing } from './problem.ts';
import { resolveRules } from './resolve.ts';

const NO_RULE = 'Bad rule (does a matching rule exist in that chain?)';

/** What a change is made with. */
export interface ChangeContext {
  readonly draft: TableDraft;
  /** Line of a restored text, from 1; 0 for a command. */
  readonly lineNumber: number;
  /** Where the line is written, for the rules it makes. */
  readonly origin: string;
  /** What `-v` says. */
  readonly say: (text: string) => void;
}

/** Does one command; throws XtProblem, NoSuchThing or TableOpError, and the draft is of no use then. */
export function change(command: Command, line: CommandLine, context: ChangeContext): void {
  new Change(line, context).run(command);
}

class Change {
  private readonly line: CommandLine;
  private readonly context: ChangeContext;
  private readonly draft: TableDraft;

  constructor(line: CommandLine, context: ChangeContext) {
    this.line = line;
    this.context = context;
    this.draft = context.draft;
  }

  run(command: Command): void {
    const { line, draft } = this;
    switch (command) {
      case 'A': {
        const specs = this.specs();
        const chain = this.chain();
        for (const spec of specs) this.add(chain, chain.rules.length, spec);
        break;
      }
      case 'I': {
        const specs = this.specs();
        const chain = this.chain();
        if (line.rulenum > chain.rules.length + 1) throw new NoSuchThing('Index of insertion too big');
        for (const spec of specs) this.add(chain, line.rulenum - 1, spec);
        break;
      }
      case 'R': {
        const [spec] = this.specs();
        const chain = this.existing();
        if (line.rulenum > chain.rules.length) throw new NoSuchThing('Index of replacement too big');
        draft.replace(chain, line.rulenum - 1, spec, line.packets, line.bytes, this.context.lineNumber);
        this.echo(spec);
        break;
      }
      case 'D':
        this.delete();
        break;
      case 'DN': {
        const chain = this.existing();
        if (line.rulenum > chain.rules.length) throw new NoSuchThing('Index of deletion too big');
        draft.delete(chain, line.rulenum - 1);
        break;
      }
      case 'C':
        for (const spec of this.specs()) {
          if (find(this.existing(NO_RULE), spec) < 0) throw new NoSuchThing(NO_RULE);
          this.echo(spec);
        }
        break;
      default:
        this.runOnChains(command);
    }
  }

  private runOnChains(command: Command): void {
    const { line, draft } = this;
    switch (command) {
      case 'N':
        if (draft.chains.has(this.name) || draft.table.hookOf(this.name) !== undefined) throw new NoSuchThing('Chain already exists');
        draft.newChain(this.name);
        break;
      case 'X': {
        const all = line.chain === undefined;
        const chains = all ? this.users() : [this.existing()];
        for (const { name } of chains) this.say(`Deleting chain \`${name}'\n`);
        draft.deleteChains(all ? [...chains, ...this.idle()] : chains, this.context.lineNumber);
        break;
      }
      case 'E': {
        const chain = draft.chains.get(this.name);
        const taken = draft.chains.has(line.newName) || draft.table.hookOf(line.newName) !== undefined;
        if (taken) throw new NoSuchThing('File exists');
        if (chain === undefined || chain.chain.builtIn) throw new NoSuchThing(NO_CHAIN);
        draft.renameChain(chain, line.newName);
        break;
      }
      case 'F':
        for (const { name, chain } of this.meant()) {
          this.say(`Flushing chain \`${name}'\n`);
          if (chain !== undefined) draft.flush(chain);
        }
        break;
      case 'P':
        this.policy();
        break;
      case 'Z':
        for (const { name, chain } of this.meant()) {
          this.say(`Zeroing chain \`${name}'\n`);
          if (chain === undefined) continue;
          draft.countPolicy(chain, 0, 0);
          for (const { slot } of chain.rules) draft.setCounters(slot, 0, 0);
        }
        break;
      case 'ZN': {
        const rule = this.existing(NO_RULE).rules[line.rulenum - 1];
        if (rule !== undefined) draft.setCounters(rule.slot, 0, 0);
        break;
      }
    }
  }

  private add(chain: ChainDraft, index: number, spec: RuleSpec): void {
    const { line } = this;
    this.draft.insert(chain, index, spec, line.packets, line.bytes, this.context.lineNumber);
    this.echo(spec);
  }

  private delete(): void {
    for (const spec of this.specs()) {
      const chain = this.existing(NO_RULE);
      const index = find(chain, spec);
      if (index < 0) throw new NoSuchThing(NO_RULE);
      this.draft.delete(chain, index);
      this.echo(spec);
    }
  }

  private policy(): void {
    const { line, draft } = this;
    if (draft.table.hookOf(this.name) === undefined) throw new NoSuchThing('Bad built-in chain name');
    if (line.policy !== 'ACCEPT' && line.policy !== 'DROP') throw new NoSuchThing("Bad policy name. Run `dmesg' for more information");
    const chain = this.chain();
    chain.policy = line.policy === 'ACCEPT' ? NF_ACCEPT : NF_DROP;
    draft.countPolicy(chain, 0, 0);
  }

  private specs(): RuleSpec[] {
    return resolveRules(this.draft, this.line.rule, this.context.origin);
  }

  private get name(): string {
    return this.line.chain ?? '';
  }

  /** The chain that is meant; a built-in one is made. */
  private chain(): ChainDraft {
    const chain = this.draft.chain(this.name);
    if (chain === undefined) throw new NoSuchThing(NO_CHAIN);
    return chain;
  }

  private existing(otherwise = NO_CHAIN): ChainDraft {
    const chain = this.draft.chains.get(this.name);
    if (chain !== undefined) return chain;
    throw new NoSuchThing(this.draft.table.hookOf(this.name) === undefined ? NO_CHAIN : otherwise);
  }

  /** The one chain that is named, or all of a table that is in use; a built-in one may not be there yet. */
  private meant(): { name: string; chain: ChainDraft | undefined }[] {
    const { draft } = this;
    const { chain } = this.line;
    if (chain === undefined) {
      if (!draft.table.used) return [];
      const hooks = [...draft.table.def.hooks].sort((a, b) => a.hooknum - b.hooknum);
      const names = [...hooks.map(({ hooknum }) => BUILT_IN_CHAINS[hooknum]), ...this.users().map((c) => c.name)];
      return names.map((name) => ({ name, chain: draft.chains.get(name) }));
    }
    if (!draft.chains.has(chain) && draft.table.hookOf(chain) === undefined) throw new NoSuchThing(NO_CHAIN);
    return [{ name: chain, chain: draft.chains.get(chain) }];
  }

  /** Built-in chains that do nothing: -X takes them along, and packets are spared them. */
  private idle(): ChainDraft[] {
    return [...this.draft.chains.values()].filter((c) => c.chain.builtIn && c.rules.length === 0 && c.policy === NF_ACCEPT);
  }

  private users(): ChainDraft[] {
    return [...this.draft.chains.values()].filter((c) => !c.chain.builtIn).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private echo(spec: RuleSpec): void {
    if (this.line.verbose > 0) this.context.say(ruleEcho(spec));
  }

  private say(text: string): void {
    if (this.line.verbose > 0) this.context.say(text);
  }
}

/** The first rule of the chain that says what `spec` says; -1 when there is none. */
function find(chain: ChainDraft, spec: RuleSpec): number {
  const text = ruleText(spec);
  const { saddr, daddr } = spec.entry;
  return chain.rules.findIndex((rule) => rule.entry.saddr === saddr && rule.entry.daddr === daddr && ruleText(rule) === text);
}
