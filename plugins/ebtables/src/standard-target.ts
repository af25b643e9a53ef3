/** standard-target.ts — the verdicts: by name in `-j` and in the options of targets. */
import { EBT_ACCEPT, EBT_CONTINUE, EBT_DROP, EBT_RETURN, type EbtOption, EbtProblem } from '@packetwalk/framework';

const VERDICTS: ReadonlyMap<string, number> = new Map([
  ['ACCEPT', EBT_ACCEPT],
  ['DROP', EBT_DROP],
  ['CONTINUE', EBT_CONTINUE],
  ['RETURN', EBT_RETURN],
]);

/** The verdict of that name; undefined when it is none. */
export function verdictOf(name: string): number | undefined {
  return VERDICTS.get(name);
}

export function verdictName(verdict: number): string {
  for (const [name, value] of VERDICTS) if (value === verdict) return name;
  return String(verdict);
}

/** `--dnat-target VERDICT` and the like. */
export function verdictOption<D extends { verdict: number }>(name: string): EbtOption<D> {
  return {
    parse(d, text) {
      const verdict = verdictOf(text);
      if (verdict === undefined) throw new EbtProblem(`Illegal --${name} target`);
      d.verdict = verdict;
    },
  };
}
