/**
 * setup-nat.ts — what NAT adds to a router: its hooks while there is a nat chain, its targets, and masquerading's eye on
 * devices. It is rules that make connections be tracked, not the chains: without any, nothing is translated.
 */
import { InetDevices, type PluginContext, Routing, type Xtables } from '@packetwalk/framework';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import type { AttachChain } from '../table-def.ts';
import { dnat } from '../target/dnat.ts';
import { masquerade } from '../target/masquerade.ts';
import { netmap } from '../target/netmap.ts';
import { redirect } from '../target/redirect.ts';
import { snat } from '../target/snat.ts';
import { followDevices } from './masquerade-follow.ts';
import { natHooks } from './nat-hooks.ts';
import { NfNat } from './nf-nat.ts';

/** Returns how chains of the nat table are put at their hooks: NAT asks them, once a connection. */
export function setupNat(ctx: PluginContext, nct: NfConntrack, xtables: Xtables): AttachChain {
  const nat = new NfNat(nct);
  nct.nat = nat;
  const inet = ctx.slot(InetDevices);
  const routing = ctx.slot(Routing);
  for (const target of [snat(nat), dnat(nat), masquerade(nat, inet), redirect(nat), netmap(nat)]) {
    ctx.defer(xtables.targets.add(target.name, target));
  }
  followDevices(ctx, nct);
  let attached = 0;
  let stop: (() => void)[] = [];
  return ({ hooknum }, run) => {
    if (attached++ === 0) stop = natHooks(nat, routing).map((ops) => ctx.net.nf.register(ops));
    nat.chains[hooknum].push(run);
    return () => {
      nat.chains[hooknum].splice(nat.chains[hooknum].indexOf(run), 1);
      if (--attached === 0) for (const undo of stop) undo();
    };
  };
}
