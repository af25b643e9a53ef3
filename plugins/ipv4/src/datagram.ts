/**
 * datagram.ts — packets that sockets of plugins send: the route first, then the payload, then the header (cf. Linux
 * net/ipv4/ip_output.c ip_append_data, ip_push_pending_frames).
 */
import {
  allocSkb,
  EMSGSIZE,
  type Flow,
  IP_HLEN,
  IP_MAX_MTU,
  RT_SCOPE_UNIVERSE,
  RTN_MULTICAST,
  type Rtable,
  type SendOptions,
  type SkBuff,
  skbPut,
} from '@packetwalk/framework';
import { ipFlowMtu } from './ip-mtu.ts';
import { ipLocalOut, ipPushHeader } from './ip-output.ts';
import type { Ipv4 } from './ipv4.ts';

/** Multicasts stay on the link unless told otherwise (RFC 1112 §6.1). */
const MULTICAST_TTL = 1;

/** The flow of a packet that a socket sends. */
export function datagramFlow(daddr: number, protocol: number, options: SendOptions): Flow {
  return {
    daddr,
    saddr: options.source ?? 0,
    tos: options.tos ?? 0,
    iif: 0,
    oif: options.device?.ifindex ?? 0,
    mark: options.mark ?? 0,
    protocol,
    scope: RT_SCOPE_UNIVERSE,
    sport: 0,
    dport: 0,
    flags: 0,
  };
}

/** A packet with room for `size` bytes behind the IP header and its route, the flow filled in; or a negative errno. */
export function ipMakeDatagram(ipv4: Ipv4, flow: Flow, size: number, options: SendOptions): SkBuff | number {
  const length = IP_HLEN + size;
  if (length > IP_MAX_MTU) return -EMSGSIZE;
  const rt = ipv4.routing.routeOutput(flow);
  if (typeof rt === 'number') return rt;
  if (options.df === true && length > ipFlowMtu(rt, flow)) return -EMSGSIZE;
  const skb = allocSkb(ipv4.net, rt.dev, size);
  skbPut(skb, size);
  skb.dst = rt;
  skb.mark = flow.mark;
  return skb;
}

/** Puts the header in front and sends the packet. */
export function ipSendDatagram(skb: SkBuff, flow: Flow, options: SendOptions): number {
  const rt = skb.dst as Rtable;
  const { saddr, daddr, protocol } = flow;
  const df = options.df ?? (!rt.rtMtuLocked && IP_HLEN + skb.len <= ipFlowMtu(rt, flow));
  const ttl = options.ttl ?? (rt.rtType === RTN_MULTICAST ? MULTICAST_TTL : 0);
  ipPushHeader(skb, rt, { saddr, daddr, protocol, df, tos: options.tos ?? 0, ...(ttl === 0 ? {} : { ttl }) });
  return Math.min(ipLocalOut(skb), 0);
}
