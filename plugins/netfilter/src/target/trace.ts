/** target/trace.ts — `-j TRACE`: the packet's walk is recorded from here on, with every rule that it matches (cf. Linux net/netfilter/xt_TRACE.c). */
import { defineTarget, XT_CONTINUE, type XtTarget } from '@packetwalk/framework';

export const trace: XtTarget = defineTarget({
  name: 'TRACE',
  options: {},
  init: () => null,
  print: () => '',
  target(skb) {
    if (skb.trace === 0) skb.trace = skb.net.tracer.id();
    return XT_CONTINUE;
  },
});
