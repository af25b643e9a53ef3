/** tunnel-error.ts — an ICMP error about an outer packet (RFC 2003 §4; cf. Linux net/ipv4/ipip.c ipip_err, net/ipv4/ip_gre.c gre_err). */
import {
  ICMP_DEST_UNREACH,
  ICMP_EXC_TTL,
  ICMP_FRAG_NEEDED,
  ICMP_REDIRECT,
  ICMP_SR_FAILED,
  ICMP_TIME_EXCEEDED,
  type Routing,
  type SkBuff,
} from '@packetwalk/framework';
import { IPTUNNEL_ERR_TIMEO, type Tunnel } from './tunnel.ts';

/** Learns from errors about the path of outer packets. True: that was all. */
export function learnPath(routing: Routing, skb: SkBuff, type: number, code: number, info: number, protocol: number, oif: number): boolean {
  if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) routing.updatePmtu(skb, protocol, info, oif);
  else if (type === ICMP_REDIRECT) routing.redirected(skb, protocol, info, oif);
  else return false;
  return true;
}

/** Remembers that the path is broken: senders of the next packets are told so (see linkFailure). */
export function countError(tunnel: Tunnel, type: number, code: number, jiffies: number): void {
  if (type === ICMP_DEST_UNREACH ? code === ICMP_SR_FAILED : type !== ICMP_TIME_EXCEEDED || code !== ICMP_EXC_TTL) return;
  if (tunnel.parms.remote === 0) return;
  // With the TTL of the inner packets, it is their time that was exceeded.
  if (tunnel.parms.ttl === 0 && type === ICMP_TIME_EXCEEDED) return;
  tunnel.errCount = jiffies < tunnel.errTime + IPTUNNEL_ERR_TIMEO ? tunnel.errCount + 1 : 1;
  tunnel.errTime = jiffies;
}
