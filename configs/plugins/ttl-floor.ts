/** ttl-floor.ts — drops forwarded packets whose time to live is below a floor, and counts them. */
import { definePlugin, IP_TTL, NF_ACCEPT, NF_DROP, NF_IP_FORWARD, NF_IP_PRI_FILTER, PF_INET } from '@packetwalk/framework';

const SEEN = 0;
const DROPPED = 1;

export default definePlugin<{ floor: number }>({
  name: 'ttl-floor',
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: { floor: { type: 'integer', minimum: 1, maximum: 255, default: 2 } },
  },
  counters: ['seen', 'dropped'],
  setup(ctx, { floor }) {
    const { counters } = ctx;
    const TTL_FLOOR = ctx.dropReason('TTL_FLOOR', 'time to live below the floor');
    ctx.nfHook({
      pf: PF_INET,
      hooknum: NF_IP_FORWARD,
      priority: NF_IP_PRI_FILTER - 1,
      hook(skb, state) {
        counters[SEEN]++;
        if (skb.head.buf[skb.networkHeader + IP_TTL] >= floor) return NF_ACCEPT;
        counters[DROPPED]++;
        state.dropReason = TTL_FLOOR;
        return NF_DROP;
      },
    });
    ctx.command({
      name: 'ttl-floor',
      summary: 'Show what ttl-floor has seen and dropped',
      usage: 'Usage: ttl-floor',
      run: (_args, io) => io.out(`floor ${floor}: seen ${counters[SEEN]}, dropped ${counters[DROPPED]}\n`),
    });
  },
});
