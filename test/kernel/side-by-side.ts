/**
 * side-by-side.ts — command lines typed at the kernel's own tools and at Packetwalk: a namespace of this machine with TAP
 * ports, which needs root and the tools, and a router with ports of the same names, addresses and numbers.
 */
import {
  BufferIo,
  type PluginInstance,
  Router,
  SeededRandom,
  Softirq,
  silentLog,
  splitWords,
  Tracer,
  VirtualClock,
} from '@packetwalk/framework';
import { loadLibc } from '@packetwalk/framework/runtime';
import { scenarioPlugins } from '../../cli/src/scenario-plugins.ts';
import { SCENARIO_DRIVER, scenarioPorts } from '../../cli/src/scenario-ports.ts';
import { TunFile } from '../../plugins/nic-tap/src/tun-file.ts';
import { Namespace } from './namespace.ts';

/** koffi is a dependency of the TAP driver. */
const DRIVER = new URL('../../plugins/nic-tap/src/plugin.ts', import.meta.url).href;

/** What a command line gave: its status, and both streams as one text. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Something that command lines are typed at. */
export interface Typist {
  type(line: string): Promise<Answer>;
  close(): Promise<void>;
}

interface Port {
  readonly name: string;
  readonly mac: string;
}

/** Ports p0, p1 …, with the MAC addresses 02:00:00:00:00:10 and so on. */
function portNames(ports: number): Port[] {
  return Array.from({ length: ports }, (_, i) => ({ name: `p${i}`, mac: `02:00:00:00:00:${(0x10 + i).toString(16)}` }));
}

/** The kernel of this machine and its tools, in a namespace of its own. */
export async function typeAtKernel(ports: number): Promise<Typist> {
  const names = portNames(ports);
  const namespace = await Namespace.create();
  const libc = loadLibc(DRIVER);
  const taps = namespace.inside(libc, () => names.map(({ name }) => new TunFile(libc, name, 'tap')));
  await namespace.need(
    'for f in all default; do [ ! -w /proc/sys/net/ipv6/conf/$f/disable_ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done; ip link set lo up',
  );
  if (ports > 0) await namespace.need(names.map(({ name, mac }) => `ip link set ${name} address ${mac} up`).join('\n'));
  return {
    async type(line) {
      const { status, output } = await namespace.run(line);
      return { status, text: output };
    },
    async close() {
      for (const tap of taps) tap.close();
      await namespace.remove();
    },
  };
}

/** Packetwalk: a router of all built-in plugins in virtual time. */
export async function typeAtPacketwalk(ports: number): Promise<Typist> {
  const plugins: PluginInstance[] = await scenarioPlugins();
  plugins.push({ id: 'scenario-ports', plugin: scenarioPorts([], () => {}), options: {} });
  const devices = Object.fromEntries(portNames(ports).map(({ name, mac }) => [name, { driver: SCENARIO_DRIVER, mac }]));
  const softirq = new Softirq(new VirtualClock(), new SeededRandom(1), silentLog);
  const router = new Router({ name: 'ours', softirq, tracer: new Tracer(), log: silentLog, plugins, config: { devices }, baseDir: '.' });
  await router.start();
  return {
    async type(line) {
      const io = new OneStream();
      const status = await router.commands.run(splitWords(line), io);
      return { status, text: io.stdout };
    },
    close: () => router.stop(),
  };
}

/** Both streams of a command as one text, in the order of writing. */
class OneStream extends BufferIo {
  override err(text: string): void {
    this.out(text);
  }
}

/** Both at once. */
export class SideBySide {
  private readonly kernel: Typist;
  private readonly own: Typist;

  private constructor(kernel: Typist, own: Typist) {
    this.kernel = kernel;
    this.own = own;
  }

  static async create(ports: number): Promise<SideBySide> {
    return new SideBySide(await typeAtKernel(ports), await typeAtPacketwalk(ports));
  }

  /** Types a line at both. */
  async type(line: string): Promise<{ kernel: Answer; ours: Answer }> {
    return { kernel: await this.kernel.type(line), ours: await this.own.type(line) };
  }

  async close(): Promise<void> {
    await this.kernel.close();
    await this.own.close();
  }
}
