/** iptables/save-command.ts — the command `iptables-save`. */
import type { Command } from '@packetwalk/framework';
import type { IptablesContext } from './context.ts';
import { Getopt, type LongOption } from './getopt.ts';
import { SAVE_HELP } from './help.ts';
import { VERSION } from './problem.ts';
import { saveTable } from './save.ts';

const LONG: readonly LongOption<string>[] = [
  { name: 'counters', argument: 'none', id: 'c' },
  { name: 'dump', argument: 'none', id: 'd' },
  { name: 'help', argument: 'none', id: 'h' },
  { name: 'modprobe', argument: 'required', id: 'M' },
  { name: 'table', argument: 'required', id: 't' },
  { name: 'version', argument: 'none', id: 'V' },
];

export function iptablesSaveCommand({ net, tables }: IptablesContext): Command {
  return {
    name: 'iptables-save',
    summary: 'Write the rules as a text that iptables-restore reads',
    usage: SAVE_HELP,
    run(args, io) {
      const getopt = new Getopt<string>(args, 'cdhM:t:V');
      let counters = false;
      let name: string | undefined;
      for (let p = getopt.next(LONG); p !== null; p = getopt.next(LONG)) {
        if (p.kind === 'unknown' || p.kind === 'missing-argument') {
          io.err(`iptables-save: invalid option -- '${p.text.slice(1)}'\nLook at manual page \`iptables-save.8' for more information.\n`);
          return 1;
        }
        if (p.kind === 'word') {
          io.err('Unknown arguments found on commandline\n');
          return 1;
        }
        const letter = p.kind === 'short' ? p.letter : p.option.id;
        if (letter === 'h' || letter === 'V') {
          io.out(letter === 'h' ? SAVE_HELP : `iptables-save ${VERSION}\n`);
          return 0;
        }
        if (letter === 'c') counters = true;
        else if (letter === 't') name = p.argument;
      }
      if (name !== undefined && tables.table(name) === undefined) {
        io.err(`Table \`${name}' does not exist\n`);
        return 1;
      }
      for (const table of tables.all()) {
        if (name === undefined ? table.used : table.name === name) io.out(saveTable(table, counters, net.softirq.clock.wallClock()));
      }
      return 0;
    },
  };
}
