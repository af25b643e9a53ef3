/**
 * errors.ts — what is wrong with a config or a command. Packets never throw: they have drop reasons.
 */

/** A place in a config: the path of keys and indexes from the root. */
export type ConfigPath = readonly (string | number)[];

/** A place in a text; both count from 1. */
export interface TextPosition {
  readonly line: number;
  readonly col: number;
}

/** One thing that is wrong with a config. */
export interface ConfigIssue {
  /** Stable word for tests and tools: `unknown-key`, `bad-value`, `duplicate` … */
  readonly code: string;
  readonly path: ConfigPath;
  readonly message: string;
  /** Offset into a multi-line value (line of an `iptables:` block), counted from 0; absent for the value itself. */
  readonly line?: number;
  /** Where it stands, when that is known better than by the path: a key, a mistake in the YAML itself. */
  readonly at?: TextPosition;
}

/** The config cannot be used; carries everything that was found wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    super(issues.map((i) => `${formatPath(i.path)}: ${i.message}`).join('\n'));
    this.issues = issues;
  }
}

/** `devices.eth1.mtu`, `routes[2]`. */
export function formatPath(path: ConfigPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w-]+$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `["${part}"]`;
  }
  return text;
}

/** A command was refused: the text goes to standard error as it is, the status is the command's. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly status: number;

  constructor(message: string, status = 1) {
    super(message);
    this.status = status;
  }
}
