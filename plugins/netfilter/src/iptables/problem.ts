/** iptables/problem.ts — what iptables says when it cannot do what was asked, and its exit statuses. */
import { XT_PARAMETER_PROBLEM, XT_VERSION_PROBLEM, XtProblem } from '@packetwalk/framework';
import type { TableOpError } from '../table-draft.ts';

/** Whose words and rules these are. */
export const VERSION = 'v1.8.9 (nf_tables)';

/** A word that is no option and belongs to none: said without the program's name, if at all. */
export class BadArgument extends XtProblem {}

/** The table has not got what the command is about: `iptables: No chain/target/match by that name.` */
export class NoSuchThing extends Error {
  override readonly name = 'NoSuchThing';
}

export const NO_CHAIN = 'No chain/target/match by that name';

/** What is written about a problem with the text of a rule. `line` counts from 1; 0 for a command. */
export function problemText(program: string, problem: XtProblem, line = 0): string {
  const bare = problem instanceof BadArgument;
  const text = bare ? problem.message : `${program} ${VERSION}: ${problem.message}\n`;
  const where = line === 0 ? '' : `Error occurred at line: ${line}\n`;
  if (problem.status === XT_PARAMETER_PROBLEM) {
    return `${text}${where}Try \`${program} -h' or '${program} --help' for more information.\n`;
  }
  return problem.status === XT_VERSION_PROBLEM ? `${text}Perhaps iptables or your kernel needs to be upgraded.\n` : text;
}

/** What is written about a change that the table cannot have: `RULE_APPEND failed (Invalid argument): rule in chain INPUT`. */
export function tableOpText(program: string, { op, message }: TableOpError): string {
  const what = `${op.name} failed (${message}): ${op.name === 'CHAIN_DEL' ? 'chain' : 'rule in chain'} ${op.chain}`;
  return op.line === 0 ? `${program} ${VERSION}:  ${what}\n` : `${program} ${VERSION}: \nline ${op.line}: ${what}\n`;
}
