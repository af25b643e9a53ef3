/** type-code.ts — types and codes of ICMP and ICMPv6, by name or as `TYPE[:TYPE][/CODE[:CODE]]` (cf. ebtables' extensions/libebt_ip.c). */
import { EbtProblem } from '@packetwalk/framework';
import { cRange, type Range, rangeText } from './numbers.ts';

export interface TypeCode {
  readonly type: Range;
  readonly code: Range;
}

/** Name, type, lowest and highest code. */
export type TypeCodeName = readonly [string, number, number, number];

/** Reads a name, which may be cut as long as it stays clear, or numbers. @param what `ICMP`, for the message */
export function parseTypeCode(text: string, names: readonly TypeCodeName[], what: string): TypeCode {
  const lower = text.toLowerCase();
  const found = names.filter(([name]) => name.toLowerCase().startsWith(lower));
  const named = found.find(([name]) => name.toLowerCase() === lower) ?? found[0];
  if (text !== '' && named !== undefined) {
    if (found.length > 1 && named[0].toLowerCase() !== lower) {
      throw new EbtProblem(`Ambiguous ${what} type \`${text}': \`${found[0][0]}' or \`${found[1][0]}'?`);
    }
    return { type: [named[1], named[1]], code: [named[2], named[3]] };
  }
  const slash = text.indexOf('/');
  const type = cRange(slash < 0 ? text : text.slice(0, slash), 255, 0);
  const code = slash < 0 ? ([0, 255] as const) : cRange(text.slice(slash + 1), 255, 0);
  if (type === null || code === null) throw new EbtProblem(`Unknown ${what} type \`${text}'`);
  return { type, code };
}

export function typeCodeText({ type, code }: TypeCode, names: readonly TypeCodeName[]): string {
  const named = names.find(([, t, low, high]) => type[0] === t && type[1] === t && code[0] === low && code[1] === high);
  return named?.[0] ?? `${rangeText(type)}/${rangeText(code)}`;
}
