/** verdicts.ts — the targets that are no extensions: what becomes of the packet, and nothing else. */
import { NF_ACCEPT, NF_DROP, NF_QUEUE, XT_RETURN } from '@packetwalk/framework';

const VERDICTS: ReadonlyMap<string, number> = new Map([
  ['ACCEPT', NF_ACCEPT],
  ['DROP', NF_DROP],
  ['QUEUE', NF_QUEUE],
  ['RETURN', XT_RETURN],
]);

/** Is this the name of a verdict? */
export function isVerdict(name: string): boolean {
  return VERDICTS.has(name);
}

/** The verdict of that name; undefined when it is none. */
export function verdictOf(name: string): number | undefined {
  return VERDICTS.get(name);
}
