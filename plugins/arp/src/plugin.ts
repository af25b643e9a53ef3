/**
 * @packetwalk/arp — ARP and the neighbour table: which hardware address a next hop has (RFC 826).
 *
 *      ipFinishOutput ─▶ neigh.output ─┬ known ───────▶ cached header ─▶ devQueueXmit
 *                                      └ not known ───▶ arp_queue ─ arpSolicit ─▶ the link
 *      the link ─▶ arpRcv ─▶ NF_ARP_IN ─▶ arpProcess ─▶ neighUpdate ─▶ arp_queue leaves
 *
 * Read neighbour-state.ts first.
 */
import {
  definePlugin,
  ETH_P_ARP,
  formatIpv4,
  formatMac,
  IcmpSend,
  InetDevices,
  NeighTable,
  NUD_PERMANENT,
  type Plugin,
  type PluginContext,
  Routing,
  rtprotN2a,
  splitWords,
  Timer,
  Words,
} from '@packetwalk/framework';
import { Arp } from './arp.ts';
import { arpCommand } from './arp-command.ts';
import { followDevices } from './arp-netdev.ts';
import { procNetArp, procNetStatArpCache } from './arp-proc.ts';
import { arpRcv } from './arp-rcv.ts';
import { arpingCommand } from './arping.ts';
import { ipNeighAdd, ipNeighCommand } from './ip-neigh.ts';
import { NTF_ROUTER } from './neighbour-entry.ts';
import { NEIGH_STATS } from './neighbour-stat.ts';
import { NeighSysctls } from './neighbour-sysctl.ts';

const plugin: Plugin = definePlugin({
  name: 'arp',
  provides: [NeighTable],
  requires: [InetDevices, Routing],
  schema: { type: 'object', additionalProperties: false, properties: {} },
  sections: {
    neighbours: {
      description: 'Neighbours to begin with, each as behind `ip neigh add`: 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0.',
      type: 'array',
      items: { type: 'string' },
    },
  },
  counters: NEIGH_STATS,
  setup(ctx) {
    const { net } = ctx;
    const services = { devices: ctx.inject(InetDevices), routing: ctx.inject(Routing), icmp: ctx.slot(IcmpSend) };
    const arp = new Arp(net, services, ctx.counters, ctx.random);
    ctx.defer(() => arp.dispose());
    const sysctls = new NeighSysctls(net, arp.tbl.parms, arp.tbl.gc);
    ctx.defer(() => sysctls.dispose());
    followDevices(ctx, arp, sysctls);
    ctx.provide(NeighTable, arp.tbl);
    ctx.packetType({ type: ETH_P_ARP, func: (skb, dev) => arpRcv(arp, skb, dev) });
    ctx.command(ipNeighCommand(arp));
    ctx.command(arpCommand(arp));
    ctx.command(arpingCommand(arp, (fire) => new Timer('arping', fire)));
    ctx.proc('net/arp', () => procNetArp(arp));
    ctx.proc('net/stat/arp_cache', () => procNetStatArpCache(arp));
    ctx.onConfigure(() => addNeighbours(ctx, arp));
    ctx.onSave((config) => {
      config.neighbours = savedNeighbours(arp);
    });
  },
});
export default plugin;

/** The section `neighbours:`. */
function addNeighbours(ctx: PluginContext, arp: Arp): void {
  (ctx.section<string[]>('neighbours') ?? []).forEach((line, i) => {
    ctx.configTry(['neighbours', i], () => {
      ipNeighAdd(arp, new Words(splitWords(line)), { create: true, exclusive: true, replace: false });
    });
  });
}

/** What somebody entered, and proxies; what was learned is not. */
function savedNeighbours(arp: Arp): string[] {
  const permanent = [...arp.tbl.entries()].filter((n) => (n.nudState & NUD_PERMANENT) !== 0);
  const proxies = [...arp.proxies.entries()].filter((proxy) => proxy.dev !== null);
  const router = (flags: number): string => ((flags & NTF_ROUTER) === 0 ? '' : ' router');
  return [
    ...permanent.map((n) => `${formatIpv4(n.key)} lladdr ${formatMac(n.ha)} dev ${n.dev.name}${router(n.flags)}${protocol(n.protocol)}`),
    ...proxies.map((p) => `proxy ${formatIpv4(p.key)} dev ${p.dev?.name}${router(p.flags)}${protocol(p.protocol)}`),
  ];
}

function protocol(number: number): string {
  return number === 0 ? '' : ` protocol ${rtprotN2a(number)}`;
}
