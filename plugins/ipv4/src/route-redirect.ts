/**
 * route-redirect.ts — telling hosts of a better first hop, and stopping when they do not listen
 * (RFC 1812 §5.2.7.2; cf. Linux net/ipv4/route.c ip_rt_send_redirect).
 */
import { ICMP_REDIR_HOST, ICMP_REDIRECT, IP_DADDR, IP_SADDR, type SkBuff } from '@packetwalk/framework';
import type { Devinet } from './devinet.ts';
import { icmpSend } from './icmp-send.ts';
import { ipv4Of, skbRtable } from './ipv4.ts';

/** Sends one redirect about a packet, unless its sender was told lately or has ignored too many. */
export function sendRedirect(skb: SkBuff, inet: Devinet): void {
  const rt = skbRtable(skb);
  const { inDev } = rt.dev;
  if (inDev === null || (inDev.cnf.sendRedirects | inet.all.sendRedirects) === 0) return;
  const ipv4 = ipv4Of(skb);
  const { view } = skb.head;
  const { jiffies } = skb.net.softirq;
  const peer = ipv4.peers.get(view.getInt32(skb.networkHeader + IP_SADDR));
  if (jiffies > peer.rateLast + ipv4.routeRedirectSilence) {
    peer.rateTokens = 0;
    peer.redirects = 0;
  }
  if (peer.redirects >= ipv4.routeRedirectNumber) {
    peer.rateLast = jiffies;
    return;
  }
  if (peer.redirects === 0 || jiffies > peer.rateLast + ipv4.routeRedirectLoad * 2 ** peer.redirects) {
    icmpSend(skb, ICMP_REDIRECT, ICMP_REDIR_HOST, rt.rtUsesGateway ? rt.rtGateway : view.getInt32(skb.networkHeader + IP_DADDR));
    peer.rateLast = jiffies;
    peer.redirects++;
  }
}
