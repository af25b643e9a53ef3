/** template.ts — counts forwarded packets by protocol, and drops those that are longer than a limit. */
import { definePlugin, NF_ACCEPT, NF_DROP, NF_IP_FORWARD, NF_IP_PRI_FILTER, PF_INET } from '@packetwalk/framework';

/** Slots of the counters. */
const SEEN = 0;
const DROPPED = 1;

export default definePlugin<{ maxLength: number }>({
  name: 'template',
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      maxLength: { description: 'Longest packet that is forwarded, octets.', type: 'integer', minimum: 68, maximum: 65535, default: 1400 },
    },
  },
  counters: ['seen', 'dropped'],
  setup(ctx, { maxLength }) {
    const { counters } = ctx;
    const TOO_LONG = ctx.dropReason('TEMPLATE_TOO_LONG', 'longer than maxLength');
    ctx.nfHook({
      pf: PF_INET,
      hooknum: NF_IP_FORWARD,
      priority: NF_IP_PRI_FILTER - 1,
      // On the path of every packet: integers, no new objects, nothing that waits.
      hook(skb, state) {
        counters[SEEN]++;
        if (skb.len <= maxLength) return NF_ACCEPT;
        counters[DROPPED]++;
        state.dropReason = TOO_LONG;
        return NF_DROP;
      },
    });
    ctx.command({
      name: 'template',
      summary: 'show what template has seen and dropped',
      usage: 'Usage: template\n',
      run: (_args, io) => io.out(`seen ${counters[SEEN]}, dropped ${counters[DROPPED]}\n`),
    });
  },
});
