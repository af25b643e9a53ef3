/**
 * scenario.ts — plays a scenario in Packetwalk: one router in virtual time, so that a run is a function of the scenario.
 *
 * Before the event at `t` all timers due at or before `t` run, by due time, and of those due together in the order in
 * which they were set. A frame is processed to the end before the next event. Commands take no scenario time.
 */
import {
  BufferIo,
  type Log,
  lineLog,
  type PluginInstance,
  Router,
  type RouterConfig,
  SeededRandom,
  Softirq,
  splitWords,
  Tracer,
  VirtualClock,
} from '@packetwalk/framework';
import type { CommandEvent, DumpEvent, FrameEvent, RunRecord, Scenario } from '@packetwalk/framework/testing';
import { arrive, SCENARIO_DRIVER, scenarioPorts } from './scenario-ports.ts';

/** What a scenario is played with. */
export interface PlayOptions {
  /** What the router is made of, besides its ports. */
  readonly plugins: readonly PluginInstance[];
  /** Config of the router; its devices are replaced by the scenario's ports. */
  readonly config?: RouterConfig;
  /** Folder that relative paths of the config start at. */
  readonly baseDir?: string;
  /** Seed of what is random. */
  readonly seed?: number;
  /** Looks at the router when the run is over, before it stops. */
  readonly inspect?: (router: Router) => void;
}

/** The scenario cannot go on: a command was not built, failed, or was to be refused and was not. */
export class ScenarioRunError extends Error {
  override readonly name = 'ScenarioRunError';
}

/** Exit status of a command that nobody supplies. */
const UNKNOWN_COMMAND = 127;

/**
 * Settings that differ from the kernel's own in every scenario: no rate limit stands in the way of an answer unless
 * the scenario sets one, and a new router is a host.
 */
const SCENARIO_SYSCTLS: Readonly<Record<string, string>> = {
  'net.ipv4.icmp_ratemask': '0',
  'net.ipv4.icmp_msgs_per_sec': '1000000',
  'net.ipv4.icmp_msgs_burst': '10000',
  'net.ipv4.igmp_link_local_mcast_reports': '0',
  'net.bridge.bridge-nf-call-iptables': '0',
  'net.bridge.bridge-nf-call-ip6tables': '0',
  'net.bridge.bridge-nf-call-arptables': '0',
};

/** Plays a scenario; what the router sent and what the dumps gave, in the order in which it happened. */
export async function playScenario(scenario: Scenario, options: PlayOptions): Promise<RunRecord[]> {
  const faults: string[] = [];
  const run = new ScenarioRun(
    scenario,
    options,
    lineLog((line) => faults.push(line), 'error'),
  );
  await run.play();
  // A plugin that threw lost a packet: the run is not what the router does.
  if (faults.length > 0) throw new ScenarioRunError(faults.join('\n'));
  return run.records;
}

class ScenarioRun {
  readonly records: RunRecord[] = [];
  private readonly scenario: Scenario;
  private readonly options: PlayOptions;
  private readonly softirq: Softirq;
  private readonly router: Router;
  /** Router time that commands took: it is not scenario time. */
  private skew = 0;
  private event = -1;

  constructor(scenario: Scenario, options: PlayOptions, log: Log) {
    this.scenario = scenario;
    this.options = options;
    this.softirq = new Softirq(new VirtualClock(), new SeededRandom(options.seed ?? 1), log);
    const ports = scenarioPorts(scenario.hosts, (port, frame) => this.records.push({ ...this.now(), port, frame }));
    const devices = scenario.ports.map(({ name, mac, mtu }) => [
      name,
      { ...addressesOf(options.config, name), driver: SCENARIO_DRIVER, mac, mtu },
    ]);
    this.router = new Router({
      name: scenario.name,
      softirq: this.softirq,
      tracer: new Tracer(),
      log,
      plugins: [...options.plugins, { id: 'scenario-ports', plugin: ports, options: {} }],
      config: { ...options.config, devices: Object.fromEntries(devices) },
      baseDir: options.baseDir ?? '.',
    });
  }

  async play(): Promise<void> {
    const { scenario, router, softirq } = this;
    try {
      await router.start();
      if (this.options.config === undefined) this.applySysctls();
      for (const command of scenario.setup) await this.command(command, false);
      for (const [i, event] of scenario.events.entries()) {
        softirq.advanceTo(event.t + this.skew);
        this.event = i;
        if ('frame' in event) this.frame(event);
        else if ('cmd' in event) await this.command(event.cmd, (event as CommandEvent).fails === true);
        else await this.dump(event);
      }
      softirq.advanceTo(scenario.endMs + this.skew);
      this.options.inspect?.(router);
    } finally {
      await router.stop();
    }
  }

  private now(): { t: number; after: number } {
    return { t: this.softirq.jiffies - this.skew, after: this.event };
  }

  private applySysctls(): void {
    const { sysctl } = this.router.net;
    for (const [name, value] of Object.entries(SCENARIO_SYSCTLS)) if (sysctl.find(name) !== undefined) sysctl.set(name, value);
  }

  private frame({ port, frame }: FrameEvent): void {
    const dev = this.router.net.device(port);
    if (dev === undefined) throw new ScenarioRunError(`port ${port} is no longer there`);
    arrive(dev, frame);
    this.softirq.runToCompletion();
  }

  private async command(line: string, fails: boolean): Promise<void> {
    const { status, output } = await this.type(line);
    if ((status !== 0) === fails) return;
    throw new ScenarioRunError(status === 0 ? `was not refused: ${line}` : `ended with ${status}: ${line}\n${output}`.trimEnd());
  }

  private async dump({ dump, as }: DumpEvent): Promise<void> {
    const at = this.now();
    const { output } = await this.type(dump);
    this.records.push({ ...at, dump: as, text: output });
  }

  /** Types a command line; what it wrote, both streams as one. */
  private async type(line: string): Promise<{ status: number; output: string }> {
    const { softirq, router } = this;
    const io = new BufferIo();
    const began = softirq.jiffies;
    const result = router.commands.run(splitWords(line), io);
    const status = typeof result === 'number' ? result : await this.settle(result, line);
    softirq.runToCompletion();
    this.skew += softirq.jiffies - began;
    if (status === UNKNOWN_COMMAND) throw new ScenarioRunError(`no such command: ${line}`);
    return { status, output: io.stdout + io.stderr };
  }

  /** Lets router time pass until a command that takes some (ping, say) has ended. */
  private async settle(ending: Promise<number>, line: string): Promise<number> {
    const { softirq } = this;
    let status: number | null = null;
    const watched = ending.then((ended) => {
      status = ended;
    });
    for (;;) {
      softirq.runToCompletion();
      await new Promise((resolve) => setImmediate(resolve));
      if (status !== null) break;
      const next = softirq.timers.earliest();
      if (next === Number.POSITIVE_INFINITY) throw new ScenarioRunError(`waits for what never comes: ${line}`);
      softirq.advanceTo(next);
    }
    await watched;
    return status;
  }
}

/** What a port keeps of its device in the config: everything but the driver's part. */
function addressesOf(config: RouterConfig | undefined, name: string): object {
  const device = config?.devices?.[name];
  if (device === undefined) return {};
  return {
    ...(device.addresses === undefined ? {} : { addresses: device.addresses }),
    ...(device.up === undefined ? {} : { up: device.up }),
  };
}
