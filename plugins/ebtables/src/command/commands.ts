/** command/commands.ts — the commands ebtables, ebtables-save and ebtables-restore. */
import { type Command, type CommandIo, type Ebtables, EbtProblem, type Net } from '@packetwalk/framework';
import type { Chain } from '../chain.ts';
import { KernelRefusal, NoSuchThing, TableDraft } from '../table-draft.ts';
import type { EbtTable, EbtTables } from '../tables.ts';
import { change } from './change.ts';
import { AskedFor, readCommandLine } from './command-line.ts';
import { EBTABLES_HELP } from './help.ts';
import { listTable } from './listing.ts';
import { type RestoreError, restore } from './restore.ts';
import { savedTable } from './save.ts';
import { VERSION } from './version.ts';

export interface EbtablesContext {
  readonly net: Net;
  readonly tables: EbtTables;
  readonly ebtables: Ebtables;
}

const TYPED = { origin: '', line: 0 };

/** There is no such table. */
const NO_TABLE = 3;
const PARAMETER_PROBLEM = 2;

export function ebtablesCommand({ tables, ebtables }: EbtablesContext): Command {
  return {
    name: 'ebtables',
    summary: 'Show and change the rules for bridged frames',
    usage: EBTABLES_HELP,
    run(args, io) {
      try {
        if (args.length === 0) throw new AskedFor('help');
        const line = readCommandLine(args, ebtables, (text) => io.err(text));
        const table = tables.table(line.table);
        if (table === undefined) throw new EbtProblem(`table '${line.table}' does not exist`, NO_TABLE);
        if (line.operation === 'L') {
          const options = { numbers: line.listNumbers, counters: line.listCounters };
          io.out(listTable(table, listedChains(table, line.chain), options));
          if (!line.zeroToo) return 0;
        }
        const draft = new TableDraft(table);
        change(line, draft, ebtables, TYPED);
        draft.commit();
        return 0;
      } catch (error) {
        return refuse(error, io);
      }
    },
  };
}

function listedChains(table: EbtTable, name: string): Chain[] {
  if (name === '') return table.listed();
  const chain = table.chain(name);
  if (chain === undefined) throw new EbtProblem(`chain \`${name}' in table \`${table.name}' is incompatible, use 'nft' tool.`, 1);
  return [chain];
}

/** Says what was wrong; the exit status. */
function refuse(error: unknown, io: CommandIo): number {
  if (error instanceof AskedFor) {
    io.out(error.what === 'help' ? EBTABLES_HELP : `ebtables ${VERSION}\n`);
    return 0;
  }
  if (!(error instanceof EbtProblem)) throw error;
  io.err(error instanceof NoSuchThing ? `ebtables: ${error.message}\n` : problemText('ebtables', error, 0));
  return error.status;
}

/** @param line of a text that was restored; 0: typed */
function problemText(program: string, { message, status }: EbtProblem, line: number): string {
  const where = line === 0 ? '' : `Error occurred at line: ${line}\n`;
  const hint =
    status === NO_TABLE
      ? `Perhaps ${program} or your kernel needs to be upgraded.\n`
      : status === PARAMETER_PROBLEM
        ? `Try \`${program} -h' or '${program} --help' for more information.\n`
        : '';
  return `${program} v${VERSION}: ${message}\n${where}${hint}`;
}

export function ebtablesSaveCommand({ net, tables }: EbtablesContext): Command {
  return {
    name: 'ebtables-save',
    summary: 'Write the rules for bridged frames as a text that ebtables-restore reads',
    usage: 'Usage: ebtables-save [-c] [-t TABLE]\n',
    run(args, io) {
      let counters = false;
      let only: string | undefined;
      for (let i = 0; i < args.length; i++) {
        const word = args[i];
        if (word === '-c' || word === '--counters') counters = true;
        else if ((word === '-t' || word === '--table') && i + 1 < args.length) only = args[++i];
        else if (word === '-V' || word === '--version') {
          io.out(`ebtables-save ${VERSION}\n`);
          return 0;
        } else {
          const what = word.startsWith('--') ? `unrecognized option '${word}'` : `invalid option -- '${word.slice(1, 2)}'`;
          io.err(
            word.startsWith('-')
              ? `ebtables-save: ${what}\nLook at manual page \`ebtables-save.8' for more information.\n`
              : 'Unknown arguments found on commandline\n',
          );
          return 1;
        }
      }
      if (only !== undefined && tables.table(only) === undefined) {
        io.err(`Table \`${only}' does not exist\n`);
        return 1;
      }
      for (const table of tables.all()) {
        if (only === undefined ? table.used : table.name === only) io.out(savedTable(table, counters, net.softirq.clock.wallClock()));
      }
      return 0;
    },
  };
}

export function ebtablesRestoreCommand({ tables, ebtables }: EbtablesContext): Command {
  return {
    name: 'ebtables-restore',
    summary: 'Read rules for bridged frames from a text: all of them, or none',
    usage: 'Usage: ebtables-restore [ --verbose ] [ --noflush ]\n',
    run(args, io) {
      let keep = false;
      for (const word of args) {
        if (word === '-n' || word === '--noflush') keep = true;
        else if (word !== '-v' && word !== '--verbose') {
          const what = word.startsWith('--') ? `unrecognized option '${word}'` : `invalid option -- '${word.slice(1, 2)}'`;
          io.err(`ebtables-restore: ${what}\nUsage: ebtables-restore [ --verbose ] [ --noflush ]\n`);
          return 1;
        }
      }
      let status = 0;
      const options = { keep, origin: () => '', warn: (text: string) => io.err(text) };
      restore(tables, ebtables, io.input, options, (error) => {
        status = error.problem.status;
        io.err(restoreText(error));
        return false;
      });
      return status;
    },
  };
}

function restoreText({ line, problem }: RestoreError): string {
  if (problem instanceof NoSuchThing || problem instanceof KernelRefusal) {
    return `ebtables-restore: line ${line} failed: ${problem.message.trim()}.\n`;
  }
  return problemText('ebtables-restore', problem, line);
}
