/** plugin.ts — IPv4: wires the path, routing and commands together. */
import {
  CommandError,
  ConfigError,
  Defrag,
  definePlugin,
  ETH_P_IP,
  type FibBackendFactory,
  FibBackends,
  IcmpSend,
  IFF_LOOPBACK,
  InetDevices,
  InetProtocols,
  InetSockets,
  IpOutput,
  LinkKinds,
  NeighTable,
  type Plugin,
  type PluginContext,
  Routing,
  SKB_DROP_REASON_QUEUE_PURGE,
  Timer,
  Words,
} from '@packetwalk/framework';
import { Devinet } from './devinet.ts';
import { Fib } from './fib.ts';
import { icmpProtocol } from './icmp.ts';
import { icmpSend } from './icmp-send.ts';
import { igmpProtocol, pimProtocol } from './igmp.ts';
import { inetSockets } from './inet-sockets.ts';
import { ipDefrag } from './ip-defrag.ts';
import { ipRcv } from './ip-input.ts';
import { ipBuildAndSendPkt, ipLocalOut, ipLocalOutAgain, ipSelectTtl } from './ip-output.ts';
import { ipAddrCommand } from './iproute/addr-command.ts';
import { parseAddress } from './iproute/addr-parse.ts';
import { ipRouteCommand } from './iproute/route-command.ts';
import { parseRoute, toRouteConfig } from './iproute/route-parse.ts';
import { TableNames } from './iproute/route-types.ts';
import { addRule, ipRuleCommand, parseRule } from './iproute/rule-command.ts';
import { Ipv4 } from './ipv4.ts';
import { ifconfigCommand } from './nettools/ifconfig-command.ts';
import { netstatCommand } from './nettools/netstat-command.ts';
import { routeCommand } from './nettools/route-command.ts';
import { procNetRoute } from './nettools/route-table.ts';
import { pingCommand } from './ping.ts';
import { procNetDev } from './proc/dev.ts';
import { procNetFibInfo } from './proc/fib-info.ts';
import { procNetFibTrie, procNetFibTriestat } from './proc/fib-trie.ts';
import { procNetRtCache, procNetStatRtCache } from './proc/rt-cache.ts';
import { procNetNetstat, procNetSnmp } from './proc/snmp.ts';
import { Ipv4Route } from './route.ts';
import { saveIpv4 } from './save.ts';
import { netIpv4Sysctls } from './sysctl-net-ipv4.ts';
import { routeSysctls } from './sysctl-route.ts';
import { tcpProtocol } from './tcp.ts';
import { tracepathCommand } from './tracepath.ts';
import { tracerouteCommand } from './traceroute.ts';
import { udpProtocol } from './udp.ts';
import { udpliteProtocol } from './udplite.ts';

/** A line of `routes:` or `rules:`, or one with `table:` and the like is a string all the same. */
const LINES = { type: 'array', items: { type: 'string' } } as const;

const plugin: Plugin = definePlugin({
  name: 'ipv4',
  requires: [FibBackends, LinkKinds],
  provides: [InetDevices, Routing, InetProtocols, IcmpSend, IpOutput, Defrag, InetSockets],
  sections: {
    routes: { ...LINES, description: 'Routes: what follows `ip route add`' },
    rules: { ...LINES, description: 'Policy routing rules: what follows `ip rule add`' },
    rt_tables: {
      type: 'object',
      description: 'Names of routing tables, as in /etc/iproute2/rt_tables',
      additionalProperties: { type: 'integer', minimum: 1, maximum: 0xffffffff },
    },
    fib: {
      type: 'object',
      description: 'Which lookup structure the routing tables use, when several are loaded',
      additionalProperties: false,
      properties: { backend: { type: 'string' } },
    },
    routing_cache: {
      type: 'boolean',
      description: 'Keep a routing cache in front of the tables, an entry for each flow, as Linux did before 3.6',
    },
  },
  setup(ctx) {
    const { net } = ctx;
    const neighbours = ctx.slot(NeighTable);
    const inet = new Devinet(net);
    const ipv4 = new Ipv4(net, inet, neighbours);
    net.ipv4 = ipv4;
    ctx.defer(() => {
      ipv4.frags.purge(SKB_DROP_REASON_QUEUE_PURGE);
      inet.dispose();
      net.ipv4 = null;
    });
    ctx.provide(InetDevices, inet);
    ctx.provide(InetProtocols, ipv4.protocols);
    ctx.provide(IcmpSend, { icmpSend });
    ctx.provide(IpOutput, {
      buildAndSend: ipBuildAndSendPkt,
      localOut: ipLocalOut,
      localOutAgain: ipLocalOutAgain,
      ttl: ipSelectTtl,
      ident: (saddr, daddr, protocol) => ipv4.idents.next(saddr, daddr, protocol),
    });
    ctx.provide(Defrag, { defrag: ipDefrag });
    ctx.provide(InetSockets, inetSockets(ipv4));
    ipv4.fragGeometry = ctx.skbExt();
    for (const protocol of [icmpProtocol, igmpProtocol, pimProtocol, udpProtocol, udpliteProtocol, tcpProtocol]) ctx.inetProtocol(protocol);
    ctx.packetType({ type: ETH_P_IP, func: ipRcv });
    routing(ctx, inet, ipv4);
  },
});
export default plugin;

function routing(ctx: PluginContext, inet: Devinet, ipv4: Ipv4): void {
  const { net } = ctx;
  const fib = new Fib(net, chooseBackend(ctx));
  const route = new Ipv4Route(net, fib, inet, ipv4.neighbours, ctx.section<boolean>('routing_cache') ?? false);
  ctx.defer(() => {
    fib.dispose();
    route.flush();
  });
  ipv4.routing = route;
  fib.onChange = () => route.flush();
  inet.onConfChanged = () => route.flush();
  inet.findInTable = (local) => fib.localDevice(local);
  inet.listener = {
    added: (ifa) => fib.addressUp(ifa),
    removed: (ifa) => fib.addressDown(ifa),
    withdraw: (ifa, primary) => fib.delIfaddr(ifa, primary),
    readd: (ifa) => fib.addIfaddr(ifa),
    metric: (ifa, metric) => fib.changeMetric(ifa, metric),
  };
  ctx.provide(Routing, route);
  for (const def of [...netIpv4Sysctls(ipv4, inet, route), ...routeSysctls(route)]) ctx.sysctl(def);
  ctx.on('netdev:register', (dev) => inet.of(dev));
  ctx.on('netdev:unregister', (dev) => {
    inet.forget(dev);
    fib.deviceDown(dev, 'unregister', true);
  });
  ctx.on('netdev:up', (dev) => {
    inet.deviceUp(dev);
    fib.deviceUp(dev);
  });
  ctx.on('netdev:down', (dev) => fib.deviceDown(dev, 'down', false));
  ctx.on('netdev:change', (dev) => fib.carrierChanged(dev));
  ctx.on('netdev:changeMtu', () => route.flush());
  ctx.on('netdev:changeName', (dev) => {
    inet.renamed(dev);
    route.flush();
  });
  for (const dev of net.devices()) {
    inet.of(dev);
    if ((dev.flags & IFF_LOOPBACK) !== 0) {
      inet.deviceUp(dev);
      fib.deviceUp(dev);
    }
  }
  const tables = new TableNames();
  ctx.command(ipAddrCommand(net, inet, ctx.inject(LinkKinds)));
  ctx.command(ipRouteCommand(route, tables));
  ctx.command(ipRuleCommand(route, tables));
  ctx.command(ifconfigCommand(net, inet));
  ctx.command(routeCommand(route));
  ctx.command(netstatCommand(route));
  ctx.proc('net/route', () => procNetRoute(fib));
  ctx.proc('net/dev', () => procNetDev(net));
  ctx.proc('net/snmp', () => procNetSnmp(ipv4));
  ctx.proc('net/netstat', () => procNetNetstat(ipv4));
  ctx.proc('net/fib_trie', () => procNetFibTrie(fib));
  ctx.proc('net/fib_info', () => procNetFibInfo(fib));
  ctx.proc('net/fib_triestat', () => procNetFibTriestat(fib));
  ctx.proc('net/rt_cache', () => procNetRtCache(route));
  ctx.proc('net/stat/rt_cache', () => procNetStatRtCache(route));
  const sockets = inetSockets(ipv4);
  ctx.command(pingCommand(ipv4, (fire) => new Timer('ping', fire)));
  ctx.command(tracepathCommand(ipv4, sockets, (fire) => new Timer('tracepath', fire)));
  ctx.command(tracerouteCommand(net, sockets, (fire) => new Timer('traceroute', fire)));
  ctx.onConfigure(() => configure(ctx, inet, route, tables));
  ctx.onSave((config) => saveIpv4(config, net, route, tables));
}

/** The FIB backend to use: the only one, or the one that `fib.backend` names. */
function chooseBackend(ctx: PluginContext): FibBackendFactory {
  const backends = ctx.inject(FibBackends);
  const wanted = ctx.section<{ backend?: string }>('fib')?.backend;
  const names = backends.names();
  if (wanted !== undefined) {
    const found = backends.get(wanted);
    if (found !== undefined) return found;
    const message = `no FIB backend "${wanted}" is loaded (loaded: ${names.join(', ') || 'none'})`;
    throw new ConfigError([{ code: 'unknown-backend', path: ['fib', 'backend'], message }]);
  }
  const [only] = backends.values();
  if (only === undefined) throw new Error('it needs a FIB backend: add fib-trie or fib-hash to plugins');
  if (names.length > 1) throw new Error(`several FIB backends are loaded (${names.join(', ')}): choose one with "fib: {backend: NAME}"`);
  return only;
}

/** Applies what the config says: names, addresses, routes, rules. */
function configure(ctx: PluginContext, inet: Devinet, route: Ipv4Route, tables: TableNames): void {
  const { net } = ctx;
  for (const [name, id] of Object.entries(ctx.section<Record<string, number>>('rt_tables') ?? {})) tables.define(name, id);
  const devices = ctx.section<Record<string, { addresses?: string[] }>>('devices') ?? {};
  for (const [name, { addresses = [] }] of Object.entries(devices)) {
    const dev = net.device(name);
    if (dev === undefined) continue;
    for (const [i, line] of addresses.entries()) {
      ctx.configTry(['devices', name, 'addresses', i], () => {
        const { spec } = parseAddress(new Words(line.trim().split(/\s+/)), net, dev);
        inet.addAddress(dev, spec);
      });
    }
  }
  const add = (i: number, line: string): void => {
    const config = toRouteConfig(parseRoute(lineWords(line), { net, tables }), net, ctx.position(['routes', i]));
    route.fib.addRoute(config, 'add');
  };
  // A gateway may be reached by a route further down, or by a rule; and a rule may hide it.
  let later = [...(ctx.section<string[]>('routes') ?? []).entries()].filter(([i, line]) => !succeeds(() => add(i, line)));
  for (const [i, line] of (ctx.section<string[]>('rules') ?? []).entries()) {
    ctx.configTry(['rules', i], () => addRule(route, parseRule(lineWords(line), tables, ctx.position(['rules', i]))));
  }
  for (let left = later.length + 1; later.length < left; ) {
    left = later.length;
    later = later.filter(([i, line]) => !succeeds(() => add(i, line)));
  }
  for (const [i, line] of later) ctx.configTry(['routes', i], () => add(i, line));
}

function succeeds(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}

function lineWords(line: string): Words {
  return new Words(line.trim().split(/\s+/));
}
