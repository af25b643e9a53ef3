/**
 * Routing under random orders: addresses, routes, rules, ports up and down, settings, and packets between. The kernel of this
 * machine and Packetwalk must send the same frames, refuse the same commands and list the same at the end and on the way.
 * CHURN_SEED and CHURN_RUNS say which runs. Needs root and network namespaces.
 */
import { BufferIo, Commands, definePlugin, type Plugin, SeededRandom } from '@packetwalk/framework';
import { expect, it } from 'vitest';
import { playScenario } from '../../cli/src/scenario.ts';
import { scenarioPlugins } from '../../cli/src/scenario-plugins.ts';
import { compareRuns } from '../../framework/src/testing/judge.ts';
import { reportDifferences } from '../../framework/src/testing/judge-report.ts';
import { parsePacket } from '../../framework/src/testing/packet-notation.ts';
import { COMPARE_ALL, type Scenario, type ScenarioEvent } from '../../framework/src/testing/scenario.ts';
import { playLive } from './live.ts';

const FIRST = Number(process.env.CHURN_SEED ?? 0);
const RUNS = Number(process.env.CHURN_RUNS ?? 6);
const STEPS = 60;
/** Between events, ms. */
const GAP = 2;
const TIMEOUT_MS = 120_000;

const PORTS = ['p0', 'p1', 'p2'];
const MACS: Record<string, { mac: string }> = {
  p0: { mac: '02:00:00:00:00:10' },
  p1: { mac: '02:00:00:00:00:11' },
  p2: { mac: '02:00:00:00:00:12' },
};
/** Stations that answer ARP: .2 and .3 of each port's network, and one of another network on p1. */
const HOSTS = [
  ...PORTS.flatMap((port, i) => [2, 3].map((n) => ({ name: `h${i}${n}`, port, ip: `10.${i}.0.${n}`, mac: `02:00:00:00:0${i}:0${n}` }))),
  { name: 'h5', port: 'p1', ip: '10.5.0.2', mac: '02:00:00:00:05:02' },
];
const GATEWAYS = HOSTS.map(({ ip }) => ip);
const PREFIXES = [
  'default',
  '0.0.0.0/1',
  '172.16.0.0/12',
  '172.16.0.0/16',
  '172.16.5.0/24',
  '172.16.5.9',
  '192.0.2.0/24',
  '10.1.0.128/25',
  '10.2.0.3',
];
const DESTINATIONS = [
  '172.16.5.9',
  '172.16.5.8',
  '172.16.9.1',
  '172.20.0.1',
  '8.8.8.8',
  '200.1.1.1',
  '192.0.2.1',
  '10.0.0.1',
  '10.1.0.1',
  '10.1.0.2',
  '10.1.0.200',
  '10.2.0.3',
  '10.5.0.1',
  '10.5.0.2',
  '10.1.0.255',
  '10.2.0.0',
  '255.255.255.255',
  '127.0.0.1',
  '224.0.0.5',
  '240.0.0.1',
  '0.0.0.0',
];
const SOURCES = [
  '10.0.0.2',
  '10.0.0.2',
  '10.0.0.3',
  '10.1.0.2',
  '172.16.5.9',
  '192.0.2.7',
  '10.0.0.1',
  '10.0.0.255',
  '0.0.0.0',
  '127.0.0.5',
  '224.0.0.9',
];
const SETTINGS = ['rp_filter', 'forwarding', 'accept_local', 'shared_media', 'bc_forwarding', 'promote_secondaries', 'route_localnet'];
const DUMPS = ['ip route show table all', 'ip rule show', 'ip -o addr show dev p1', 'cat /proc/net/route'];

/** No timer of ARP comes due during a run. */
const SETUP = [
  'ip addr add 10.0.0.1/24 dev p0',
  'ip addr add 10.1.0.1/24 dev p1',
  'ip addr add 10.2.0.1/24 dev p2',
  'sysctl -w net.ipv4.ip_forward=1',
  // Redirects have a back-off in real time, which commands take some of.
  ...['all', 'default', ...PORTS].map((dev) => `sysctl -w net.ipv4.conf.${dev}.send_redirects=0`),
  ...PORTS.flatMap((dev) => [
    `sysctl -w net.ipv4.neigh.${dev}.retrans_time_ms=9000`,
    `sysctl -w net.ipv4.neigh.${dev}.delay_first_probe_time=100`,
  ]),
];

class Churn {
  readonly events: ScenarioEvent[] = [];
  readonly dumps: Record<string, 'exact'> = {};
  private readonly random: SeededRandom;
  private t = 0;
  private id = 1;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    for (let i = 0; i < STEPS; i++) this.step();
    this.dump();
  }

  get endMs(): number {
    return this.t + 50;
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)];
  }

  private step(): void {
    this.t += GAP;
    const kind = this.random.below(12);
    if (kind < 5) this.frame();
    else if (kind < 9) this.command(this.route());
    else this.command(kind < 10 ? this.rule() : this.upheaval());
    if (this.random.below(8) === 0) this.dump();
  }

  private frame(): void {
    const port = this.pick(PORTS);
    const tos = this.pick(['', '', ' tos 0x10', ' tos 0x08', ' tos 0xb8']);
    const ttl = this.pick(['', '', '', ' ttl 1', ' ttl 2']);
    const payload = this.pick([
      'udp 1 > 2 / "x"',
      'udp 5 > 53 / "dns"',
      'icmp echo id 1 seq 1 / "e"',
      'tcp 1024 > 80 S seq 1',
      'udp 1 > 2 / "z"*1200',
    ]);
    const packet = `ip ${this.pick(SOURCES)} > ${this.pick(DESTINATIONS)} id ${this.id++}${tos}${ttl} / ${payload}`;
    const to = this.random.below(12) === 0 ? 'broadcast' : port;
    this.events.push({ t: this.t, port, frame: parsePacket(`eth 02:00:00:00:00:02 > ${to} / ${packet}`, MACS) });
  }

  private route(): string {
    const verb = this.pick(['add', 'add', 'add', 'append', 'prepend', 'replace', 'change', 'del', 'del']);
    const table = this.pick(['', '', '', ' table 100']);
    const metric = this.pick(['', '', ' metric 5', ' metric 9']);
    const tos = this.pick(['', '', '', ' tos 0x10']);
    const prefix = this.pick(PREFIXES);
    if (verb === 'del') return `ip route del ${prefix}${this.pick(['', ` via ${this.pick(GATEWAYS)}`, metric, tos])}${table}`;
    const way = this.pick([
      `via ${this.pick(GATEWAYS)}`,
      `via ${this.pick(GATEWAYS)}`,
      `via ${this.pick(GATEWAYS)} src 10.1.0.1`,
      `dev ${this.pick(PORTS)}`,
      `via 100.64.0.1 dev ${this.pick(PORTS)} onlink`,
      `via ${this.pick(GATEWAYS)} mtu 900`,
      'blackhole',
      'unreachable',
      'prohibit',
      'throw',
    ]);
    if (!way.includes(' ')) return `ip route ${verb} ${way} ${prefix}${tos}${metric}${table}`;
    return `ip route ${verb} ${prefix} ${way}${tos}${metric}${table}`;
  }

  private rule(): string {
    const verb = this.pick(['add', 'add', 'del']);
    const selector = this.pick([
      'from 10.0.0.2',
      'from 10.1.0.0/24',
      'to 172.16.0.0/16',
      'tos 0x10',
      'iif p0',
      'oif p1',
      'not from 10.0.0.0/24',
      'ipproto udp dport 53',
      'fwmark 1',
      'iif lo',
    ]);
    const action = this.pick([
      'lookup 100',
      'lookup 100',
      'lookup main',
      'prohibit',
      'unreachable',
      'blackhole',
      'goto 32766',
      'nop',
      'lookup main suppress_prefixlength 0',
    ]);
    return `ip rule ${verb} ${selector} ${action} pref ${this.pick([10, 20, 30, 32766, 32768])}`;
  }

  private upheaval(): string {
    const dev = this.pick(PORTS);
    return this.pick([
      `ip link set ${dev} down`,
      `ip link set ${dev} up`,
      `ip link set ${dev} up`,
      `ip link set ${dev} mtu ${this.pick([1500, 1000, 600])}`,
      'ip addr add 10.5.0.1/24 dev p1',
      'ip addr add 10.1.0.7/24 dev p1',
      'ip addr add 10.1.0.8/25 dev p2',
      'ip addr del 10.1.0.1/24 dev p1',
      'ip addr add 10.1.0.1/24 dev p1',
      'ip addr del 10.5.0.1/24 dev p1',
      'ip addr del 10.1.0.7/24 dev p1',
      'ip addr add 10.9.0.1 peer 10.9.0.2 dev p2',
      'ip addr add 10.5.0.9/24 dev p2 metric 7',
      'ip route flush table 100',
      'ip route flush proto static',
      'ip route flush cache',
      `sysctl -w net.ipv4.conf.${this.pick(['all', ...PORTS])}.${this.pick(SETTINGS)}=${this.random.below(3)}`,
      `sysctl -w net.ipv4.ip_forward=${this.random.below(2)}`,
      `sysctl -w net.ipv4.icmp_errors_use_inbound_ifaddr=${this.random.below(2)}`,
    ]);
  }

  private command(cmd: string): void {
    this.events.push({ t: this.t, cmd });
  }

  private dump(): void {
    for (const dump of [
      ...DUMPS,
      `ip route get ${this.pick(DESTINATIONS.slice(0, 12))}`,
      `ip route get ${this.pick(DESTINATIONS.slice(0, 7))} from 10.0.0.2 iif p0`,
    ]) {
      const as = `${Object.keys(this.dumps).length}: ${dump}`;
      this.dumps[as] = 'exact';
      this.events.push({ t: this.t, dump, as });
    }
  }
}

/** Runs a command line whatever comes of it, and remembers which were refused. */
function attempts(refused: string[]): Plugin {
  return definePlugin({
    name: 'attempts',
    requires: [Commands],
    setup(ctx) {
      const commands = ctx.inject(Commands);
      ctx.command({
        name: 'attempt',
        summary: '',
        usage: '',
        run([number, ...argv]) {
          if (commands.run(argv, new BufferIo()) !== 0) refused.push(number);
        },
      });
    },
  });
}

it.skipIf(process.getuid?.() !== 0).each(Array.from({ length: RUNS }, (_, i) => FIRST + i))(
  'churn %i (root)',
  async (seed) => {
    const { events, dumps, endMs } = new Churn(seed);
    const scenario: Scenario = {
      name: `routing-churn-${seed}`,
      about: '',
      ports: PORTS.map((name) => ({ name, mac: MACS[name].mac, mtu: 1500 })),
      hosts: HOSTS,
      setup: SETUP,
      events,
      endMs,
      compare: { ...COMPARE_ALL, dumps },
    };
    const refused: string[] = [];
    const attempted = events.map((event, i) => ('cmd' in event ? { ...event, cmd: `attempt ${i} ${event.cmd}` } : event));
    const plugins = [...(await scenarioPlugins()), { id: 'attempts', plugin: attempts(refused), options: {} }];
    const got = await playScenario({ ...scenario, events: attempted }, { plugins });
    // The kernel must refuse what was refused here, and nothing else: a live run ends at the first that differs.
    const judged = events.map((event, i) => ('cmd' in event ? { ...event, fails: refused.includes(String(i)) } : event));
    const want = await playLive({ ...scenario, events: judged });
    expect(reportDifferences(want, got, scenario, compareRuns(want, got, scenario))).toBe('');
  },
  TIMEOUT_MS,
);
