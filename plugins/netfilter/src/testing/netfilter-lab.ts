/** testing/netfilter-lab.ts — netfilter alone in a router in virtual time: commands, and packets at the hook points. */
import {
  allocSkb,
  BufferIo,
  consumeSkb,
  definePlugin,
  ETH_HLEN,
  ETH_P_IP,
  lineLog,
  type NetDevice,
  NF_IP_FORWARD,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  nfHook,
  PF_INET,
  Router,
  SeededRandom,
  type SkBuff,
  Softirq,
  skbPull,
  skbPutData,
  splitWords,
  Tracer,
  VirtualClock,
} from '@packetwalk/framework';
import plugin from '../plugin.ts';

/** What a command came to; both output streams as one. */
export interface Typed {
  readonly status: number;
  readonly output: string;
}

export interface LabOptions {
  /** Compiled chains, or the plain walk. */
  readonly compile?: boolean;
  readonly seed?: number;
  /** Wall clock at the start, in ms since 1970. */
  readonly epoch?: number;
  /** Section `ipset:`. */
  readonly ipset?: string;
  /** Section `iptables:`. */
  readonly iptables?: string;
}

const ports = definePlugin({
  name: 'lab-ports',
  setup(ctx) {
    ctx.driver({
      name: 'lab-port',
      create: () => ({
        ops: {
          startXmit(skb) {
            consumeSkb(skb);
            return 0;
          },
        },
      }),
    });
  },
});

export class NetfilterLab {
  readonly router: Router;
  readonly softirq: Softirq;
  /** What was logged. */
  readonly log: string[] = [];

  constructor(options: LabOptions = {}) {
    const log = lineLog((line) => this.log.push(line), 'debug');
    this.softirq = new Softirq(new VirtualClock(options.epoch), new SeededRandom(options.seed ?? 1), log);
    this.router = new Router({
      name: 'lab',
      softirq: this.softirq,
      tracer: new Tracer(),
      log,
      plugins: [
        { id: 'netfilter', plugin, options: { compile: options.compile !== false, logRate: 100 } },
        { id: 'lab-ports', plugin: ports, options: {} },
      ],
      config: {
        devices: Object.fromEntries(['eth0', 'eth1', 'wan0'].map((name) => [name, { driver: 'lab-port' }])),
        ...(options.ipset === undefined ? {} : { ipset: options.ipset }),
        ...(options.iptables === undefined ? {} : { iptables: options.iptables }),
      },
      baseDir: '.',
    });
  }

  device(name: string): NetDevice {
    return this.router.net.needDevice(name);
  }

  /** Types a command line. */
  type(line: string, input = ''): Typed {
    const io = new BufferIo();
    io.input = input;
    const status = this.router.commands.run(splitWords(line), io);
    if (typeof status !== 'number') throw new Error(`${line} takes router time`);
    return { status, output: io.stdout + io.stderr };
  }

  /** Types a command line that must succeed; its output. */
  need(line: string, input = ''): string {
    const { status, output } = this.type(line, input);
    if (status !== 0) throw new Error(`ended with ${status}: ${line}\n${output}`);
    return output;
  }

  /**
   * Takes an IPv4 packet (an Ethernet frame when `frame`) through the hooks of a point. The packet as it went on, or null
   * when it did not; the caller frees it.
   */
  pass(packet: Uint8Array, hooknum: number, indev: string | null, outdev: string | null, frame = false): SkBuff | null {
    const { net } = this.router;
    const skb = allocSkb(net, this.device(indev ?? outdev ?? 'eth0'), packet.length);
    skbPutData(skb, packet);
    if (frame) skbPull(skb, ETH_HLEN);
    skb.networkHeader = skb.data;
    skb.protocol = ETH_P_IP;
    let passed: SkBuff | null = null;
    const named = (name: string | null): NetDevice | null => (name === null ? null : this.device(name));
    nfHook(PF_INET, hooknum, skb, named(indev), named(outdev), (accepted) => {
      passed = accepted;
      return 0;
    });
    return passed;
  }

  /** Takes an IPv4 packet from one device to another by the hooks of forwarding. As `pass`. */
  forward(packet: Uint8Array, indev: string, outdev: string): SkBuff | null {
    const { net } = this.router;
    const [from, to] = [this.device(indev), this.device(outdev)];
    const skb = allocSkb(net, from, packet.length);
    skbPutData(skb, packet);
    skb.networkHeader = skb.data;
    skb.protocol = ETH_P_IP;
    let passed: SkBuff | null = null;
    const left = (accepted: SkBuff): number => {
      passed = accepted;
      return 0;
    };
    const forwarded = (s: SkBuff): number => nfHook(PF_INET, NF_IP_POST_ROUTING, s, null, to, left);
    const routed = (s: SkBuff): number => nfHook(PF_INET, NF_IP_FORWARD, s, from, to, forwarded);
    nfHook(PF_INET, NF_IP_PRE_ROUTING, skb, from, null, routed);
    return passed;
  }

  /** The same, and only whether it went on. */
  accepts(packet: Uint8Array, hooknum: number, indev: string | null, outdev: string | null): boolean {
    const skb = this.pass(packet, hooknum, indev, outdev);
    if (skb !== null) consumeSkb(skb);
    return skb !== null;
  }
}
