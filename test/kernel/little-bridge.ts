/**
 * little-bridge.ts — the least that is a bridge: it learns, floods and delivers up, and calls the hooks where Linux does. With it ebtables is held
 * against recordings whatever the state of the bridge plugin, whose place it takes; `brctl` has two commands that do anything.
 */
import {
  brTakeBroute,
  consumeSkb,
  definePlugin,
  devQueueXmit,
  devSetRxHandler,
  ETH_DST,
  ETH_HLEN,
  ETH_SRC,
  IFF_UP,
  type NetDevice,
  NF_BR_BROUTING,
  NF_IP_FORWARD,
  NF_IP_LOCAL_IN,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  netifReceiveSkbCore,
  nfHook,
  PACKET_HOST,
  PF_BRIDGE,
  type Plugin,
  parseMac,
  RX_HANDLER_CONSUMED,
  RX_HANDLER_PASS,
  registerNetdev,
  type SkBuff,
  skbCopy,
  skbPull,
  skbPush,
} from '@packetwalk/framework';

/** The MAC address at an offset of the MAC header, as one number. */
function macAt(skb: SkBuff, offset: number): number {
  const { view } = skb.head;
  return view.getUint16(skb.macHeader + offset) * 2 ** 32 + view.getUint32(skb.macHeader + offset + 2);
}

const macOf = (dev: NetDevice): number => dev.macHi * 2 ** 32 + (dev.macLo >>> 0);

const isGroup = (skb: SkBuff): boolean => (skb.head.view.getUint8(skb.macHeader) & 1) !== 0;

function pushXmit(skb: SkBuff): number {
  skbPush(skb, ETH_HLEN);
  return devQueueXmit(skb);
}

function forwardFinish(skb: SkBuff): number {
  return nfHook(PF_BRIDGE, NF_IP_POST_ROUTING, skb, null, skb.dev, pushXmit);
}

class LittleBridge {
  readonly dev: NetDevice;
  private readonly ports: NetDevice[] = [];
  private readonly fdb = new Map<number, NetDevice>();

  constructor(net: NetDevice['net'], name: string) {
    const ops = { startXmit: (skb: SkBuff) => this.xmit(skb) };
    this.dev = registerNetdev(net, ops, { name, kind: 'bridge', address: parseMac('02:00:00:00:00:20') as Uint8Array });
  }

  add(port: NetDevice): void {
    port.master = this.dev;
    // The newest first, as Linux floods them.
    this.ports.unshift(port);
    devSetRxHandler(port, (skb) => this.handleFrame(skb), this);
  }

  private handleFrame(skb: SkBuff): number {
    skb.cb0 = 0;
    if (macAt(skb, ETH_DST) === macOf(this.dev)) skb.pktType = PACKET_HOST;
    let accepted = false;
    nfHook(PF_BRIDGE, NF_BR_BROUTING, skb, skb.dev, null, () => {
      accepted = true;
      return 0;
    });
    if (!accepted) return RX_HANDLER_CONSUMED;
    if (brTakeBroute(skb)) return RX_HANDLER_PASS;
    nfHook(PF_BRIDGE, NF_IP_PRE_ROUTING, skb, skb.dev, null, (passed) => this.handleFrameFinish(passed));
    return RX_HANDLER_CONSUMED;
  }

  private handleFrameFinish(skb: SkBuff): number {
    const port = skb.dev;
    this.fdb.set(macAt(skb, ETH_SRC), port);
    const dst = macAt(skb, ETH_DST);
    if ([this.dev, ...this.ports].some((dev) => macOf(dev) === dst)) this.passUp(skb);
    else {
      if (isGroup(skb)) this.passUp(skbCopy(skb));
      this.deliver(skb, NF_IP_FORWARD, port);
    }
    return 0;
  }

  private passUp(skb: SkBuff): void {
    const indev = skb.dev;
    skb.dev = this.dev;
    nfHook(PF_BRIDGE, NF_IP_LOCAL_IN, skb, indev, null, netifReceiveSkbCore);
  }

  private xmit(skb: SkBuff): number {
    skb.macHeader = skb.data;
    skbPull(skb, ETH_HLEN);
    skb.networkHeader = skb.data;
    this.deliver(skb, NF_IP_LOCAL_OUT, null);
    return 0;
  }

  /** To the port where the station was seen, or to all. */
  private deliver(skb: SkBuff, hook: number, from: NetDevice | null): void {
    const known = isGroup(skb) ? undefined : this.fdb.get(macAt(skb, ETH_DST));
    const to = (known === undefined ? this.ports : [known]).filter((port) => port !== from && (port.flags & IFF_UP) !== 0);
    for (const port of to) {
      const copy = skbCopy(skb);
      copy.dev = port;
      nfHook(PF_BRIDGE, hook, copy, from, port, forwardFinish);
    }
    consumeSkb(skb);
  }
}

export const littleBridge: Plugin = definePlugin({
  name: 'bridge',
  setup(ctx) {
    const bridges = new Map<string, LittleBridge>();
    ctx.command({
      name: 'brctl',
      summary: 'Make bridges and give them ports',
      usage: 'brctl addbr BRIDGE | addif BRIDGE DEVICE',
      run([verb, name, port]) {
        if (verb === 'addbr') bridges.set(name, new LittleBridge(ctx.net, name));
        if (verb === 'addif') bridges.get(name)?.add(ctx.net.needDevice(port));
      },
    });
  },
});
