/** ipset/ipset-restore.ts — a text as `ipset save` writes it: commands, a line each. */
import type { CommandIo } from '@packetwalk/framework';
import type { IpSets } from './ip-sets.ts';
import { IpsetError } from './ipset-error.ts';
import { readIpsetLine, runIpsetLine } from './ipset-line.ts';

/** Words of a line; what stands in double quotes is one. */
export function restoreWords(line: string): string[] {
  return (line.match(/"[^"]*"?|[^\s"]+/g) ?? []).map((word) => (word.startsWith('"') ? word.replace(/^"|"$/g, '') : word));
}

/**
 * Does what the lines say, one after the other. `wrong` hears of a line, from 1, that cannot be done; what it returns says
 * whether to go on. Lines before a wrong one count.
 */
export function restoreSets(
  sets: IpSets,
  text: string,
  exist: boolean,
  io: Pick<CommandIo, 'out' | 'err'>,
  wrong: (line: number, error: IpsetError) => boolean,
): void {
  for (const [i, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    try {
      const read = readIpsetLine(restoreWords(line));
      runIpsetLine(sets, exist ? { ...read, exist } : read, io);
    } catch (error) {
      if (!(error instanceof IpsetError)) throw error;
      if (!wrong(i + 1, error)) return;
    }
  }
}
