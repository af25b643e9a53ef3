/** config.ts — the section `ebtables:` of a config: a text for ebtables-restore. */
import type { ConfigIssue, PluginContext } from '@packetwalk/framework';
import type { EbtablesContext } from './command/commands.ts';
import { restore } from './command/restore.ts';

/** Applies the section; each line that is wrong becomes an issue of its own. */
export function applyConfig(ctx: PluginContext, { tables, ebtables }: EbtablesContext): void {
  const text = ctx.section<string>('ebtables');
  if (text === undefined) return;
  const path = ['ebtables'];
  const options = {
    keep: false,
    origin: (line: number) => ctx.position(path, line - 1),
    warn: (warning: string) => ctx.log.warn(warning.trimEnd()),
  };
  restore(tables, ebtables, text, options, ({ line, problem }) => {
    ctx.configIssue({ code: 'ebtables', path, line: line - 1, message: problem.message.trim() } satisfies ConfigIssue);
    return true;
  });
}
