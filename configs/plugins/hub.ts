/** hub.ts — an Ethernet segment as of old: what comes in by one device leaves by all others. */
import {
  consumeSkb,
  definePlugin,
  devQueueXmit,
  isUp,
  type NetDevice,
  RX_HANDLER_CONSUMED,
  type SkBuff,
  skbCopy,
  skbPush,
} from '@packetwalk/framework';

const ETH_HLEN = 14;

export default definePlugin<{ ports: string[] }>({
  name: 'hub',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['ports'],
    properties: { ports: { description: 'Devices of the segment.', type: 'array', items: { type: 'string' } } },
  },
  setup(ctx, { ports }) {
    const repeat = (skb: SkBuff): number => {
      for (const name of ports) {
        const dev = ctx.net.device(name);
        if (dev === undefined || dev === skb.dev || !isUp(dev)) continue;
        const copy = skbCopy(skb);
        skbPush(copy, ETH_HLEN);
        copy.dev = dev;
        devQueueXmit(copy);
      }
      consumeSkb(skb);
      return RX_HANDLER_CONSUMED;
    };
    ctx.onConfigure(() => {
      for (const name of ports) ctx.rxHandler(ctx.net.needDevice(name) as NetDevice, repeat, ports);
    });
  },
});
