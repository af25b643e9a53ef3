/** marked.ts — configs with marks in them, for tests of positions: `mtu: ▲60` says that an issue is expected at the 60. */

const MARK = '▲';

export interface Marked {
  readonly text: string;
  /** `line:col` of the marks, in order. */
  readonly marks: readonly string[];
}

/** Takes the marks out of a text and counts where they were, letter by letter. */
export function marked(source: string): Marked {
  const marks: string[] = [];
  let text = '';
  let line = 1;
  let col = 1;
  for (const letter of source) {
    if (letter === MARK) {
      marks.push(`${line}:${col}`);
      continue;
    }
    text += letter;
    col = letter === '\n' ? 1 : col + letter.length;
    if (letter === '\n') line++;
  }
  return { text, marks };
}
