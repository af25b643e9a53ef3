/**
 * @packetwalk/ebtables — ebtables: filter, NAT and routing of bridged frames.
 *
 *      ebtables -A … ─▶ CommandLine ─▶ TableDraft ─▶ check ─▶ commit ─▶ Chain.rules, Chain.code
 *      frame ─▶ nfHook(PF_BRIDGE) ─▶ evaluate ─▶ matches ─▶ watchers ─▶ target or policy
 *
 * Read walk.ts first.
 */
import { definePlugin, Ebtables, NfLog, type Plugin } from '@packetwalk/framework';
import { type EbtablesContext, ebtablesCommand, ebtablesRestoreCommand, ebtablesSaveCommand } from './command/commands.ts';
import { tableText } from './command/save.ts';
import { applyConfig } from './config.ts';
import { ieee8023 } from './match/802-3.ts';
import { among } from './match/among.ts';
import { arp } from './match/arp.ts';
import { ip } from './match/ip.ts';
import { ip6 } from './match/ip6.ts';
import { limit } from './match/limit.ts';
import { mark as markMatch } from './match/mark.ts';
import { pkttype } from './match/pkttype.ts';
import { stp } from './match/stp.ts';
import { vlan } from './match/vlan.ts';
import { EbtTables } from './tables.ts';
import { arpreply } from './target/arpreply.ts';
import { dnat } from './target/dnat.ts';
import { mark } from './target/mark.ts';
import { redirect } from './target/redirect.ts';
import { snat } from './target/snat.ts';
import { FrameLog } from './watcher/frame-log.ts';
import { logWatcher } from './watcher/log.ts';
import { nflogWatcher } from './watcher/nflog.ts';

interface Options {
  readonly logRate: number;
}

const plugin: Plugin<Options> = definePlugin<Options>({
  name: 'ebtables',
  optional: [Ebtables, NfLog],
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      logRate: {
        type: 'integer',
        minimum: 1,
        default: 100,
        description: 'Frames a second, and at once, that log and nflog write to the log; how many more there were is told.',
      },
    },
  },
  sections: {
    ebtables: {
      type: 'string',
      description: 'The rules for bridged frames, as ebtables-save writes them and ebtables-restore reads them.',
    },
  },
  setup(ctx, { logRate }) {
    const ebtables = ctx.inject(Ebtables);
    const frames = new FrameLog(ctx.net, ctx.log, logRate);
    const nfLog = ctx.slot(NfLog);
    for (const match of [ieee8023, among((path) => ctx.secret(`file:${path}`)), arp, ip, ip6, limit, markMatch, pkttype, stp, vlan]) {
      ctx.defer(ebtables.matches.add(match.name, match));
    }
    for (const watcher of [logWatcher(frames), nflogWatcher(frames, () => nfLog.value ?? null)]) {
      ctx.defer(ebtables.watchers.add(watcher.name, watcher));
    }
    for (const target of [dnat, snat, redirect, mark, arpreply]) ctx.defer(ebtables.targets.add(target.name, target));
    const tables = new EbtTables((ops) => ctx.nfHook(ops));
    const context: EbtablesContext = { net: ctx.net, tables, ebtables };
    for (const command of [ebtablesCommand, ebtablesSaveCommand, ebtablesRestoreCommand]) ctx.command(command(context));
    ctx.onConfigure(() => applyConfig(ctx, context));
    ctx.onSave((config) => {
      const texts = tables.all().flatMap((table) => (table.used ? [tableText(table, false)] : []));
      if (texts.length > 0) config.ebtables = texts.join('');
    });
  },
});
export default plugin;
