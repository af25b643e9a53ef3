/**
 * @packetwalk/netfilter — iptables: rules at the hook points, connection tracking and NAT.
 *
 *      iptables -A … ─▶ CommandLine ─▶ TableDraft ─▶ check ─▶ commit ─▶ Chain.rules
 *      packet ─▶ nfHook ─▶ IpTable.evaluate ─▶ ChainProgram ─▶ matches ─▶ target or policy
 *
 * Read walk.ts first.
 */
import {
  Conntrack,
  definePlugin,
  NF_IP_LOCAL_OUT,
  type NfHookFn,
  NfLog,
  PF_INET,
  type Plugin,
  type PluginContext,
  Routing,
  Xtables,
} from '@packetwalk/framework';
import { applyConfig, applySets } from './config.ts';
import { setupConntrack } from './conntrack/setup-conntrack.ts';
import { IpTables } from './ip-tables.ts';
import { IpSets } from './ipset/ip-sets.ts';
import { ipsetCommand } from './ipset/ipset-command.ts';
import { listSets } from './ipset/set-listing.ts';
import type { IptablesContext } from './iptables/context.ts';
import { iptablesCommand } from './iptables/iptables-command.ts';
import { iptablesRestoreCommand } from './iptables/restore-command.ts';
import { saveTable } from './iptables/save.ts';
import { iptablesSaveCommand } from './iptables/save-command.ts';
import { mangleOutput } from './mangle-output.ts';
import { matches } from './matches.ts';
import { setupNat } from './nat/setup-nat.ts';
import { NfLogs } from './nf-log.ts';
import type { AttachChain } from './table-def.ts';
import { targets } from './targets.ts';

interface Options {
  readonly compile: boolean;
  readonly logRate: number;
}

const plugin: Plugin<Options> = definePlugin<Options>({
  name: 'netfilter',
  provides: [Conntrack, NfLog],
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
      logRate: {
        type: 'integer',
        minimum: 1,
        default: 100,
        description: 'Packets a second, and at once, that LOG and NFLOG write to the log; how many more there were is told.',
      },
    },
  },
  sections: {
    ipset: { type: 'string', description: 'Sets for rules to ask, as ipset save writes them and ipset restore reads them.' },
    iptables: { type: 'string', description: 'The rules, as iptables-save writes them and iptables-restore reads them.' },
  },
  setup(ctx, { compile, logRate }) {
    const xtables = ctx.inject(Xtables);
    const sets = new IpSets(ctx.net);
    for (const match of matches(ctx, sets)) ctx.defer(xtables.matches.add(match.name, match));
    const logs = new NfLogs(ctx.net, ctx.log, logRate);
    ctx.provide(NfLog, logs);
    for (const target of targets(ctx, logs, sets)) ctx.defer(xtables.targets.add(target.name, target));
    const attachNat = setupNat(ctx, setupConntrack(ctx, xtables), xtables);
    const tables = new IpTables((table) => (table === 'nat' ? attachNat : attachChain(ctx, table)), compile);
    ctx.defer(() => tables.dispose());
    const context: IptablesContext = { net: ctx.net, tables, xtables };
    for (const command of [iptablesCommand, iptablesSaveCommand, iptablesRestoreCommand]) ctx.command(command(context));
    ctx.command(ipsetCommand(sets));
    ctx.onConfigure(() => {
      applySets(ctx, sets);
      applyConfig(ctx, context);
    });
    ctx.onSave((config) => {
      if (sets.all().length > 0) config.ipset = listSets(sets.all(), { mode: 'save', sorted: true, names: false, terse: false });
      config.iptables = savedTables(tables);
    });
  },
});
export default plugin;

/** The section `iptables:`, without counters. */
function savedTables(tables: IpTables): string {
  const texts = tables.all().flatMap((table) => (table.used ? [saveTable(table, false, 0)] : []));
  return texts.join('').replace(/^#.*\n/gm, '');
}

/** Built-in chains stand at their hooks themselves; mangle's looks the route up again where a packet has got one already. */
function attachChain(ctx: PluginContext, table: string): AttachChain {
  const routing = ctx.slot(Routing);
  return ({ hooknum, priority }, run: NfHookFn) => {
    const hook = table === 'mangle' && hooknum === NF_IP_LOCAL_OUT ? mangleOutput(routing, run) : run;
    return ctx.nfHook({ pf: PF_INET, hooknum, priority, hook, name: `iptables ${table}` });
  };
}
