/** iptables/restore-command.ts — the command `iptables-restore`. */
import { type Command, type CommandIo, type Net, XT_RESOURCE_PROBLEM, XtProblem } from '@packetwalk/framework';
import { TableOpError } from '../table-draft.ts';
import type { IptablesContext } from './context.ts';
import { Getopt, type LongOption } from './getopt.ts';
import { RESTORE_HELP } from './help.ts';
import { NoSuchThing, problemText, tableOpText, VERSION } from './problem.ts';
import { type RestoreError, restore } from './restore.ts';

const PROGRAM = 'iptables-restore';

const LONG: readonly LongOption<string>[] = [
  { name: 'counters', argument: 'none', id: 'c' },
  { name: 'verbose', argument: 'none', id: 'v' },
  { name: 'version', argument: 'none', id: 'V' },
  { name: 'test', argument: 'none', id: 't' },
  { name: 'help', argument: 'none', id: 'h' },
  { name: 'noflush', argument: 'none', id: 'n' },
  { name: 'modprobe', argument: 'required', id: 'M' },
  { name: 'table', argument: 'required', id: 'T' },
  { name: 'wait', argument: 'optional', id: 'w' },
  { name: 'wait-interval', argument: 'optional', id: 'W' },
];

export function iptablesRestoreCommand(context: IptablesContext): Command {
  return {
    name: PROGRAM,
    summary: 'Set the rules from a text, all of it or nothing',
    usage: RESTORE_HELP,
    run: (args, io) => run(context, args, io),
  };
}

function run(context: IptablesContext, args: readonly string[], io: CommandIo): number {
  const getopt = new Getopt<string>(args, 'chnvVtM:T:w::W::');
  const given = new Set<string>();
  let only: string | undefined;
  for (let p = getopt.next(LONG); p !== null; p = getopt.next(LONG)) {
    if (p.kind === 'unknown' || p.kind === 'missing-argument') {
      io.err(`${PROGRAM}: invalid option -- '${p.text.slice(1)}'\nTry \`${PROGRAM} -h' for more information.\n`);
      return 1;
    }
    if (p.kind === 'word') {
      io.err('Unknown arguments found on commandline\n');
      return 1;
    }
    const letter = p.kind === 'short' ? p.letter : p.option.id;
    given.add(letter);
    if (letter === 'T') only = p.argument;
    if (letter === 'w' || letter === 'W') getopt.takeWord();
  }
  if (given.has('h') || given.has('V')) {
    io.out(given.has('h') ? RESTORE_HELP : `${PROGRAM} ${VERSION}\n`);
    return 0;
  }
  let status = 0;
  const options = {
    keep: given.has('n'),
    counters: given.has('c'),
    test: given.has('t'),
    origin: () => '',
    say: (text: string) => io.out(text),
    ...(only === undefined ? {} : { only }),
  };
  if (given.has('v')) for (const line of io.input.split('\n')) if (line.startsWith('#')) io.out(`${line}\n`);
  restore(context.tables, context.xtables, io.input, options, (error) => {
    status = report(context.net, error, io);
    return false;
  });
  return status;
}

/** Says what was wrong; the exit status. */
function report(net: Net, { number, problem, message }: RestoreError, io: CommandIo): number {
  if (problem instanceof XtProblem) {
    io.err(problemText(PROGRAM, problem, number));
    return problem.status;
  }
  if (problem instanceof TableOpError) {
    net.log.info(`${PROGRAM}: line ${number}: ${problem.reason}`);
    io.err(tableOpText(PROGRAM, problem));
    return XT_RESOURCE_PROBLEM;
  }
  io.err(problem instanceof NoSuchThing ? `${PROGRAM}: line ${number} failed: ${message}.\n` : `${PROGRAM}: ${message}\n`);
  return 1;
}
