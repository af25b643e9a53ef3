/** rt-dsfield.ts — names of TOS bytes, as iproute2 has them (cf. lib/rt_names.c rtnl_dsfield_n2a, etc/iproute2/rt_dsfield; RFC 2474, RFC 2597). */
import { getUnsigned } from './command-words.ts';

/** Names of the DSCP and TOS values that iproute2 shows and takes. */
const DSFIELDS: ReadonlyMap<number, string> = new Map([
  [0x00, 'CS0'],
  [0x20, 'CS1'],
  [0x40, 'CS2'],
  [0x60, 'CS3'],
  [0x80, 'CS4'],
  [0xa0, 'CS5'],
  [0xc0, 'CS6'],
  [0xe0, 'CS7'],
  [0x28, 'AF11'],
  [0x30, 'AF12'],
  [0x38, 'AF13'],
  [0x48, 'AF21'],
  [0x50, 'AF22'],
  [0x58, 'AF23'],
  [0x68, 'AF31'],
  [0x70, 'AF32'],
  [0x78, 'AF33'],
  [0x88, 'AF41'],
  [0x90, 'AF42'],
  [0x98, 'AF43'],
  [0xb8, 'EF'],
]);

/** `0x10`, or a DSCP's name (rtnl_dsfield_n2a). */
export function dsfieldN2a(tos: number): string {
  return DSFIELDS.get(tos) ?? `0x${tos.toString(16).padStart(2, '0')}`;
}

/** TOS byte of a word: a name, or hexadecimal; null for anything else (rtnl_dsfield_a2n). */
export function dsfieldA2n(word: string): number | null {
  for (const [number, name] of DSFIELDS) if (name === word) return number;
  return getUnsigned(word, 255, 16);
}
