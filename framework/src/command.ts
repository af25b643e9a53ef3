/**
 * command.ts — commands that people type: through the control socket, in scenarios, in a lab's script. Every command
 * comes from a plugin's `ctx.command`; a command of several words (`ip route`) is found by its own family's rules.
 */
import { CommandError } from './errors.ts';

/** Where a command writes, and what it was told besides its arguments. */
export interface CommandIo {
  /** Standard output; the text is written as it is, newlines included. */
  out(text: string): void;
  /**
   * Standard output for bytes; absent where only text can be shown. Copies them. False: the reader is behind and the bytes were
   * thrown away, which does not happen to those that `must` arrive.
   */
  outBytes?(bytes: Uint8Array, must: boolean): boolean;
  /** Standard error. */
  err(text: string): void;
  /** Options given before the object (`ip -j -s route`): `json`, `stats`, `details`, `oneline` … */
  readonly flags: ReadonlySet<string>;
  /** Aborted when the person interrupts; a command that waits must end then. */
  readonly signal: AbortSignal;
  /** Standard input, for commands that read it (`iptables-restore`). */
  readonly input: string;
}

export interface Command {
  /** `sysctl`, `ip route` … */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `help` prints, as the original tool does. */
  readonly usage: string;
  /**
   * Runs it. Returns the exit status, nothing for 0; throws CommandError for a refusal. A promise is for commands that
   * take router time (ping); all others act at once.
   */
  run(args: readonly string[], io: CommandIo): number | void | Promise<number | void>;
}

export class CommandRegistry {
  private readonly commands = new Map<string, Command>();

  /** Adds a command; returns its undo. */
  add(command: Command): () => void {
    if (this.commands.has(command.name)) throw new Error(`command ${command.name} is registered twice`);
    this.commands.set(command.name, command);
    return () => this.commands.delete(command.name);
  }

  get(name: string): Command | undefined {
    return this.commands.get(name);
  }

  /** Commands of a family, `ip` say: the names without the family's. */
  family(name: string): Map<string, Command> {
    const found = new Map<string, Command>();
    for (const c of this.commands.values()) if (c.name.startsWith(`${name} `)) found.set(c.name.slice(name.length + 1), c);
    return found;
  }

  /** All commands, sorted by name. */
  all(): Command[] {
    return [...this.commands.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Runs a command line. CommandErrors become text on standard error and an exit status; anything else is a fault of
   * the command and goes on to the caller.
   */
  run(argv: readonly string[], io: CommandIo): number | Promise<number> {
    const command = argv.length === 0 ? undefined : this.commands.get(argv[0]);
    if (command === undefined) {
      io.err(`packetwalk: unknown command "${argv[0] ?? ''}"\n`);
      return 127;
    }
    const refused = (error: unknown): number => {
      if (!(error instanceof CommandError)) throw error;
      if (error.message !== '') io.err(`${error.message}\n`);
      return error.status;
    };
    try {
      const result = command.run(argv.slice(1), io);
      if (result instanceof Promise) return result.then((status) => status ?? 0, refused);
      return result ?? 0;
    } catch (error) {
      return refused(error);
    }
  }
}

/**
 * Splits a command line into words as a shell does: blanks separate; quotes and backslashes keep. No variables, pipes
 * or patterns. Throws CommandError for a quote that does not end.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (quote !== '') {
      if (c === quote) quote = '';
      else if (c === '\\' && quote === '"' && i + 1 < line.length && '"\\$`'.includes(line[i + 1])) word += line[++i];
      else word += c;
    } else if (c === "'" || c === '"') {
      quote = c;
      word ??= '';
    } else if (c === '\\' && i + 1 < line.length) {
      word = (word ?? '') + line[++i];
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? '') + c;
    }
  }
  if (quote !== '') throw new CommandError(`unexpected end of line: ${quote} is not closed`);
  if (word !== null) words.push(word);
  return words;
}

/** A word as it must be typed to be one: the inverse of {@link splitWords}. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Collects what a command writes: for scenarios, tests and the control socket. */
export class BufferIo implements CommandIo {
  stdout = '';
  stderr = '';
  flags: ReadonlySet<string> = new Set();
  signal: AbortSignal = new AbortController().signal;
  input = '';

  out(text: string): void {
    this.stdout += text;
  }

  err(text: string): void {
    this.stderr += text;
  }
}
