/** ipset/ipset-command.ts — the command `ipset` (cf. ipset's src/ipset.c). */
import type { Command } from '@packetwalk/framework';
import type { IpSets } from './ip-sets.ts';
import { IPSET_VERSION, IpsetError } from './ipset-error.ts';
import { IPSET_HELP } from './ipset-help.ts';
import { readIpsetLine, runIpsetLine } from './ipset-line.ts';
import { restoreSets } from './ipset-restore.ts';

export function ipsetCommand(sets: IpSets): Command {
  return {
    name: 'ipset',
    summary: 'Show and change sets of addresses, networks and ports',
    usage: IPSET_HELP,
    run(args, io) {
      const quiet = args.some((arg) => arg === '-q' || arg === '-quiet' || arg === '--quiet');
      const refuse = (error: unknown, where = ''): number => {
        if (!(error instanceof IpsetError)) throw error;
        if (!quiet)
          io.err(
            `ipset ${IPSET_VERSION}: ${where}${error.message}\n${error.status === 2 ? "Try `ipset help' for more information.\n" : ''}`,
          );
        return error.status;
      };
      try {
        const line = readIpsetLine(args);
        switch (line.command) {
          case 'help':
            io.out(IPSET_HELP);
            return 0;
          case 'version':
            io.out(`ipset ${IPSET_VERSION}, protocol version: 7\n`);
            return 0;
          case 'restore': {
            let status = 0;
            restoreSets(sets, io.input, line.exist, io, (number, error) => {
              status = refuse(error, error.status === 1 ? `Error in line ${number}: ` : '');
              return false;
            });
            return status;
          }
          default:
            return runIpsetLine(sets, line, io);
        }
      } catch (error) {
        return refuse(error);
      }
    },
  };
}
