/** command/restore.ts — a text of ebtables-save becomes tables: all of it, or nothing. */
import { type Ebtables, EbtProblem } from '@packetwalk/framework';
import { KernelRefusal, NO_CHAIN, NoSuchThing, TableDraft } from '../table-draft.ts';
import type { EbtTables } from '../tables.ts';
import { change } from './change.ts';
import { policyOf, readCommandLine } from './command-line.ts';

export interface RestoreOptions {
  /** Tables keep what they have. */
  readonly keep: boolean;
  /** Where a line stands, for walks. */
  origin(line: number): string;
  warn(text: string): void;
}

/** A line that is wrong. */
export interface RestoreError {
  /** From 1. */
  readonly line: number;
  readonly problem: EbtProblem;
}

/**
 * Restores. @param onError is told of each wrong line; false: the rest is not looked at. True when everything was right: only
 * then has anything changed.
 */
export function restore(
  tables: EbtTables,
  ebtables: Ebtables,
  text: string,
  options: RestoreOptions,
  onError: (error: RestoreError) => boolean,
): boolean {
  const drafts = new Map<string, TableDraft>();
  const state: State = { draft: null };
  let failed = false;
  for (const [i, raw] of text.split('\n').entries()) {
    const line = i + 1;
    try {
      readLine(raw.trim(), line, tables, ebtables, options, drafts, state);
    } catch (error) {
      if (!(error instanceof EbtProblem)) throw error;
      failed = true;
      if (!onError({ line, problem: error })) return false;
    }
  }
  for (const draft of drafts.values()) {
    try {
      draft.check('RULE_APPEND');
    } catch (error) {
      if (!(error instanceof KernelRefusal)) throw error;
      failed = true;
      if (!onError({ line: error.line, problem: error })) return false;
    }
  }
  if (failed) return false;
  for (const draft of drafts.values()) draft.commit();
  return true;
}

interface State {
  /** The table that lines are about. */
  draft: TableDraft | null;
}

function readLine(
  text: string,
  line: number,
  tables: EbtTables,
  ebtables: Ebtables,
  { keep, origin, warn }: RestoreOptions,
  drafts: Map<string, TableDraft>,
  state: State,
): void {
  if (text === '' || text.startsWith('#') || text === 'COMMIT') return;
  if (text.startsWith('*')) {
    const name = text.slice(1).trim();
    const table = tables.table(name);
    if (table === undefined) throw new EbtProblem(`ebtables-restore: line ${line} table name '${name}' invalid`);
    const draft = drafts.get(name) ?? new TableDraft(table);
    drafts.set(name, draft);
    if (!keep) draft.reset();
    state.draft = draft;
    return;
  }
  const { draft } = state;
  if (draft === null) throw new NoSuchThing(NO_CHAIN);
  if (text.startsWith(':')) {
    const [name, policy] = text.slice(1).trim().split(/\s+/);
    if (name === '') throw new EbtProblem(`ebtables-restore: line ${line} chain name invalid`);
    if (policy === undefined) throw new EbtProblem(`ebtables-restore: line ${line} policy invalid`);
    const value = policyOf(policy);
    const there = draft.find(name);
    if (there === undefined) draft.create(name, value);
    else {
      draft.policy(name, value);
      if (!there.builtIn) draft.flush(name);
    }
    return;
  }
  // As ebtables-save -c has it.
  const counters = /^\[(\d+):(\d+)\]\s+/.exec(text);
  const words = splitLine(counters === null ? text : text.slice(counters[0].length));
  if (counters !== null) words.push('-c', counters[1], counters[2]);
  const command = readCommandLine(words, ebtables, warn);
  if (command.operation === 'L') throw new EbtProblem('Command and option do not match');
  change(command, draft, ebtables, { origin: origin(line), line }, false);
}

/** Splits at blanks; `"` keeps them, and in it `\` takes what follows as it is. */
function splitLine(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (c === '"') {
      quoted = !quoted;
      word ??= '';
    } else if (quoted && c === '\\' && i + 1 < line.length) word = (word ?? '') + line[++i];
    else if (!quoted && (c === ' ' || c === '\t')) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + c;
  }
  if (word !== null) words.push(word);
  return words;
}
