/**
 * iptables/restore.ts — an iptables-restore text becomes the rule set: all of it, or nothing when anything in it is wrong
 * (cf. iptables' xtables-restore.c, which commits table by table).
 */
import { NF_ACCEPT, NF_DROP, type Xtables, XtProblem } from '@packetwalk/framework';
import { MAX_CHAIN_NAME } from '../chain.ts';
import type { IpTables } from '../ip-tables.ts';
import { TableDraft, TableOpError } from '../table-draft.ts';
import { change } from './change.ts';
import { type CommandLine, readCommandLine } from './command-line.ts';
import { NoSuchThing } from './problem.ts';
import { type ChainLine, readRestoreLine } from './restore-line.ts';

export interface RestoreOptions {
  /** What the tables hold stays, and the text adds to it (-n). */
  readonly keep: boolean;
  /** Take the counters over (-c). */
  readonly counters: boolean;
  /** Only this table (-T). */
  readonly only?: string;
  /** Check only (-t). */
  readonly test: boolean;
  /** Where line `number`, from 1, is written; for the rules it makes. */
  readonly origin: (number: number) => string;
  /** What `-v` in a line says. */
  readonly say: (text: string) => void;
}

/** Something is wrong with line `number`, from 1. */
export class RestoreError extends Error {
  override readonly name = 'RestoreError';
  readonly number: number;
  /** XtProblem, NoSuchThing, TableOpError; null: such a line cannot be there, or a COMMIT is missing. */
  readonly problem: XtProblem | NoSuchThing | TableOpError | null;

  constructor(number: number, problem: RestoreError['problem'], message: string) {
    super(message);
    this.number = number;
    this.problem = problem;
  }
}

/**
 * Reads the text, checks it, and commits it when all is right. `wrong` hears of each line that is not; what it returns
 * says whether to read on, to find more of them.
 */
export function restore(
  tables: IpTables,
  xtables: Xtables,
  text: string,
  options: RestoreOptions,
  wrong: (error: RestoreError) => boolean,
): void {
  new Restore(tables, xtables, options, wrong).run(text);
}

class Restore {
  private readonly tables: IpTables;
  private readonly xtables: Xtables;
  private readonly options: RestoreOptions;
  private readonly wrong: (error: RestoreError) => boolean;
  private readonly drafts = new Map<string, TableDraft>();
  /** The table between `*table` and `COMMIT`. */
  private draft: TableDraft | null = null;
  /** In a table that is not wanted: its lines are passed over. */
  private skipping = false;
  private failed = false;

  constructor(tables: IpTables, xtables: Xtables, options: RestoreOptions, wrong: (error: RestoreError) => boolean) {
    this.tables = tables;
    this.xtables = xtables;
    this.options = options;
    this.wrong = wrong;
  }

  run(text: string): void {
    const lines = text.split('\n');
    for (const [i, line] of lines.entries()) {
      const problem = this.attempt(i + 1, () => this.line(line, i + 1));
      if (problem !== null && !this.refuse(problem)) break;
    }
    if (this.draft !== null && !this.failed) {
      const end = text.endsWith('\n') ? lines.length : lines.length + 1;
      this.refuse(new RestoreError(end, null, `COMMIT expected at line ${end}`));
    }
    for (const draft of this.drafts.values()) {
      if (this.failed || this.options.test) draft.abandon();
      else draft.commit();
    }
  }

  private attempt(number: number, work: () => void): RestoreError | null {
    try {
      work();
      return null;
    } catch (error) {
      if (error instanceof RestoreError) return error;
      if (error instanceof TableOpError) return new RestoreError(error.op.line, error, error.message);
      if (error instanceof XtProblem || error instanceof NoSuchThing) return new RestoreError(number, error, error.message);
      throw error;
    }
  }

  private refuse(error: RestoreError): boolean {
    this.failed = true;
    return this.wrong(error);
  }

  private line(line: string, number: number): void {
    if (this.skipping) {
      this.skipping = line.trimEnd() !== 'COMMIT';
      return;
    }
    const read = readRestoreLine(line, number, this.draft !== null);
    if (read === null) throw new RestoreError(number, null, `line ${number} failed`);
    switch (read.kind) {
      case 'blank':
        break;
      case 'commit': {
        const draft = this.draft as TableDraft;
        this.draft = null;
        draft.check();
        break;
      }
      case 'table':
        this.begin(read.name, number);
        break;
      case 'chain':
        this.chain(this.draft as TableDraft, read, number);
        break;
      case 'rule':
        this.rule(this.draft as TableDraft, read.words, read.counters, number);
        break;
    }
  }

  private begin(name: string, number: number): void {
    if (this.options.only !== undefined && this.options.only !== name) {
      this.skipping = true;
      return;
    }
    const table = this.tables.table(name);
    if (table === undefined) throw new XtProblem(`iptables-restore: line ${number} table name '${name}' invalid`);
    const draft = this.drafts.get(name) ?? new TableDraft(table);
    this.drafts.set(name, draft);
    if (!this.options.keep) draft.clear();
    this.draft = draft;
  }

  private chain(draft: TableDraft, { name, policy, packets, bytes }: ChainLine, number: number): void {
    if (name.length > MAX_CHAIN_NAME) throw new XtProblem(`Invalid chain name \`${name}' (${MAX_CHAIN_NAME} chars max)`);
    if (draft.table.hookOf(name) !== undefined) {
      const chain = draft.chain(name);
      if (chain === undefined) return;
      if (policy !== 'ACCEPT' && policy !== 'DROP') throw new RestoreError(number, new NoSuchThing('Bad policy name'), 'Bad policy name');
      chain.policy = policy === 'ACCEPT' ? NF_ACCEPT : NF_DROP;
      draft.countPolicy(chain, this.options.counters ? packets : 0, this.options.counters ? bytes : 0);
      return;
    }
    const known = draft.chains.get(name);
    if (known === undefined) draft.newChain(name);
    else draft.flush(known);
  }

  private rule(draft: TableDraft, words: readonly string[], counters: readonly [number, number] | null, number: number): void {
    const read = readCommandLine(words, { xtables: this.xtables, restoring: draft.table.name });
    const [packets, bytes] = this.options.counters && counters !== null ? counters : [read.packets, read.bytes];
    const line: CommandLine = { ...read, packets, bytes };
    for (const command of line.commands) {
      change(command, line, { draft, lineNumber: number, origin: this.options.origin(number), say: this.options.say });
    }
  }
}
