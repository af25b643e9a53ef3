/**
 * side-by-side.ts — the same command lines typed at the kernel's own tools and at Packetwalk: a namespace of this machine
 * with TAP ports, and a router with ports of the same names, addresses and numbers. Needs root, and the tools.
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
import { loadPlugin } from '../../cli/src/load-plugin.ts';
import { SCENARIO_DRIVER, scenarioPorts } from '../../cli/src/scenario-ports.ts';
import { TunFile } from '../../plugins/nic-tap/src/tun-file.ts';
import { Namespace } from './namespace.ts';

/** koffi is a dependency of the TAP driver. */
const DRIVER = new URL('../../plugins/nic-tap/src/plugin.ts', import.meta.url).href;

const PLUGINS = ['ipv4', 'arp', 'fib-trie'];

/** What a command line gave: its status, and both streams as one text. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

export class SideBySide {
  private readonly namespace: Namespace;
  private readonly taps: readonly TunFile[];
  private readonly router: Router;

  private constructor(namespace: Namespace, taps: readonly TunFile[], router: Router) {
    this.namespace = namespace;
    this.taps = taps;
    this.router = router;
  }

  /** Ports p0, p1 …, up, with the MAC addresses 02:00:00:00:00:10 and so on. */
  static async create(ports: number): Promise<SideBySide> {
    const names = Array.from({ length: ports }, (_, i) => ({ name: `p${i}`, mac: `02:00:00:00:00:${(0x10 + i).toString(16)}` }));
    const namespace = await Namespace.create();
    const libc = loadLibc(DRIVER);
    const taps = namespace.inside(libc, () => names.map(({ name }) => new TunFile(libc, name, 'tap')));
    await namespace.need('sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1; ip link set lo up');
    await namespace.need(names.map(({ name, mac }) => `ip link set ${name} address ${mac} up`).join('\n'));
    const plugins: PluginInstance[] = [];
    for (const name of PLUGINS) plugins.push({ id: name, plugin: await loadPlugin(name, '.'), options: {} });
    plugins.push({ id: 'scenario-ports', plugin: scenarioPorts([], () => {}), options: {} });
    const router = new Router({
      name: 'ours',
      softirq: new Softirq(new VirtualClock(), new SeededRandom(1), silentLog),
      tracer: new Tracer(),
      log: silentLog,
      plugins,
      config: { devices: Object.fromEntries(names.map(({ name, mac }) => [name, { driver: SCENARIO_DRIVER, mac }])) },
      baseDir: '.',
    });
    await router.start();
    return new SideBySide(namespace, taps, router);
  }

  /** Types a line at both. */
  async type(line: string): Promise<{ kernel: Answer; ours: Answer }> {
    const { status, output } = await this.namespace.run(line);
    const io = new BufferIo();
    const own = await this.router.commands.run(splitWords(line), io);
    return { kernel: { status, text: output }, ours: { status: own, text: io.stdout + io.stderr } };
  }

  async close(): Promise<void> {
    for (const tap of this.taps) tap.close();
    await this.namespace.remove();
    await this.router.stop();
  }
}
