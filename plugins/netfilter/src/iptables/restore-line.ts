/** iptables/restore-line.ts — one line of an iptables-restore text (cf. iptables' xtables-restore.c). */
import { XtProblem } from '@packetwalk/framework';

export interface ChainLine {
  readonly kind: 'chain';
  readonly name: string;
  readonly policy: string;
  readonly packets: number;
  readonly bytes: number;
}

export type RestoreLine =
  | { readonly kind: 'blank' | 'commit' }
  | { readonly kind: 'table'; readonly name: string }
  | ChainLine
  | { readonly kind: 'rule'; readonly words: readonly string[]; readonly counters: readonly [number, number] | null };

/** Reads a line; `inTable`: it is between `*table` and `COMMIT`. Throws XtProblem; null: no such line can be here. */
export function readRestoreLine(line: string, number: number, inTable: boolean): RestoreLine | null {
  if (line.trim() === '' || line.startsWith('#')) return { kind: 'blank' };
  if (!inTable) return line.startsWith('*') ? { kind: 'table', name: line.slice(1).trim().split(/\s/)[0] } : null;
  if (line.trimEnd() === 'COMMIT') return { kind: 'commit' };
  if (line.startsWith(':')) return chainLine(line, number);
  const counters = /^\[(\d+):(\d+)\]\s*/.exec(line);
  if (line.startsWith('[') && counters === null) throw new XtProblem(`Bad line ${number}: need ]`);
  const text = counters === null ? line : line.slice(counters[0].length);
  return { kind: 'rule', words: splitRestoreWords(text), counters: counters === null ? null : [Number(counters[1]), Number(counters[2])] };
}

function chainLine(line: string, number: number): ChainLine {
  const [name, policy, counters] = line.slice(1).trim().split(/\s+/);
  if (name === '') throw new XtProblem(`iptables-restore: line ${number} chain name invalid`);
  if (policy === undefined) throw new XtProblem(`iptables-restore: line ${number} policy invalid`);
  const count = /^\[(\d+):(\d+)\]/.exec(counters ?? '');
  return { kind: 'chain', name, policy, packets: Number(count?.[1] ?? 0), bytes: Number(count?.[2] ?? 0) };
}

/** Splits at blanks; `"` keeps them, and in it `\` takes what follows as it is. */
function splitRestoreWords(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (quoted && c === '\\' && i + 1 < line.length) {
      word += line[++i];
    } else if (quoted && c !== '"') {
      word += c;
    } else if (c === '"') {
      if (quoted) {
        words.push(word);
        word = '';
      }
      quoted = !quoted;
    } else if (c === ' ' || c === '\t') {
      if (word !== '') words.push(word);
      word = '';
    } else {
      word += c;
    }
  }
  if (word !== '') words.push(word);
  return words;
}
