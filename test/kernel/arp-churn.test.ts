/**
 * ARP under random news, orders and settings: the kernel of this machine and Packetwalk must send the same frames, refuse
 * the same commands, and know the same neighbours at the end and on the way. Needs root and network namespaces.
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

const RUNS = 8;
const STEPS = 40;
/** Between events, ms. */
const GAP = 5;
const TIMEOUT_MS = 60_000;

const NAMES = {
  p0: { mac: '02:00:00:00:00:10', ip: '10.0.0.1' },
  p1: { mac: '02:00:00:00:00:11', ip: '10.1.0.1' },
};
/** Stations, our own addresses, networks, broadcasts, and addresses that nobody may have. */
const HOSTS = ['10.0.0.2', '10.0.0.3', '10.1.0.2', '10.1.0.3', '10.0.0.1', '10.0.0.255', '10.0.0.0', '0.0.0.0', '192.0.2.7'];
const NO_HOSTS = ['255.255.255.255', '224.0.0.5', '127.0.0.1'];
const MACS = ['02:00:00:00:0a:02', '02:00:00:00:0a:03', '02:00:00:00:0b:02', '02:00:00:00:0b:05'];
const STATES = ['permanent', 'stale', 'noarp', 'reachable', 'none', 'failed', 'incomplete'];
const SETTINGS = ['arp_ignore', 'arp_announce', 'arp_accept', 'arp_filter', 'proxy_arp', 'drop_gratuitous_arp', 'arp_notify'];
const DUMPS = ['ip neigh show nud all', 'ip neigh show proxy', 'cat /proc/net/arp'];

/** No timer comes due during a run: the kernel's are late by more than a run may be. */
const SETUP = [
  'ip addr add 10.0.0.1/24 dev p0',
  'ip addr add 10.1.0.1/24 dev p1',
  'sysctl -w net.ipv4.ip_forward=1',
  'sysctl -w net.ipv4.conf.all.send_redirects=0',
  ...['p0', 'p1'].flatMap((dev) => [
    `sysctl -w net.ipv4.conf.${dev}.send_redirects=0`,
    `sysctl -w net.ipv4.neigh.${dev}.retrans_time_ms=9000`,
    `sysctl -w net.ipv4.neigh.${dev}.delay_first_probe_time=100`,
    `sysctl -w net.ipv4.neigh.${dev}.proxy_delay=0`,
  ]),
];

class Churn {
  readonly events: ScenarioEvent[] = [];
  readonly dumps: Record<string, 'sorted'> = {};
  private readonly random: SeededRandom;
  private t = 0;

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
    const kind = this.random.below(10);
    if (kind < 4) this.frame(this.arp());
    else if (kind < 6) this.frame(`ip ${this.pick(HOSTS.slice(0, 3))} > ${this.pick(HOSTS)} / udp 1 > 2`);
    else if (kind < 8) this.command(this.order());
    else this.command(kind < 9 ? this.setting() : this.upheaval());
    if (this.random.below(6) === 0) this.dump();
  }

  private frame(packet: string): void {
    const port = this.pick(['p0', 'p1']);
    const to = packet.startsWith('arp') ? this.pick(['broadcast', 'broadcast', port]) : port;
    this.events.push({ t: this.t, port, frame: parsePacket(`eth ${this.pick(MACS)} > ${to} / ${packet}`, NAMES) });
  }

  private arp(): string {
    const anybody = [...HOSTS, ...NO_HOSTS];
    const oddity = this.pick(['', '', '', '', ' hrd 6', ' hrd 7', ' pln 5']);
    const tha = this.pick(['00:00:00:00:00:00', ...MACS]);
    return `arp op ${this.pick([1, 1, 1, 2, 2, 3])} ${this.pick(anybody)} > ${this.pick(anybody)} sha ${this.pick(MACS)} tha ${tha}${oddity}`;
  }

  private order(): string {
    const host = `${this.pick(HOSTS)} dev ${this.pick(['p0', 'p1'])}`;
    const verb = this.pick(['add', 'add', 'replace', 'replace', 'change', 'del']);
    if (verb === 'del') return `ip neigh del ${host}`;
    const lladdr = this.pick([`lladdr ${this.pick(MACS)} `, `lladdr ${this.pick(MACS)} `, '']);
    const mark = this.pick(['', '', '', ' router', ' extern_learn', ' use']);
    return `ip neigh ${verb} ${this.pick(['', '', '', 'proxy '])}${host} ${lladdr}nud ${this.pick(STATES)}${mark}`;
  }

  private setting(): string {
    return `sysctl -w net.ipv4.conf.${this.pick(['all', 'p0', 'p1'])}.${this.pick(SETTINGS)}=${this.random.below(3)}`;
  }

  private upheaval(): string {
    const dev = this.pick(['p0', 'p1']);
    const host = this.pick(HOSTS);
    return this.pick([
      `ip neigh flush ${host}`,
      `ip neigh flush ${host} nud all`,
      `arp -s ${host} ${this.pick(MACS)}`,
      `arp -d ${host}`,
      `arp -i ${dev} -Ds ${host} ${dev} pub`,
      'ip addr add 10.1.0.3/24 dev p1',
      'ip addr del 10.1.0.3/24 dev p1',
      `ip link set ${dev} arp off`,
      `ip link set ${dev} arp on`,
      `sysctl -w net.ipv4.neigh.${dev}.locktime=0`,
      `sysctl -w net.ipv4.neigh.${dev}.mcast_solicit=${this.random.below(2) * 3}`,
    ]);
  }

  private command(cmd: string): void {
    this.events.push({ t: this.t, cmd });
  }

  private dump(): void {
    for (const dump of DUMPS) {
      const as = `${Object.keys(this.dumps).length}: ${dump}`;
      this.dumps[as] = 'sorted';
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

it.skipIf(process.getuid?.() !== 0).each(Array.from({ length: RUNS }, (_, seed) => seed))(
  'churn %i (root)',
  async (seed) => {
    const { events, dumps, endMs } = new Churn(seed);
    const scenario: Scenario = {
      name: `arp-churn-${seed}`,
      about: '',
      ports: [
        { name: 'p0', mac: NAMES.p0.mac, mtu: 1500 },
        { name: 'p1', mac: NAMES.p1.mac, mtu: 1500 },
      ],
      hosts: [],
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
