/**
 * did-you-mean.ts — the word that a misspelt one was meant to be: nearest by optimal string alignment, the restricted
 * Damerau–Levenshtein distance, in which a swap of neighbours is one mistake.
 */

/** No suggestion is further away than this, however long the word. */
const MAX_DISTANCE = 3;

/** The choice nearest to `word`, letter case aside; the first of equals; undefined when none is near. */
export function didYouMean(word: string, choices: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  // Two mistakes in five letters are another word: "eth0" is not "lan0", but "lna" is "lan".
  const limit = Math.min(MAX_DISTANCE, Math.floor((wanted.length + 1) / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const choice of choices) {
    if (Math.abs(choice.length - wanted.length) >= bestDistance) continue;
    const distance = alignmentDistance(wanted, choice.toLowerCase());
    if (distance < bestDistance) {
      best = choice;
      bestDistance = distance;
    }
  }
  return best;
}

/** `, did you mean "addresses"?`, or nothing: the end of a message about `word`. */
export function suggestion(word: string, choices: Iterable<string>): string {
  const meant = didYouMean(word, choices);
  return meant === undefined ? '' : `, did you mean "${meant}"?`;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`; no part is edited twice. */
export function alignmentDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}
