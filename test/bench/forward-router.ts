/** forward-router.ts — a whole router in memory for benchmarks: two devices, a table of routes, one neighbour. */
import {
  allocSkb,
  BufferIo,
  consumeSkb,
  definePlugin,
  formatIpv4,
  type NetDevice,
  type NetDeviceOps,
  netifReceiveSkb,
  type Plugin,
  type PluginInstance,
  Router,
  SeededRandom,
  Softirq,
  silentLog,
  splitWords,
  Tracer,
  VirtualClock,
} from '@packetwalk/framework';
import { tuneEngine } from '@packetwalk/framework/runtime';
import { FRAME_LENGTH } from './traffic.ts';

// As `packetwalk run` does.
tuneEngine();

/** Sends nowhere: counts and frees. */
class Sink implements NetDeviceOps {
  frames = 0;

  startXmit(skb: Parameters<NetDeviceOps['startXmit']>[0]): number {
    this.frames++;
    consumeSkb(skb);
    return 0;
  }
}

/** Gives the router frames of a list in turn, as a driver's poll does. */
class Source extends Sink {
  private readonly frames_: readonly Uint8Array[];
  private next = 0;
  left = 0;

  constructor(frames: readonly Uint8Array[]) {
    super();
    this.frames_ = frames;
  }

  poll(budget: number, dev: NetDevice): number {
    const n = Math.min(budget, this.left);
    const { frames_ } = this;
    for (let i = 0; i < n; i++) {
      const skb = allocSkb(dev.net, dev, FRAME_LENGTH);
      skb.head.buf.set(frames_[this.next], skb.data);
      if (++this.next === frames_.length) this.next = 0;
      skb.len = FRAME_LENGTH;
      netifReceiveSkb(skb);
    }
    this.left -= n;
    return n;
  }
}

export const LAN_MAC: Uint8Array = Uint8Array.of(2, 0, 0, 0, 0, 0x10);

export interface ForwardRouterOptions {
  readonly plugins: readonly PluginInstance[];
  readonly frames: readonly Uint8Array[];
  readonly prefixes: readonly { prefix: number; length: number }[];
  /** Section `iptables:`; left out when empty. */
  readonly iptables?: string;
  /** Commands after the routes. */
  readonly commands?: readonly string[];
}

export class ForwardRouter {
  readonly router: Router;
  private readonly softirq: Softirq;
  private readonly source: Source;
  private readonly sink = new Sink();

  constructor(options: ForwardRouterOptions) {
    this.softirq = new Softirq(new VirtualClock(), new SeededRandom(1), silentLog);
    this.source = new Source(options.frames);
    const driver: Plugin = definePlugin({
      name: 'bench-driver',
      setup: (ctx) => {
        ctx.driver({ name: 'bench-source', create: () => ({ ops: this.source }) });
        ctx.driver({ name: 'bench-sink', create: () => ({ ops: this.sink }) });
      },
    });
    this.router = new Router({
      name: 'bench',
      softirq: this.softirq,
      tracer: new Tracer(),
      log: silentLog,
      plugins: [...options.plugins, { id: 'bench-driver', plugin: driver, options: {} }],
      config: {
        devices: {
          lan: { driver: 'bench-source', mac: '02:00:00:00:00:10', addresses: ['10.0.0.1/24'] },
          wan: { driver: 'bench-sink', mac: '02:00:00:00:00:11', addresses: ['10.1.0.1/24'] },
        },
        sysctl: { 'net.ipv4.ip_forward': 1 },
        routes: options.prefixes.map(({ prefix, length }) => `${formatIpv4(prefix)}/${length} via 10.1.0.2`),
        ...(options.iptables === undefined || options.iptables === '' ? {} : { iptables: options.iptables }),
      },
      baseDir: '.',
    });
    this.command('ip neigh add 10.1.0.2 lladdr 02:00:00:00:0b:02 dev wan nud permanent');
    for (const line of options.commands ?? []) this.command(line);
  }

  /** Forwards `count` packets; returns how many left. */
  forward(count: number): number {
    const before = this.sink.frames;
    this.source.left = count;
    const dev = this.router.net.needDevice('lan');
    this.softirq.napiSchedule(dev);
    this.softirq.runToCompletion();
    return this.sink.frames - before;
  }

  /** A frame comes in by `name`. */
  receive(name: string, frame: Uint8Array): void {
    const dev = this.router.net.needDevice(name);
    const skb = allocSkb(dev.net, dev, frame.length);
    skb.head.buf.set(frame, skb.data);
    skb.len = frame.length;
    netifReceiveSkb(skb);
    this.softirq.runToCompletion();
  }

  private command(line: string): void {
    const io = new BufferIo();
    const status = this.router.commands.run(splitWords(line), io);
    if (status !== 0) throw new Error(`${line}: ${io.stderr}`);
  }
}
