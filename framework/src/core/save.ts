/** core/save.ts — `save`: the running router as a config. */
import type { Command } from '../command.ts';
import { CommandError } from '../errors.ts';
import { savedConfigText } from '../saved-config.ts';
import type { SaveRouter } from '../services/save-router.ts';

const USAGE = `Usage: save [ --json ]
Prints the running router as a config that makes the same router again: devices, addresses, routes, rules, settings and
what the plugins have been told meanwhile. What was learned or counted (neighbours, connections, counters) is not in it.
`;

export function saveCommand(router: SaveRouter): Command {
  return {
    name: 'save',
    summary: 'print the running router as a config',
    usage: USAGE,
    run(args, io) {
      const options = new Set(args);
      if (options.delete('-h') || options.delete('--help')) {
        io.out(USAGE);
        return;
      }
      const json = options.delete('--json') || io.flags.has('json');
      for (const unknown of options) throw new CommandError(`save: unknown option ${unknown}\n${USAGE.trimEnd()}`, 2);
      const config = router.save();
      io.out(json ? `${JSON.stringify(config)}\n` : savedConfigText(config));
    },
  };
}
