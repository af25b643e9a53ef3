/** target/log-prefix.ts — the words in front of what LOG and NFLOG write. */
import { XtProblem, type XtValue } from '@packetwalk/framework';

/** At most `max` characters, the rest is cut off; no line may end in it. */
export function logPrefix(max: number): XtValue<string> {
  return (text, { option }) => {
    if (text.includes('\n')) throw new XtProblem(`Newlines not allowed in --${option}`);
    return text.slice(0, max);
  };
}
