/** match/dscp-value.ts — code points of differentiated services by the names of their classes (RFC 2474, RFC 2597, RFC 3246). */
import { XtProblem, type XtValue } from '@packetwalk/framework';

const CLASSES: ReadonlyMap<string, number> = new Map([
  ...Array.from({ length: 8 }, (_, n): [string, number] => [`CS${n}`, n << 3]),
  ['BE', 0],
  // AFxy: class x in the upper three bits, drop precedence y in the next two.
  ...[1, 2, 3, 4].flatMap((x) => [1, 2, 3].map((y): [string, number] => [`AF${x}${y}`, (x << 3) | (y << 1)])),
  ['EF', 0x2e],
]);

/** `EF`, `AF31`, `cs1` … */
export const dscpClass: XtValue<number> = (text) => {
  const value = CLASSES.get(text.toUpperCase());
  if (value === undefined) throw new XtProblem(`Invalid DSCP value \`${text}'`);
  return value;
};

/** `0x2e` */
export function dscpHex(dscp: number): string {
  return `0x${dscp.toString(16).padStart(2, '0')}`;
}
