/** ipset/ipset-line.ts — one command of ipset(8), typed or read by `restore`. */
import type { CommandIo } from '@packetwalk/framework';
import { parseCreateOptions } from './create-options.ts';
import { formatRange, parseElement } from './element.ts';
import type { IpSets, SetPlace } from './ip-sets.ts';
import { IpsetError, syntaxError } from './ipset-error.ts';
import { ListSet } from './list-set.ts';
import { type Listing, listSets } from './set-listing.ts';
import { parseSetWords } from './set-options.ts';
import { setType } from './set-type.ts';

export type CommandName =
  | 'create'
  | 'add'
  | 'del'
  | 'test'
  | 'destroy'
  | 'list'
  | 'save'
  | 'restore'
  | 'flush'
  | 'rename'
  | 'swap'
  | 'help'
  | 'version';

/** Commands in the order in which a name that is cut is looked up, with their other names. */
const COMMANDS: readonly (readonly [CommandName, readonly string[]])[] = [
  ['create', ['n', '-N', '--create']],
  ['add', ['-A', '--add']],
  ['del', ['-D', '--del']],
  ['test', ['-T', '--test']],
  ['destroy', ['x', '-X', '--destroy']],
  ['list', ['-L', '--list']],
  ['save', ['-S', '--save']],
  ['restore', ['-R', '--restore']],
  ['flush', ['-F', '--flush']],
  ['rename', ['e', '-E', '--rename']],
  ['swap', ['w', '-W', '--swap']],
  ['help', ['-h', '-H', '--help']],
  ['version', ['-v', '-V', '--version']],
];

const MAX_NAME = 31;

/** A command line taken apart. */
export interface IpsetLine {
  readonly command: CommandName;
  readonly words: readonly string[];
  readonly exist: boolean;
  readonly quiet: boolean;
  readonly listing: Listing;
}

/** Takes words apart; throws IpsetError. */
export function readIpsetLine(args: readonly string[]): IpsetLine {
  let command: CommandName | null = null;
  const words: string[] = [];
  const flags = new Set<string>();
  let mode: Listing['mode'] | null = null;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    const flag = FLAGS.get(arg);
    if (flag !== undefined) flags.add(flag);
    else if (arg === '-o' || arg === '-output' || arg === '--output') {
      const text = args[++i];
      if (text === undefined) throw new IpsetError(`Missing mandatory argument to option ${arg}`, 2);
      if (text !== 'plain' && text !== 'save' && text !== 'xml') throw syntaxError(`unknown output mode '${text}'`);
      mode = text;
    } else if (arg === '-f' || arg === '-file' || arg === '--file') {
      throw new IpsetError(`Cannot open ${args[i + 1] ?? 'a file'}: the router reads standard input and writes standard output`);
    } else if (command === null) {
      command = commandOf(arg);
      if (command === null) throw new IpsetError(`No command specified: unknown argument ${arg}`, 2);
    } else words.push(arg);
  }
  if (command === null) throw new IpsetError('No command specified.', 2);
  const listing: Listing = {
    mode: mode ?? (command === 'save' ? 'save' : 'plain'),
    sorted: flags.has('sorted'),
    names: flags.has('name'),
    terse: flags.has('terse'),
  };
  return { command, words, exist: flags.has('exist'), quiet: flags.has('quiet'), listing };
}

const FLAGS = new Map<string, string>();
for (const [letter, name] of [
  ['!', 'exist'],
  ['q', 'quiet'],
  ['r', 'resolve'],
  ['s', 'sorted'],
  ['n', 'name'],
  ['t', 'terse'],
]) {
  for (const word of [`-${letter}`, `-${name}`, `--${name}`]) FLAGS.set(word, name);
}

function commandOf(word: string): CommandName | null {
  if (word === '') return null;
  for (const [name, others] of COMMANDS) if (others.includes(word) || name.startsWith(word)) return name;
  return null;
}

/** Does what a line says; the exit status. Throws IpsetError. */
export function runIpsetLine(sets: IpSets, line: IpsetLine, io: Pick<CommandIo, 'out' | 'err'>): number {
  const { command, words, exist, listing } = line;
  const at = (i: number): string => {
    if (i < words.length) return words[i];
    throw new IpsetError(`Missing ${i === 0 ? '' : 'second '}mandatory argument to command ${command}`, 2);
  };
  const noMore = (from: number): void => {
    if (words.length > from) throw new IpsetError(`Unknown argument ${words[from]}`, 2);
  };
  switch (command) {
    case 'create': {
      const name = setName(at(0));
      const type = setType(at(1));
      if (type === undefined) throw syntaxError(`typename '${words[1]}' is unknown`);
      const options = parseCreateOptions(words.slice(2), type, () => sets.net.softirq.random.below(2 ** 32));
      sets.create(name, type, options, exist);
      return 0;
    }
    case 'add':
    case 'del':
    case 'test':
      return changeElement(sets, command, setName(at(0)), at(1), line, io);
    case 'destroy':
    case 'flush': {
      noMore(1);
      if (command === 'destroy') {
        if (words.length === 0) sets.destroyAll();
        else sets.destroy(setName(words[0]));
      } else if (words.length === 0) for (const { set } of sets.all()) set.flush();
      else sets.need(setName(words[0])).set.flush();
      return 0;
    }
    case 'rename':
    case 'swap': {
      const [from, to] = [setName(at(0)), setName(at(1))];
      noMore(2);
      if (command === 'rename') sets.rename(from, to);
      else sets.swap(from, to);
      return 0;
    }
    case 'list':
    case 'save': {
      noMore(1);
      const places = words.length === 0 ? sets.all() : [sets.need(setName(words[0]))];
      io.out(listSets(places, listing));
      return 0;
    }
    default:
      throw new IpsetError(`Command ${command} is invalid here`);
  }
}

function setName(name: string): string {
  if (name.length > MAX_NAME) throw syntaxError(`setname '${name}' is longer than ${MAX_NAME} characters`);
  return name;
}

function changeElement(
  sets: IpSets,
  command: 'add' | 'del' | 'test',
  name: string,
  text: string,
  { words, exist, quiet }: IpsetLine,
  io: Pick<CommandIo, 'out' | 'err'>,
): number {
  const { set } = sets.need(name);
  const say = (shown: string, there: boolean): number => {
    if (!quiet) {
      if (there) io.err(`Warning: ${shown} is in set ${name}.\n`);
      else io.out(`${shown} is NOT in set ${name}.\n`);
    }
    return there ? 0 : 1;
  };
  if (set instanceof ListSet) {
    const { options, where } = parseSetWords(words.slice(2), command, set.type, set.options);
    const place = memberOf(sets, text);
    const stands = where === null ? null : { side: where.side, place: referenceOf(sets, where.name) };
    if (command === 'add') set.addSet(place, stands, options, exist);
    else if (command === 'del') set.deleteSet(place, stands, exist);
    else return say(where === null ? text : `${text} after ${where.name}`, set.hasSet(place, stands));
    return 0;
  }
  const range = parseElement(text, set.type);
  const { options, wildcard } = parseSetWords(words.slice(2), command, set.type, set.options);
  if (command === 'add') set.add(range, options, exist, wildcard);
  else if (command === 'del') set.delete(range, exist, wildcard);
  else return say(formatRange(range, text), set.has(range, options.nomatch, wildcard));
  return 0;
}

function memberOf(sets: IpSets, name: string): SetPlace {
  const place = sets.find(name);
  if (place === undefined) throw new IpsetError('Set to be added/deleted/tested as element does not exist.');
  if (place.set instanceof ListSet) throw new IpsetError('Sets with list:set type cannot be added to the set.');
  return place;
}

function referenceOf(sets: IpSets, name: string): SetPlace {
  const place = sets.find(name);
  if (place === undefined) throw new IpsetError("The set to which you referred with 'before' or 'after' does not exist.");
  return place;
}
