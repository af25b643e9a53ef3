/**
 * compiled/rule-rows.ts — sets of rules as rows of bits, one row a class of values.
 *
 *      row      word 0     word 1     …   word W-1        bit i of word w: rule 32 w + i may match
 *      summary  bit w: word w is not 0
 *
 * A block has at most 1,024 rules, so that one word sums up a row.
 */

/** Most rules of a block. */
export const BLOCK_RULES = 1024;

export class RuleRows {
  /** Words of a row. */
  readonly width: number;
  /** Rows one behind the other; read it anew after `add`. */
  words: Int32Array;
  summaries: Int32Array;
  count = 0;

  constructor(rules: number, capacity = 4) {
    this.width = (rules + 31) >>> 5;
    this.words = new Int32Array(capacity * this.width);
    this.summaries = new Int32Array(capacity);
  }

  /** Adds a copy of a row; returns its number. */
  add(row: Int32Array): number {
    if (this.count === this.summaries.length) this.grow();
    const { width } = this;
    this.words.set(row, this.count * width);
    let summary = 0;
    for (let w = 0; w < width; w++) if (row[w] !== 0) summary |= 1 << w;
    this.summaries[this.count] = summary;
    return this.count++;
  }

  private grow(): void {
    const capacity = this.count * 2;
    const words = new Int32Array(capacity * this.width);
    words.set(this.words);
    this.words = words;
    const summaries = new Int32Array(capacity);
    summaries.set(this.summaries);
    this.summaries = summaries;
  }
}

export function setBit(row: Int32Array, rule: number): void {
  row[rule >>> 5] |= 1 << (rule & 31);
}

export function clearBit(row: Int32Array, rule: number): void {
  row[rule >>> 5] &= ~(1 << (rule & 31));
}
