/** conntrack-tool/tool-error.ts — what the command says when it refuses (cf. conntrack-tools' exit_error). */
import { CommandError } from '@packetwalk/framework';

/** Whose words and exit statuses these are. */
export const TOOL = 'conntrack v1.4.7 (conntrack-tools)';

/** The command line is wrong: exit status 2, and where to read more. */
export function wrongUse(text: string): CommandError {
  return new CommandError(`${TOOL}: ${text}\nTry \`conntrack -h' or 'conntrack --help' for more information.`, 2);
}

/** It cannot be done: exit status 1. */
export function failed(text: string): CommandError {
  return new CommandError(`${TOOL}: Operation failed: ${text}`, 1);
}
