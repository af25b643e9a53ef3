/** match/words.ts — the options of a match in one line. */

/** Joins what is not empty with blanks. */
export function words(...parts: string[]): string {
  return parts.filter((p) => p !== '').join(' ');
}
