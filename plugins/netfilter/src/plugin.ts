/**
 * @packetwalk/netfilter — iptables: rules at the hook points, connection tracking and NAT.
 *
 *      iptables -A … ─▶ CommandLine ─▶ TableDraft ─▶ check ─▶ commit ─▶ Chain.rules
 *      packet ─▶ nfHook ─▶ IpTable.evaluate ─▶ ChainProgram ─▶ matches ─▶ target or policy
 *
 * Read walk.ts first.
 */
import { definePlugin, type NfHookFn, PF_INET, type Plugin, type PluginContext, Xtables } from '@packetwalk/framework';
import { applyConfig } from './config.ts';
import { IpTables } from './ip-tables.ts';
import type { IptablesContext } from './iptables/context.ts';
import { iptablesCommand } from './iptables/iptables-command.ts';
import { iptablesRestoreCommand } from './iptables/restore-command.ts';
import { iptablesSaveCommand } from './iptables/save-command.ts';
import { MATCHES } from './matches.ts';
import type { AttachChain } from './table-def.ts';
import { TARGETS } from './targets.ts';

interface Options {
  readonly compile: boolean;
}

const plugin: Plugin<Options> = definePlugin<Options>({
  name: 'netfilter',
  optional: [Xtables],
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      compile: {
        type: 'boolean',
        default: true,
        description: 'Whether chains are compiled. If not, every packet is held against every rule: the same answers, slower.',
      },
    },
  },
  sections: {
    iptables: { type: 'string', description: 'The rules, as iptables-save writes them and iptables-restore reads them.' },
  },
  setup(ctx, { compile }) {
    const xtables = ctx.inject(Xtables);
    for (const match of MATCHES) ctx.defer(xtables.matches.add(match.name, match));
    for (const target of TARGETS) ctx.defer(xtables.targets.add(target.name, target));
    const tables = new IpTables((table) => attachChain(ctx, table), compile);
    ctx.defer(() => tables.dispose());
    const context: IptablesContext = { net: ctx.net, tables, xtables };
    for (const command of [iptablesCommand, iptablesSaveCommand, iptablesRestoreCommand]) ctx.command(command(context));
    ctx.onConfigure(() => applyConfig(ctx, context));
  },
});
export default plugin;

/** Built-in chains stand at their hooks themselves. */
function attachChain(ctx: PluginContext, table: string): AttachChain {
  return ({ hooknum, priority }, run: NfHookFn) => ctx.nfHook({ pf: PF_INET, hooknum, priority, hook: run, name: `iptables ${table}` });
}
