/** testing/ebtables-lab.ts — ebtables alone in a router in virtual time: commands, and frames at the hook points of a bridge. */
import {
  allocSkb,
  BufferIo,
  brTakeBroute,
  consumeSkb,
  definePlugin,
  ETH_HLEN,
  ETH_P_802_3_MIN,
  ETH_TYPE,
  ethTypeTrans,
  lineLog,
  type NetDevice,
  nfHook,
  PF_BRIDGE,
  Router,
  SeededRandom,
  type SkBuff,
  Softirq,
  skbBytes,
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

export class EbtablesLab {
  readonly router: Router;
  readonly softirq: Softirq;
  /** What was logged. */
  readonly log: string[] = [];
  /** Frames that devices have sent, MAC header included. */
  readonly sent: { readonly dev: string; readonly frame: Uint8Array }[] = [];

  /** @param ebtables section of the config */
  constructor(ebtables?: string) {
    const log = lineLog((line) => this.log.push(line), 'debug');
    this.softirq = new Softirq(new VirtualClock(), new SeededRandom(1), log);
    const ports = definePlugin({
      name: 'lab-ports',
      setup: (ctx) => {
        ctx.driver({
          name: 'lab-port',
          create: () => ({
            ops: {
              startXmit: (skb, dev) => {
                this.sent.push({ dev: dev.name, frame: skbBytes(skb).slice() });
                consumeSkb(skb);
                return 0;
              },
            },
          }),
        });
      },
    });
    const macs = { p0: '02:00:00:00:00:10', p1: '02:00:00:00:00:11', p2: '02:00:00:00:00:12', br0: '02:00:00:00:00:20' };
    this.router = new Router({
      name: 'lab',
      softirq: this.softirq,
      tracer: new Tracer(),
      log,
      plugins: [
        { id: 'ebtables', plugin, options: { logRate: 100 } },
        { id: 'lab-ports', plugin: ports, options: {} },
      ],
      config: {
        devices: Object.fromEntries(Object.entries(macs).map(([name, mac]) => [name, { driver: 'lab-port', mac }])),
        ...(ebtables === undefined ? {} : { ebtables }),
      },
      baseDir: '.',
    });
    for (const name of ['p0', 'p1', 'p2']) this.device(name).master = this.device('br0');
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
   * Takes a frame, MAC header included, through the hooks of a point, as a bridge does it. The packet as it went on, or null when it
   * did not; the caller frees it. @param before last touches to the packet
   */
  pass(
    frame: Uint8Array,
    hooknum: number,
    indev: string | null,
    outdev: string | null,
    before: (skb: SkBuff) => void = () => {},
  ): SkBuff | null {
    const { net } = this.router;
    const skb = allocSkb(net, this.device(indev ?? outdev ?? 'p0'), frame.length);
    skbPutData(skb, frame);
    ethTypeTrans(skb);
    skb.networkHeader = skb.data;
    before(skb);
    let passed: SkBuff | null = null;
    const named = (name: string | null): NetDevice | null => (name === null ? null : this.device(name));
    nfHook(PF_BRIDGE, hooknum, skb, named(indev), named(outdev), (accepted) => {
      passed = accepted;
      return 0;
    });
    return passed;
  }

  /** The frame as it went on, or null; `broute`: it is to be routed. */
  frame(
    frame: Uint8Array,
    hooknum: number,
    indev: string | null,
    outdev: string | null,
  ): { bytes: Uint8Array; broute: boolean; mark: number } | null {
    const skb = this.pass(frame, hooknum, indev, outdev);
    if (skb === null) return null;
    const { buf } = skb.head;
    const bytes = buf.slice(skb.macHeader, skb.data + skb.len);
    const result = { bytes, broute: brTakeBroute(skb), mark: skb.mark };
    consumeSkb(skb);
    return result;
  }
}

/** Does a frame of this type carry a length? */
export function carriesLength(frame: Uint8Array): boolean {
  return frame.length >= ETH_HLEN && ((frame[ETH_TYPE] << 8) | frame[ETH_TYPE + 1]) < ETH_P_802_3_MIN;
}
