/**
 * test-router.ts — a router for tests: in virtual time, with ports that tests feed and look at. Packets are text
 * (packet-notation.ts). Nothing waits for a clock, and each run is like the one before.
 *
 *     const router = new TestRouter({plugins: [ipv4, arp, fibTrie, mine], config: {devices: {lan: {driver: 'test-port', …}}}});
 *     router.receive('lan', 'eth 02::9 > 02::1 / ip 10.0.0.9 > 10.0.0.1 / icmp echo-request id 1 seq 1');
 *     expect(router.sent()).toEqual(['lan eth …']);
 *     await router.close();
 */
import { SeededRandom, VirtualClock } from '../clock.ts';
import { BufferIo, splitWords } from '../command.ts';
import { dropReasonName } from '../drop-reason.ts';
import { ConfigError } from '../errors.ts';
import { lineLog } from '../log.ts';
import type { Net } from '../net.ts';
import { definePlugin, type Plugin } from '../plugin.ts';
import type { PluginInstance } from '../plugin-order.ts';
import { Router, type RouterConfig } from '../router.ts';
import { allocSkb, consumeSkb, skbBytes, skbPutData } from '../skbuff.ts';
import { Softirq } from '../softirq.ts';
import { Tracer } from '../trace.ts';
import { formatPacket, parsePacket } from './packet-notation.ts';
import type { PacketNames } from './packet-words.ts';

/** `driver:` of the ports of a {@link TestRouter}. */
export const TEST_PORT = 'test-port';

export interface TestRouterOptions {
  /** What it is made of; options and a name of its own as {@link PluginInstance}. */
  readonly plugins: readonly (Plugin | PluginInstance)[];
  /** As in a config file. Devices of driver `test-port` are ports. */
  readonly config?: RouterConfig;
  /** Names that stand for addresses in packets. */
  readonly names?: PacketNames;
  readonly seed?: number;
}

export class TestRouter {
  readonly router: Router;
  readonly softirq: Softirq;
  /** Lines that were logged. */
  readonly log: string[] = [];
  private readonly names: PacketNames;
  private left: string[] = [];

  /** Throws an Error that names all that is wrong with the config. */
  constructor({ plugins, config = {}, names = {}, seed = 1 }: TestRouterOptions) {
    this.names = names;
    const log = lineLog((line) => this.log.push(line), 'info');
    this.softirq = new Softirq(new VirtualClock(Date.UTC(2026, 0, 1)), new SeededRandom(seed), log);
    const instances = [this.ports(), ...plugins].map((p) => ('plugin' in p ? p : { id: p.name, plugin: p, options: defaults(p) }));
    try {
      this.router = new Router({
        name: 'test',
        softirq: this.softirq,
        tracer: new Tracer(),
        log,
        plugins: instances,
        config,
        baseDir: '.',
      });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new Error(error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('\n'));
    }
  }

  get net(): Net {
    return this.router.net;
  }

  /** A frame arrives at a port; all that it causes is done before this returns. */
  receive(port: string, packet: string | Uint8Array): void {
    const frame = typeof packet === 'string' ? parsePacket(packet, this.names) : packet;
    const skb = allocSkb(this.net, this.net.needDevice(port), frame.length);
    skbPutData(skb, frame);
    this.softirq.netifRx(skb);
    this.softirq.runToCompletion();
  }

  /** What has left since the last call: `port packet`, in order. */
  sent(): string[] {
    const { left } = this;
    this.left = [];
    return left;
  }

  /** Time goes on; timers that are due fire. */
  advance(ms: number): void {
    this.softirq.advanceTo(this.softirq.clock.now() + ms);
  }

  /** Runs a command line that must succeed, and returns what it printed. For those that act at once. */
  run(line: string): string {
    const io = new BufferIo();
    const status = this.router.commands.run(splitWords(line), io);
    this.softirq.runToCompletion();
    if (status !== 0) throw new Error(`${line}: ${typeof status === 'number' ? `status ${status}: ${io.stderr}` : 'takes time'}`);
    return io.stdout;
  }

  /** Drops so far, by the names of their reasons. */
  drops(): Record<string, number> {
    const counted = [...this.net.drops].map((count, reason): [string, number] => [dropReasonName(reason), count]);
    return Object.fromEntries(counted.filter(([, count]) => count > 0));
  }

  /** Counters of a group, those of a plugin's instance say. */
  counters(group: string): Record<string, number> {
    const found = [...this.net.metrics.all()].find(({ name }) => name === group);
    return Object.fromEntries((found?.names ?? []).map((name, i) => [name, found?.values[i] ?? 0]));
  }

  /** Stops the router. Throws when a packet was neither sent nor freed, or a plugin threw on the way. */
  async close(): Promise<void> {
    await this.router.stop();
    const faults = [...this.softirq.faults].map(([plugin, count]) => `${plugin} threw ${count} times`);
    const { inUse } = this.softirq.pool;
    if (inUse !== 0) faults.push(`${inUse} packets were neither sent nor freed`);
    if (faults.length > 0) throw new Error([...faults, ...this.log].join('\n'));
  }

  private ports(): Plugin {
    return definePlugin({
      name: 'test-ports',
      setup: (ctx) =>
        ctx.driver({
          name: TEST_PORT,
          create: () => ({
            ops: {
              startXmit: (skb, dev) => {
                this.left.push(`${dev.name} ${formatPacket(skbBytes(skb), { names: this.names })}`);
                consumeSkb(skb);
                return 0;
              },
            },
          }),
        }),
    });
  }
}

/** Options as a config that says none has them. */
export function defaults(plugin: Plugin): object {
  const properties = (plugin.schema?.properties ?? {}) as Record<string, { default?: unknown }>;
  return Object.fromEntries(Object.entries(properties).flatMap(([key, p]) => (p.default === undefined ? [] : [[key, p.default]])));
}
