/** setup-conntrack.ts — what connection tracking adds to a router: hooks on demand, matches, targets, settings, files, the command. */
import { Conntrack, Defrag, type PluginContext, type Xtables } from '@packetwalk/framework';
import { conntrackCommand } from '../conntrack-tool/conntrack-command.ts';
import { connbytes } from '../match/connbytes.ts';
import { connlimit } from '../match/connlimit.ts';
import { connmark } from '../match/connmark.ts';
import { conntrack } from '../match/conntrack.ts';
import { helper } from '../match/conntrack-helper.ts';
import { state } from '../match/state.ts';
import { connmarkTarget } from '../target/connmark.ts';
import { ct } from '../target/ct.ts';
import { notrack } from '../target/notrack.ts';
import { conntrackHooks } from './conntrack-hooks.ts';
import { ftpHelper } from './helper-ftp.ts';
import { tftpHelper } from './helper-tftp.ts';
import { NfConntrack } from './nf-conntrack.ts';
import { procNetNfConntrack, procNetNfConntrackExpect, procNetStatNfConntrack } from './proc-conntrack.ts';
import { CONNTRACK_STATS } from './stat.ts';
import { conntrackSysctls } from './sysctl-conntrack.ts';

export function setupConntrack(ctx: PluginContext, xtables: Xtables): NfConntrack {
  const { net } = ctx;
  const stat = net.metrics.group('conntrack', CONNTRACK_STATS).values;
  const defrag = ctx.slot(Defrag);
  const nct: NfConntrack = new NfConntrack(net, ctx.log, stat, () => {
    const undo = conntrackHooks(nct, defrag).map((ops) => net.nf.register(ops));
    return () => {
      for (const remove of undo) remove();
    };
  });
  for (const known of [ftpHelper, tftpHelper]) nct.helpers.set(known.name, known);
  net.conntrack = nct;
  ctx.defer(() => {
    nct.dispose();
    net.conntrack = null;
    net.metrics.remove('conntrack');
  });
  ctx.provide(Conntrack, nct);
  conntrackSysctls(ctx, nct);
  ctx.command(conntrackCommand(nct));
  ctx.proc('net/nf_conntrack', () => procNetNfConntrack(nct));
  ctx.proc('net/nf_conntrack_expect', () => procNetNfConntrackExpect(nct));
  ctx.proc('net/stat/nf_conntrack', () => procNetStatNfConntrack(nct));
  for (const match of [conntrack, state, connmark, connlimit, connbytes, helper]) {
    const made = match(nct);
    ctx.defer(xtables.matches.add(made.name, made));
  }
  for (const target of [ct(nct), notrack, connmarkTarget(nct)]) ctx.defer(xtables.targets.add(target.name, target));
  return nct;
}
