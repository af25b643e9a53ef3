/** arp-options.ts — the options of `arp`, anywhere on the line, as getopt_long reads them (arp(8)). */
import { CommandError } from '@packetwalk/framework';

export interface ArpOptions {
  mode: 'show' | 'set' | 'delete' | 'help';
  /** BSD style instead of columns. */
  bsd: boolean;
  verbose: boolean;
  /** `-D`: the hardware address is that of a device. */
  useDevice: boolean;
  /** `-i`; empty: not given. */
  dev: string;
  /** `-H ether` was given. */
  hardware: boolean;
  /** What is no option. */
  readonly words: string[];
}

const LONG: Record<string, string> = {
  '--set': 's',
  '--delete': 'd',
  '--verbose': 'v',
  '--numeric': 'n',
  '--device': 'i',
  '--use-device': 'D',
  '--protocol': 'A',
  '--hw-type': 'H',
  '--help': 'h',
};
const WITH_VALUE = 'iAHtp';

/** @param usage refuses the line; what it is given comes first */
export function parseArpOptions(args: readonly string[], usage: (wrong?: string) => never): ArpOptions {
  const options: ArpOptions = { mode: 'show', bsd: false, verbose: false, useDevice: false, dev: '', hardware: false, words: [] };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (!arg.startsWith('-') || arg === '-') {
      options.words.push(arg);
      continue;
    }
    const letters = arg.startsWith('--') ? LONG[arg] : arg.slice(1);
    if (letters === undefined) usage(`arp: unrecognized option '${arg}'\n`);
    for (let j = 0; j < letters.length; j++) {
      const letter = letters[j];
      if (WITH_VALUE.includes(letter)) {
        const value = letters.slice(j + 1) || args[++i];
        if (value === undefined) usage(`arp: option requires an argument -- '${letter}'\n`);
        takeValue(options, letter, value);
        break;
      }
      if (!takeFlag(options, letter)) usage(`arp: invalid option -- '${letter}'\n`);
    }
  }
  return options;
}

function takeFlag(options: ArpOptions, letter: string): boolean {
  if (letter === 'a') options.bsd = true;
  else if (letter === 'e') options.bsd = false;
  else if (letter === 's') options.mode = 'set';
  else if (letter === 'd') options.mode = 'delete';
  else if (letter === 'D') options.useDevice = true;
  else if (letter === 'v') options.verbose = true;
  else if (letter === 'h' || letter === '?') options.mode = 'help';
  else return letter === 'n';
  return true;
}

function takeValue(options: ArpOptions, letter: string, value: string): void {
  if (letter === 'i') {
    options.dev = value;
  } else if (letter === 'H' || letter === 't') {
    if (value !== 'ether') throw new CommandError(`arp: ${value}: unknown hardware type.`, 255);
    options.hardware = true;
  } else if (value !== 'inet') {
    throw new CommandError(`arp: ${value}: unknown address family.`, 255);
  }
}
