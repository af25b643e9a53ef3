/**
 * main.ts — the `packetwalk` command: own subcommands here, everything else is a router's command and goes to a running
 * one. Subcommands are imported when they are used, so that `--help` costs next to nothing.
 */
import { helpText } from './help.ts';
import { SUBCOMMANDS } from './subcommands.ts';
import { version } from './version.ts';

/** What a subcommand gets: its arguments, and the router that `-r` names. */
export interface Invocation {
  readonly args: readonly string[];
  readonly router: string | undefined;
}

async function main(argv: readonly string[]): Promise<number> {
  const rest = [...argv];
  let router: string | undefined;
  while (rest[0]?.startsWith('-')) {
    const option = rest.shift();
    if (option === '-h' || option === '--help') {
      process.stdout.write(helpText());
      return 0;
    }
    if (option === '-V' || option === '--version') {
      process.stdout.write(`packetwalk ${version()}\n`);
      return 0;
    }
    if (option !== '-r' && option !== '--router') return usage(`unknown option ${option}`);
    router = rest.shift();
    if (router === undefined) return usage(`${option} needs the name of a router`);
  }
  const [name, ...args] = rest;
  if (name === undefined) return usage('no command given');
  if (name === 'help') {
    process.stdout.write(helpText());
    return 0;
  }
  const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? await SUBCOMMANDS[name].load() : undefined;
  if (subcommand !== undefined) return subcommand({ args, router });
  const { sendCommand } = await import('./control-client.ts');
  return sendCommand({ argv: rest, router });
}

function usage(problem: string): number {
  process.stderr.write(`packetwalk: ${problem}; see packetwalk --help\n`);
  return 2;
}

// A reader that goes away (`packetwalk … | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await main(process.argv.slice(2));
