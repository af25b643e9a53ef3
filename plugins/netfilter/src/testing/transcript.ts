/**
 * testing/transcript.ts — command lines and what iptables answered, as a text that people can read:
 *
 *      $ iptables -A INPUT -m nope      a line that was typed
 *      < COMMIT                         a line that it read on standard input
 *        Couldn't load match `nope'     a line that it wrote, behind two blanks
 *      = 2                              its exit status, when not 0
 *      # …                              for people
 */
import type { Typed } from './netfilter-lab.ts';

export interface Entry extends Typed {
  readonly line: string;
  readonly input: string;
  /** Lines for people in front of it. */
  readonly comment: string;
}

/** Times may differ, and what is drawn by lot: how a hash begins, which decides the order of its elements and the room they take. */
function steady(output: string): string {
  return (
    output
      .replace(/^(# (?:Generated|Completed).* on) .*$/gm, '$1 DATE')
      .replace(/^((?:ipv4 +2 )?\w+ +\d+) \d+ (?=.*src=)/gm, '$1 SECONDS ')
      .replace(/\buse=\d+/g, 'use=N')
      .replace(/ -t \d+(?= -[spu])/g, ' -t SECONDS')
      .replace(/<(use|timeout|id)>\d+<\/\1>/g, '<$1>N</$1>')
      .replace(/(?:^(?:-A -t|(?:ipv4 +2 )?\S+ +\d+) SECONDS .*$\n?){2,}/gm, sortLines)
      .replace(/initval 0x[0-9a-f]{8}/g, 'initval LOT')
      .replace(/^Size in memory: \d+$/gm, 'Size in memory: SIZE')
      .replace(/^((?:add \S+ )?[\w.:,/-]+ timeout )[1-9]\d*/gm, '$1TIME')
      .replace(/(?:^(?:add \S+ )?\d+(?:\..*)?$\n?){2,}/gm, sortLines)
      // It comes by another stream than the rest.
      .replace(
        /^(conntrack v[\d.]+ .* have been .*\n)([\s\S]+)$/,
        (_, count: string, rest: string) => `${rest.replace(/\n+$/, '')}\n${count}`,
      )
      .replace(/\n+$/, '')
  );
}

function sortLines(lines: string): string {
  return `${lines.trimEnd().split('\n').sort().join('\n')}\n`;
}

export function readTranscript(text: string): Entry[] {
  const entries: { line: string; input: string; output: string; status: number; comment: string }[] = [];
  let comment = '';
  for (const line of text.split('\n')) {
    const entry = entries[entries.length - 1];
    if (line.startsWith('$ ')) {
      entries.push({ line: line.slice(2), input: '', output: '', status: 0, comment });
      comment = '';
    } else if (line.startsWith('# ')) comment += `${line}\n`;
    else if (line.startsWith('< ')) entry.input += `${line.slice(2)}\n`;
    else if (line === '<') entry.input += '\n';
    else if (line.startsWith('= ')) entry.status = Number(line.slice(2));
    else if (line.startsWith('  ')) entry.output += `${line.slice(2)}\n`;
  }
  return entries.map((e) => ({ ...e, output: steady(e.output) }));
}

export function formatTranscript(entries: readonly Entry[]): string {
  return entries
    .map(({ line, input, output, status, comment }) => {
      const lines = (text: string, mark: string): string =>
        (text === '' ? '' : text.replace(/\n$/, '').replace(/^/gm, mark)) + (text === '' ? '' : '\n');
      return `${comment}$ ${line}\n${lines(input, '< ')}${lines(steady(output), '  ')}${status === 0 ? '' : `= ${status}\n`}`;
    })
    .join('');
}

/** What was typed, with other answers. */
export function answered(entries: readonly Entry[], answers: readonly Typed[]): Entry[] {
  return entries.map((entry, i) => ({ ...entry, status: answers[i].status, output: steady(answers[i].output) }));
}
