/** system-error.ts — what the system said about a file, in one line. */
import { getSystemErrorMap } from 'node:util';
import { CommandError } from '@packetwalk/framework';

const texts: ReadonlyMap<string, string> = new Map(getSystemErrorMap().values());

/** `no such file or directory`: by the code, since the runtimes word their messages differently. */
export function systemReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return texts.get(code ?? '') ?? message;
}

/** Runs `work`; what it throws becomes `cannot DO FILE: reason`. */
export function attempt<T>(doing: string, file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new CommandError(`cannot ${doing} ${file}: ${systemReason(error)}`);
  }
}
