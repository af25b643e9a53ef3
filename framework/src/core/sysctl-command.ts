/** core/sysctl-command.ts — `sysctl`: reads and writes settings (sysctl(8), procps). */
import type { Command } from '../command.ts';
import { CommandError } from '../errors.ts';
import type { SysctlTree } from '../sysctl.ts';

const USAGE = `Usage: sysctl [options] [variable[=value] ...]
Options:
  -a        show all variables
  -e        ignore unknown variables
  -n        print values only
  -q        do not print what was set
  -w        set variables
`;

export function sysctlCommand(tree: SysctlTree): Command {
  return {
    name: 'sysctl',
    summary: 'show and change settings',
    usage: USAGE,
    run(args, io) {
      const options = new Set<string>();
      const words: string[] = [];
      for (const arg of args) {
        if (/^-[aenqw]+$/.test(arg)) for (const o of arg.slice(1)) options.add(o);
        else if (arg === '-h' || arg === '--help') {
          io.out(USAGE);
          return 0;
        } else if (arg.startsWith('-')) throw new CommandError(`sysctl: invalid option -- '${arg.replace(/^-+/, '')}'\n${USAGE.trimEnd()}`);
        else words.push(arg);
      }
      // `name = value` may come as three words.
      const settings = options.has('a')
        ? tree.names()
        : words
            .join(' ')
            .replace(/\s*=\s*/g, '=')
            .split(/ (?=[\w./-]+(?:=|$| ))/);
      if (settings.length === 0 || settings[0] === '') throw new CommandError(`sysctl: no variables specified\n${USAGE.trimEnd()}`);
      let status = 0;
      for (const setting of settings) {
        const eq = setting.indexOf('=');
        const name = (eq < 0 ? setting : setting.slice(0, eq)).trim();
        if (eq < 0 && options.has('w')) {
          io.err('sysctl: command line(0): invalid syntax, continuing...\n');
          status = 1;
          continue;
        }
        try {
          if (eq >= 0) tree.set(name, setting.slice(eq + 1));
          if (eq < 0 || !options.has('q')) {
            const shown = name.includes('/') && !name.includes('.') ? name.replaceAll('/', '.') : name;
            // What was typed is shown, not what it became.
            const value = eq >= 0 ? setting.slice(eq + 1) : tree.get(name);
            io.out(options.has('n') ? `${value}\n` : `${shown} = ${value}\n`);
          }
        } catch (error) {
          if (!(error instanceof CommandError)) throw error;
          if (options.has('e') && error.message.includes('No such file')) continue;
          io.err(`${error.message}\n`);
          status = 1;
        }
      }
      return status;
    },
  };
}
