/** @packetwalk/netfilter — iptables: rules at the hook points, connection tracking and NAT. */
import { definePlugin, type Plugin, Xtables } from '@packetwalk/framework';
import { MATCHES } from './matches.ts';
import { TARGETS } from './targets.ts';

const plugin: Plugin = definePlugin({
  name: 'netfilter',
  optional: [Xtables],
  setup(ctx) {
    const xtables = ctx.inject(Xtables);
    for (const match of MATCHES) ctx.defer(xtables.matches.add(match.name, match));
    for (const target of TARGETS) ctx.defer(xtables.targets.add(target.name, target));
  },
});
export default plugin;
