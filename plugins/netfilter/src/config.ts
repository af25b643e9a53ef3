/** config.ts — the sections `ipset:` and `iptables:` of a config: texts for ipset restore and iptables-restore. */
import { type ConfigIssue, type PluginContext, XtProblem } from '@packetwalk/framework';
import type { IpSets } from './ipset/ip-sets.ts';
import { restoreSets } from './ipset/ipset-restore.ts';
import type { IptablesContext } from './iptables/context.ts';
import { type RestoreError, restore } from './iptables/restore.ts';
import { TableOpError } from './table-draft.ts';

/** Applies the section; each line that is wrong becomes an issue of its own. */
export function applyConfig(ctx: PluginContext, context: IptablesContext): void {
  const text = ctx.section<string>('iptables');
  if (text === undefined) return;
  const path = ['iptables'];
  const options = {
    keep: false,
    counters: true,
    test: false,
    origin: (number: number) => ctx.position(path, number - 1),
    say: () => {},
  };
  restore(context.tables, context.xtables, text, options, (error) => {
    ctx.configIssue({ code: 'iptables', path, line: error.number - 1, message: issueText(error) } satisfies ConfigIssue);
    return true;
  });
}

/** Makes the sets of the section `ipset:`; rules may name them then. */
export function applySets(ctx: PluginContext, sets: IpSets): void {
  const text = ctx.section<string>('ipset');
  if (text === undefined) return;
  const silent = { out: () => {}, err: () => {} };
  restoreSets(sets, text, false, silent, (line, { message }) => {
    ctx.configIssue({ code: 'ipset', path: ['ipset'], line: line - 1, message: message.replaceAll('\n', ' ') } satisfies ConfigIssue);
    return true;
  });
}

/** One line, with the match or target that it is about. */
function issueText({ problem, message }: RestoreError): string {
  const text = (problem instanceof TableOpError ? `${message}: ${problem.reason}` : message).trim().replaceAll('\n', ' ');
  const about = problem instanceof XtProblem ? problem.about : '';
  return about === '' || text.startsWith(`${about}:`) ? text : `${about}: ${text}`;
}
