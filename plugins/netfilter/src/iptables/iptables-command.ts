/** iptables/iptables-command.ts — the command `iptables`. */
import { type Command, type CommandIo, XT_RESOURCE_PROBLEM, XT_VERSION_PROBLEM, XtProblem } from '@packetwalk/framework';
import type { IpTable } from '../ip-table.ts';
import { TableDraft, TableOpError } from '../table-draft.ts';
import { change } from './change.ts';
import { AskedFor, type CommandLine, readCommandLine } from './command-line.ts';
import type { IptablesContext } from './context.ts';
import { IPTABLES_HELP } from './help.ts';
import { NoSuchThing, problemText, tableOpText, VERSION } from './problem.ts';
import { show, UnknownChain } from './show.ts';

const PROGRAM = 'iptables';

export function iptablesCommand(context: IptablesContext): Command {
  return {
    name: PROGRAM,
    summary: 'Show and change the rules of the packet filter',
    usage: IPTABLES_HELP,
    run(args, io) {
      try {
        const line = readCommandLine(args, { xtables: context.xtables });
        for (const warning of line.warnings) io.err(`${warning}\n`);
        const table = context.tables.table(line.table);
        if (table === undefined) throw new XtProblem(`table '${line.table}' does not exist`, XT_VERSION_PROBLEM);
        perform(line, table, io);
        return 0;
      } catch (error) {
        return refuse(context, error, io);
      }
    },
  };
}

/** A listing first, then what changes the table: `-L -Z` shows what it zeroes. */
function perform(line: CommandLine, table: IpTable, io: CommandIo): void {
  for (const command of line.commands) if (command === 'L' || command === 'S') io.out(show(command, line, table));
  const changes = line.commands.filter((c) => c !== 'L' && c !== 'S');
  if (changes.length === 0) return;
  const draft = new TableDraft(table);
  try {
    for (const command of changes) change(command, line, { draft, lineNumber: 0, origin: '', say: (text) => io.out(text) });
    draft.check();
  } catch (error) {
    draft.abandon();
    throw error;
  }
  draft.commit();
}

/** Says what was wrong; the exit status. */
function refuse({ net }: IptablesContext, error: unknown, io: CommandIo): number {
  if (error instanceof AskedFor) {
    io.out(error.what === 'help' ? IPTABLES_HELP : `${PROGRAM} ${VERSION}\n`);
    return 0;
  }
  if (error instanceof XtProblem) {
    io.err(problemText(PROGRAM, error));
    return error.status;
  }
  if (error instanceof TableOpError) {
    net.log.info(`${PROGRAM}: ${error.reason}`);
    io.err(tableOpText(PROGRAM, error));
    return XT_RESOURCE_PROBLEM;
  }
  if (!(error instanceof NoSuchThing)) throw error;
  io.err(error instanceof UnknownChain ? `${PROGRAM} ${VERSION}: ${error.message}.\n` : `${PROGRAM}: ${error.message}.\n`);
  return 1;
}
