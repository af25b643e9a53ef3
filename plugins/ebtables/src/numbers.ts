/** numbers.ts — numbers and ranges in the arguments of ebtables, as the C library reads them. */

/** A whole number in C's notation for the base; null for anything else. Base 0: decimal, `0x…`, or octal with a leading 0. */
export function cNumber(text: string, base: 0 | 10 | 16): number | null {
  const t = text.trim();
  if (base === 10) return /^[+-]?\d+$/.test(t) ? Number(t) : null;
  if (base === 16) return /^(0x)?[0-9a-f]+$/i.test(t) ? Number.parseInt(t, 16) : null;
  if (/^0x[0-9a-f]+$/i.test(t)) return Number.parseInt(t, 16);
  if (/^0[0-7]*$/.test(t)) return Number.parseInt(t, 8);
  return /^[1-9]\d*$/.test(t) ? Number(t) : null;
}

/** An inclusive range. */
export type Range = readonly [number, number];

/** `a`, `a:b`, `a:`, `:b` within 0 … max; null for anything else. */
export function cRange(text: string, max: number, base: 0 | 10): Range | null {
  const parts = text.split(':');
  if (parts.length > 2) return null;
  const ends = parts.map((part, i) => (part === '' && parts.length === 2 ? (i === 0 ? 0 : max) : cNumber(part, base)));
  const [low, high = low] = ends;
  if (low === null || high === null || low < 0 || high < 0 || low > max || high > max) return null;
  return [low, high];
}

/** `5`, `5:7` */
export function rangeText([low, high]: Range): string {
  return low === high ? String(low) : `${low}:${high}`;
}

export function inRange(value: number, range: Range): boolean {
  return value >= range[0] && value <= range[1];
}

/** `0x0a` */
export function hex(value: number, digits = 1): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

/** An option of a match in a listing: `--name ! value`. */
export function shown(name: string, invert: boolean, value: string): string {
  return `--${name} ${invert ? '! ' : ''}${value}`;
}

/** Those that are not empty, with blanks between. */
export function words(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}
