/** ip-error.ts — the input of packets without a route: the sender hears why, within limits (cf. Linux net/ipv4/route.c ip_error). */
import {
  ICMP_DEST_UNREACH,
  ICMP_HOST_UNREACH,
  ICMP_NET_UNREACH,
  ICMP_PKT_FILTERED,
  IP_SADDR,
  IPSTATS_MIB_INADDRERRORS,
  kfreeSkb,
  SKB_DROP_REASON_IP_INNOROUTES,
  type SkBuff,
} from '@packetwalk/framework';
import { EACCES, EHOSTUNREACH, ENETUNREACH } from './fib-table.ts';
import { icmpSend } from './icmp-send.ts';
import { ipv4Of } from './ipv4.ts';

/** ICMP code by errno; others are silent. */
const CODES = new Map([
  [-EHOSTUNREACH, ICMP_HOST_UNREACH],
  [-ENETUNREACH, ICMP_NET_UNREACH],
  [-EACCES, ICMP_PKT_FILTERED],
]);

export function ipError(skb: SkBuff): number {
  const ipv4 = ipv4Of(skb);
  const error = skb.dst?.error ?? 0;
  const forwarding = skb.dev.inDev !== null && skb.dev.inDev.cnf.forwarding !== 0;
  if (!forwarding) {
    // A host that gets what is not its own says nothing about it.
    skb.net.ipMib[IPSTATS_MIB_INADDRERRORS]++;
    kfreeSkb(skb, SKB_DROP_REASON_IP_INNOROUTES);
    return 0;
  }
  const code = CODES.get(error);
  if (code !== undefined) {
    const peer = ipv4.peers.get(skb.head.view.getInt32(skb.networkHeader + IP_SADDR));
    if (peer.allowRouteError(skb.net.softirq.jiffies, ipv4.routeErrorCost, ipv4.routeErrorBurst)) icmpSend(skb, ICMP_DEST_UNREACH, code, 0);
  }
  kfreeSkb(skb, SKB_DROP_REASON_IP_INNOROUTES);
  return 0;
}
