/** core/cat.ts — `cat`: files below /proc, sysctls under /proc/sys among them. */
import type { Command } from '../command.ts';
import { CommandError } from '../errors.ts';
import type { ProcFiles } from '../registries.ts';
import type { SysctlTree } from '../sysctl.ts';

const USAGE = `Usage: cat /proc/FILE...
Files: /proc/net/* of the plugins, and /proc/sys/* for the settings.
`;

export function catCommand(files: ProcFiles, sysctl: SysctlTree): Command {
  return {
    name: 'cat',
    summary: 'print files of /proc',
    usage: USAGE,
    run(args, io) {
      if (args.length === 0 || args[0] === '-h' || args[0] === '--help') {
        io.out(USAGE);
        return args.length === 0 ? 2 : 0;
      }
      let status = 0;
      for (const path of args) {
        const setting = /^\/proc\/sys\/(.+)$/.exec(path);
        try {
          if (setting === null) io.out(files.read(path.replace(/^\/proc\//, '')));
          else if (sysctl.find(setting[1]) !== undefined) io.out(`${sysctl.get(setting[1])}\n`);
          else throw new CommandError(`cat: ${path}: No such file or directory`);
        } catch (error) {
          if (!(error instanceof CommandError)) throw error;
          io.err(`cat: ${path}: No such file or directory\n`);
          status = 1;
        }
      }
      return status;
    },
  };
}
