/** align.ts — which parts of two lists are the same: a longest common subsequence, for diffs that people read. */

/** One row of a diff: an index into each list, -1 where the other list has something of its own. */
export type AlignedRow = readonly [left: number, right: number];

/** Longer middles are paired by position: the table grows with their product. */
const MAX_CELLS = 4_000_000;

/** Aligns two lists. Of parts that differ, those of `left` come first. */
export function align(left: readonly string[], right: readonly string[]): AlignedRow[] {
  const rows: AlignedRow[] = [];
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) rows.push([start, start++]);
  let [endLeft, endRight] = [left.length, right.length];
  const tail: AlignedRow[] = [];
  while (endLeft > start && endRight > start && left[endLeft - 1] === right[endRight - 1]) tail.unshift([--endLeft, --endRight]);
  const middle = alignMiddle(left.slice(start, endLeft), right.slice(start, endRight));
  for (const [l, r] of middle) rows.push([l < 0 ? -1 : l + start, r < 0 ? -1 : r + start]);
  return [...rows, ...tail];
}

function alignMiddle(left: readonly string[], right: readonly string[]): AlignedRow[] {
  const [n, m] = [left.length, right.length];
  const width = m + 1;
  const rows: AlignedRow[] = [];
  let [i, j] = [0, 0];
  if (n * m <= MAX_CELLS) {
    // common[i, j]: length of the longest common subsequence of what is behind i and j.
    const common = new Uint32Array((n + 1) * width);
    for (let a = n - 1; a >= 0; a--) {
      for (let b = m - 1; b >= 0; b--) {
        common[a * width + b] =
          left[a] === right[b] ? common[(a + 1) * width + b + 1] + 1 : Math.max(common[(a + 1) * width + b], common[a * width + b + 1]);
      }
    }
    while (i < n && j < m) {
      if (left[i] === right[j]) rows.push([i++, j++]);
      else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) rows.push([i++, -1]);
      else rows.push([-1, j++]);
    }
  }
  while (i < n) rows.push([i++, -1]);
  while (j < m) rows.push([-1, j++]);
  return rows;
}
