/** nettools/netstat-command.ts — `netstat -r` and `-i`: routes and interfaces (netstat(8)). */
import { type Command, CommandError } from '@packetwalk/framework';
import type { Ipv4Route } from '../route.ts';
import { cacheText } from './cache-table.ts';
import { interfaceTable } from './interface-table.ts';
import { type RouteColumns, routeText } from './route-table.ts';
import { tableOptions } from './table-options.ts';

const USAGE = `usage: netstat [-vWeenNCF] -r        netstat {-h|--help}
       netstat [-vWeenNa] -i

        -r, --route              display routing table
        -i, --interfaces         display interface table

        -n, --numeric            don't resolve names
        -e, --extend             display other/more information
        -a, --all                display interfaces that are down, too
        -F, --fib                display the routing table (default)
        -C, --cache              display routing cache instead
`;

export function netstatCommand(route: Ipv4Route): Command {
  return {
    name: 'netstat',
    summary: 'show routes and interfaces, the old way',
    usage: USAGE,
    run(args, io) {
      const { options, wrong } = tableOptions(args, 'ria');
      if (wrong !== '') throw new CommandError(`netstat: ${wrong}\n${USAGE.trimEnd()}`, 3);
      const { listings } = options;
      const wanted = ['r', 'i'].filter((letter) => listings.has(letter));
      if (options.help || wanted.length !== 1) throw new CommandError(USAGE.trimEnd(), 3);
      const [listing] = wanted;
      if (listing === 'i') io.out(interfaceTable(route.net, listings.has('a')));
      else {
        const columns: RouteColumns = options.extended === 0 ? 'netstat' : options.extended === 1 ? 'fib' : 'all';
        if (options.fib || !options.cache) io.out(routeText(route.fib, columns, options.numeric));
        if (options.cache) io.out(cacheText(route, columns));
      }
      return 0;
    },
  };
}
