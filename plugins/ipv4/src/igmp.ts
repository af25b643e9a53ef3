/** igmp.ts — IGMP for a router that joins no groups but 224.0.0.1, of which nobody is told (RFC 3376; cf. Linux net/ipv4/igmp.c). */
import { consumeSkb, type InetProtocol, IPPROTO_IGMP } from '@packetwalk/framework';

/** Queries and reports of others need no answer: they are taken, so that nobody hears "protocol unreachable". */
export const igmpProtocol: InetProtocol = {
  protocol: IPPROTO_IGMP,
  handler(skb) {
    consumeSkb(skb);
    return 0;
  },
};
