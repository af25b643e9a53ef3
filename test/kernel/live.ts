/**
 * live.ts — plays a scenario through the kernel of this machine, in real time: the router is a network namespace, its
 * ports are TAP interfaces whose other end is here. Needs root, iproute2, ethtool and /dev/net/tun.
 *
 * A frame that is written to a TAP interface has been processed when the write returns: what it caused is read at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type FdWatch, type Libc, loadLibc, POLLIN, watchFd } from '@packetwalk/framework/runtime';
import { ScenarioHosts } from '../../cli/src/scenario-hosts.ts';
import { fitsWire } from '../../cli/src/scenario-ports.ts';
import type { RunRecord, Scenario, ScenarioPort } from '../../framework/src/testing/scenario.ts';
import { TunFile } from '../../plugins/nic-tap/src/tun-file.ts';
import { Namespace } from './namespace.ts';

/** koffi is a dependency of the TAP driver. */
const DRIVER = new URL('../../plugins/nic-tap/src/plugin.ts', import.meta.url).href;

/** Largest frame that a TAP interface gives. */
const MAX_FRAME = 65536 + 18;

/** What every scenario starts from, written out: a new namespace takes some values over from the host. */
const SYSCTLS = [
  'net.ipv4.ip_forward=0',
  'net.ipv4.icmp_ratemask=0',
  'net.ipv4.igmp_link_local_mcast_reports=0',
  'net.ipv4.conf.all.accept_source_route=0',
  'net.ipv4.conf.default.accept_source_route=1',
  ...['accept_redirects', 'secure_redirects', 'send_redirects', 'shared_media'].map((name) => `net.ipv4.conf.{all,default}.${name}=1`),
  ...[
    'rp_filter',
    'accept_local',
    'route_localnet',
    'src_valid_mark',
    'arp_filter',
    'arp_ignore',
    'arp_announce',
    'arp_accept',
    'arp_notify',
    'proxy_arp',
    'proxy_arp_pvlan',
    'bootp_relay',
    'promote_secondaries',
    'drop_gratuitous_arp',
    'drop_unicast_in_l2_multicast',
    'ignore_routes_with_linkdown',
  ].map((name) => `net.ipv4.conf.{all,default}.${name}=0`),
];

/** Settings that not every kernel has, or not in a namespace. */
const OPTIONAL_SYSCTLS = [
  ['net/ipv6/conf/all/disable_ipv6', 1],
  ['net/ipv6/conf/default/disable_ipv6', 1],
  ['net/ipv4/icmp_msgs_per_sec', 1000000],
  ['net/ipv4/icmp_msgs_burst', 10000],
  ['net/bridge/bridge-nf-call-iptables', 0],
  ['net/bridge/bridge-nf-call-ip6tables', 0],
  ['net/bridge/bridge-nf-call-arptables', 0],
];

/**
 * How late an event may be, in ms: scenarios keep 100 ms between a timer and what depends on it. A run on a machine that
 * was too busy to keep the time says nothing; it is done again.
 */
const MAX_LATENESS = 60;
const TRIES = 8;

/** Plays a scenario; what the kernel sent and what the dumps gave, in the order in which it happened. */
export async function playLive(scenario: Scenario): Promise<RunRecord[]> {
  for (let tries = 1; ; tries++) {
    const namespace = await Namespace.create();
    const run = new LiveRun(scenario, namespace, loadLibc(DRIVER));
    try {
      await run.play();
    } finally {
      run.close();
      await namespace.remove();
    }
    if (run.lateness <= MAX_LATENESS) return run.records;
    if (tries === TRIES) throw new Error(`this machine is too busy: an event of ${scenario.name} was ${run.lateness} ms late`);
  }
}

class LiveRun {
  readonly records: RunRecord[] = [];
  /** How late the latest event was, in ms. */
  lateness = 0;
  private readonly scenario: Scenario;
  private readonly namespace: Namespace;
  private readonly libc: Libc;
  private readonly ports = new Map<string, LivePort>();
  /** When scenario time 0 was, on the host's clock; commands move it, since they take no scenario time. */
  private start = 0;
  private event = -1;

  constructor(scenario: Scenario, namespace: Namespace, libc: Libc) {
    this.scenario = scenario;
    this.namespace = namespace;
    this.libc = libc;
  }

  async play(): Promise<void> {
    const { scenario, namespace } = this;
    await namespace.need(
      [
        `sysctl -qw ${SYSCTLS.join(' ')}`,
        ...OPTIONAL_SYSCTLS.map(([file, value]) => `[ ! -w /proc/sys/${file} ] || echo ${value} >/proc/sys/${file}`),
        'ip link set lo up',
      ].join('\n'),
    );
    namespace.inside(this.libc, () => {
      for (const port of scenario.ports) this.ports.set(port.name, new LivePort(this.libc, port, scenario, this.hear));
    });
    await namespace.need(scenario.ports.map(portSetup).join('\n'));
    if (scenario.setup.length > 0) await namespace.need(`set -e\n${scenario.setup.join('\n')}`);
    if (scenario.setup.some((line) => /\bbr(ctl|idge)\b/.test(line))) await this.bridgeReady();
    this.start = performance.now();
    for (const [i, event] of scenario.events.entries()) {
      await this.until(event.t);
      this.lateness = Math.max(this.lateness, Math.round(this.now() - event.t));
      this.event = i;
      if ('frame' in event) this.port(event.port).inject(event.frame);
      else await this.type(event);
      for (const port of this.ports.values()) port.drain();
    }
    await this.until(scenario.endMs);
  }

  close(): void {
    for (const port of this.ports.values()) port.close();
  }

  private readonly hear = (port: string, frame: Uint8Array): void => {
    this.records.push({ t: this.now(), after: this.event, port, frame });
  };

  /** Scenario time, to a tenth of a millisecond. */
  private now(): number {
    return Math.round((performance.now() - this.start) * 10) / 10;
  }

  private async until(t: number): Promise<void> {
    for (let left = t - this.now(); left > 0; left = t - this.now()) await sleep(left);
  }

  private port(name: string): LivePort {
    return this.ports.get(name) as LivePort;
  }

  private async type(event: { cmd: string; fails?: boolean } | { dump: string; as: string }): Promise<void> {
    const began = performance.now();
    const t = this.now();
    const after = this.event;
    if ('dump' in event) {
      const { output } = await this.namespace.run(event.dump);
      this.records.push({ t, after, dump: event.as, text: output });
    } else {
      const { status, output } = await this.namespace.run(event.cmd);
      if ((status !== 0) !== (event.fails === true)) throw new Error(`ended with ${status}: ${event.cmd}\n${output}`);
    }
    this.start += performance.now() - began;
  }

  /** A bridge takes no frames from a port before the kernel's link watch has seen it; with STP that is the scenario's own affair. */
  private async bridgeReady(): Promise<void> {
    if (this.scenario.setup.some((line) => /\bstp(_state)?\b.* (on|1)$/.test(line))) return;
    for (let tries = 0; tries < 40; tries++) {
      const { output } = await this.namespace.run('bridge -j link');
      const links = JSON.parse(output.trim() || '[]') as { state?: string }[];
      if (links.every(({ state }) => state === undefined || state === 'forwarding')) return;
      await sleep(50);
    }
  }
}

/** Up, without offloads, and as fast as a veth device says it is: the bridge's path cost follows from that. */
function portSetup({ name, mac, mtu }: ScenarioPort): string {
  return [
    `ip link set ${name} address ${mac} mtu ${mtu}`,
    `ethtool -K ${name} tx off sg off tso off gso off gro off >/dev/null 2>&1`,
    `ethtool -s ${name} speed 10000 duplex full`,
    `ip link set ${name} up`,
  ].join('\n');
}

/** Our end of a port. */
class LivePort {
  private readonly name: string;
  private readonly libc: Libc;
  private readonly tap: TunFile;
  private readonly hosts: ScenarioHosts;
  private readonly watch: FdWatch;
  private readonly hear: (port: string, frame: Uint8Array) => void;
  private readonly buffer = new Uint8Array(MAX_FRAME);

  constructor(libc: Libc, port: ScenarioPort, scenario: Scenario, hear: (port: string, frame: Uint8Array) => void) {
    this.name = port.name;
    this.libc = libc;
    this.hear = hear;
    this.tap = new TunFile(libc, port.name, 'tap');
    this.hosts = new ScenarioHosts(scenario.hosts, port.name);
    this.watch = watchFd(libc, this.tap.fd, () => this.drain());
    this.watch.arm(POLLIN);
  }

  /** A frame arrives at the router; one that the interface refuses, since it is down or the frame too short, is lost. */
  inject(frame: Uint8Array): void {
    if (!fitsWire(frame, this.tap.hostMtu())) return;
    this.buffer.set(frame);
    this.libc.write(this.tap.fd, this.libc.addressOf(this.buffer), frame.length);
  }

  /** Takes what the router has sent, and lets the stations answer. */
  drain(): void {
    const { libc, tap, buffer } = this;
    const address = libc.addressOf(buffer);
    for (let length = libc.read(tap.fd, address, MAX_FRAME); length > 0; length = libc.read(tap.fd, address, MAX_FRAME)) {
      const frame = buffer.slice(0, length);
      this.hear(this.name, frame);
      const answer = this.hosts.answer(frame);
      if (answer !== null) this.inject(answer);
    }
    this.watch.arm(POLLIN);
  }

  close(): void {
    this.watch.close();
    this.tap.close();
  }
}
