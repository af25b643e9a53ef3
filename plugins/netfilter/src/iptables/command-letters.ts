/** iptables/command-letters.ts — the commands and options of iptables, and which goes with which (cf. iptables' xshared.c). */
import type { LongOption } from './getopt.ts';

/** A command by its letter; `DN` and `ZN` are -D and -Z with a rule number. */
export type Command = 'A' | 'C' | 'D' | 'DN' | 'E' | 'F' | 'I' | 'L' | 'N' | 'P' | 'R' | 'S' | 'X' | 'Z' | 'ZN';

/** Commands that may be given together: `-L -Z`. */
export function goTogether(a: Command, b: Command): boolean {
  const lists = a === 'L' || a === 'S' ? b : a;
  const other = lists === a ? b : a;
  return (lists === 'Z' || lists === 'ZN') && (other === 'L' || other === 'S');
}

export const SHORT_OPTIONS = 'A:C:D:E:F::I:L::M:N:P:R:VX::Z::c:d:i:j:o:p:s:t:S::W::46bfg:h::m:nvw::x';

const LONG: readonly (readonly [string, LongOption<string>['argument'], string])[] = [
  ['append', 'required', 'A'],
  ['delete', 'required', 'D'],
  ['check', 'required', 'C'],
  ['insert', 'required', 'I'],
  ['replace', 'required', 'R'],
  ['list', 'optional', 'L'],
  ['list-rules', 'optional', 'S'],
  ['flush', 'optional', 'F'],
  ['zero', 'optional', 'Z'],
  ['new-chain', 'required', 'N'],
  ['delete-chain', 'optional', 'X'],
  ['rename-chain', 'required', 'E'],
  ['policy', 'required', 'P'],
  ['source', 'required', 's'],
  ['destination', 'required', 'd'],
  ['src', 'required', 's'],
  ['dst', 'required', 'd'],
  ['protocol', 'required', 'p'],
  ['in-interface', 'required', 'i'],
  ['jump', 'required', 'j'],
  ['table', 'required', 't'],
  ['match', 'required', 'm'],
  ['numeric', 'none', 'n'],
  ['out-interface', 'required', 'o'],
  ['verbose', 'none', 'v'],
  ['wait', 'optional', 'w'],
  ['wait-interval', 'optional', 'W'],
  ['exact', 'none', 'x'],
  ['fragments', 'none', 'f'],
  ['version', 'none', 'V'],
  ['help', 'optional', 'h'],
  ['line-numbers', 'none', '0'],
  ['modprobe', 'required', 'M'],
  ['set-counters', 'required', 'c'],
  ['goto', 'required', 'g'],
  ['ipv4', 'none', '4'],
  ['ipv6', 'none', '6'],
];

/** Long options by the letter that they stand for. */
export const LONG_OPTIONS: readonly LongOption<string>[] = LONG.map(([name, argument, id]) => ({ name, argument, id }));

/** Options in the order in which they are objected to. */
const OBJECTED = 'nsdpjvxio0cf';
const RULE = 'sdpjviof';

/** Options that go with each command. */
const ALLOWED: Readonly<Record<Command, string>> = {
  I: `${RULE}c`,
  D: RULE,
  DN: 'v',
  R: `${RULE}c`,
  A: `${RULE}c`,
  L: 'nvx0',
  F: 'v',
  Z: 'v',
  ZN: 'v',
  N: 'v',
  X: 'v',
  P: 'vc',
  E: 'v',
  S: 'v',
  C: RULE,
};

/** The first of the options that does not go with the commands; undefined when all do. */
export function illegalOption(commands: readonly Command[], options: ReadonlySet<string>): string | undefined {
  return [...OBJECTED].find((o) => options.has(o) && !commands.some((c) => ALLOWED[c].includes(o)));
}
