/** core/ip.ts — the `ip` command: options in front, then an object that some plugin supplies (ip(8)). */
import type { Command, CommandIo, CommandRegistry } from '../command.ts';
import { CommandError } from '../errors.ts';

/** Objects in the order iproute2 tries abbreviations in: `ip r` is route, `ip a` is address. */
const OBJECTS = [
  'address',
  'addrlabel',
  'maddress',
  'route',
  'rule',
  'neighbor',
  'neighbour',
  'ntable',
  'link',
  'tunnel',
  'monitor',
  'xfrm',
  'netns',
  'help',
];

/** Names under which plugins register, for objects that have several. */
const ALIASES: Record<string, string> = { address: 'addr', neighbor: 'neigh', neighbour: 'neigh', maddress: 'maddr' };

/** Options and the flag each sets; those with null are accepted and mean nothing here. */
const OPTIONS: Record<string, string | null> = {
  '-s': 'stats',
  '-stats': 'stats',
  '-statistics': 'stats',
  '-d': 'details',
  '-details': 'details',
  '-j': 'json',
  '-json': 'json',
  '-p': 'pretty',
  '-pretty': 'pretty',
  '-o': 'oneline',
  '-oneline': 'oneline',
  '-br': 'brief',
  '-brief': 'brief',
  '-N': 'numeric',
  '-Numeric': 'numeric',
  '-4': 'inet',
  '-n': null,
  '-c': null,
  '-color': null,
  '-c=never': null,
  '-h': 'human',
  '-iec': null,
};

export function ipCommand(commands: CommandRegistry): Command {
  const usage = (): string => {
    const objects = [...commands.family('ip').keys()].sort();
    return `Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\nwhere  OBJECT := { ${objects.join(' | ')} }\n       OPTIONS := { -s[tatistics] | -d[etails] | -j[son] | -p[retty] | -o[neline] | -br[ief] | -4 | -N[umeric] }\n`;
  };
  return {
    name: 'ip',
    summary: 'show and change addresses, links, neighbours, routes, rules',
    get usage() {
      return usage();
    },
    run(args, io) {
      const { words, flags } = takeOptions(args);
      const objects = commands.family('ip');
      const word = words[0];
      if (word === undefined || word === 'help') {
        io.err(usage());
        return 255;
      }
      const names = [...OBJECTS, ...[...objects.keys()].filter((k) => !OBJECTS.includes(k))];
      const full = names.find((n) => n.startsWith(word));
      const command = full === undefined ? undefined : (objects.get(full) ?? objects.get(ALIASES[full] ?? ''));
      if (command === undefined) throw new CommandError(`Object "${word}" is unknown, try "ip help".`);
      const inner: CommandIo = { ...pick(io), flags: new Set([...io.flags, ...flags]) };
      return command.run(words.slice(1), inner);
    },
  };
}

function pick(io: CommandIo): CommandIo {
  return { out: (t) => io.out(t), err: (t) => io.err(t), flags: io.flags, signal: io.signal, input: io.input };
}

/** Splits leading options from the words behind them. `-ts` style clusters do not exist in iproute2. */
function takeOptions(args: readonly string[]): { words: readonly string[]; flags: Set<string> } {
  const flags = new Set<string>();
  let i = 0;
  for (; i < args.length && args[i].startsWith('-'); i++) {
    const option = args[i].startsWith('--') ? args[i].slice(1) : args[i];
    if (option === '-f' || option === '-family') {
      if (args[++i] !== 'inet') throw new CommandError(`Error: argument "${args[i] ?? ''}" is wrong: invalid protocol family`, 255);
      flags.add('inet');
      continue;
    }
    if (option === '-6') throw new CommandError('IPv6 is not built into this router', 255);
    if (!(option in OPTIONS)) throw new CommandError(`Option "${args[i]}" is unknown, try "ip -help".`, 255);
    const flag = OPTIONS[option];
    if (flag !== null) flags.add(flag);
  }
  return { words: args.slice(i), flags };
}
