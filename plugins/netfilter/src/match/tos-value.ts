/** match/tos-value.ts — types of service by number and by name (RFC 1349; cf. iptables' xtoptions.c). */
import { type XtMasked, XtProblem, type XtValue, xtNumeral } from '@packetwalk/framework';

const NAMES: readonly (readonly [string, number])[] = [
  ['Minimize-Delay', 0x10],
  ['Maximize-Throughput', 0x08],
  ['Maximize-Reliability', 0x04],
  ['Minimize-Cost', 0x02],
  ['Normal-Service', 0x00],
];
/** A name stands for the byte without the ECN bits' upper neighbours: what iptables has always masked with. */
const NAME_MASK = 0x3f;

/** `0x10`, `0x10/0x3f`, or a name. */
export const tosMask: XtValue<XtMasked> = (text) => {
  const value = xtNumeral(text, 0, 255);
  if (value === null) {
    const named = NAMES.find(([name]) => name.toLowerCase() === text.toLowerCase());
    if (named === undefined) throw new XtProblem(`Symbolic name "${text}" is unknown`);
    return { value: named[1], mask: NAME_MASK };
  }
  if (value.rest === '') return { value: value.value, mask: 255 };
  const mask = value.rest.startsWith('/') ? xtNumeral(value.rest.slice(1), 0, 255) : null;
  if (mask === null || mask.rest !== '') throw new XtProblem(`Illegal value: "${text}"`);
  return { value: value.value, mask: mask.value };
};

/** `0x10/0x3f` */
export function tosHex({ value, mask }: XtMasked): string {
  const hex = (n: number): string => `0x${n.toString(16).padStart(2, '0')}`;
  return `${hex(value)}/${hex(mask)}`;
}

/** The name, if there is one. */
export function tosName({ value, mask }: XtMasked): string | null {
  if (mask !== NAME_MASK) return null;
  return NAMES.find(([, v]) => v === value)?.[0] ?? null;
}
