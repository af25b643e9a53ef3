/** route-me-harder.ts — a packet made here finds its route again, after something it was chosen by has changed (cf. Linux net/ipv4/netfilter.c). */
import {
  type DstEntry,
  FLOWI_FLAG_ANYSRC,
  type Flow,
  IP_DADDR,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  type Routing,
  RT_SCOPE_UNIVERSE,
  RTN_LOCAL,
  RTN_UNICAST,
  type SkBuff,
} from '@packetwalk/framework';

/**
 * Gives the packet the route of the addresses, mark and TOS that it has now. 0, or a negative errno, with the old route
 * left where it was.
 */
export function ipRouteMeHarder(routing: Routing, skb: SkBuff): number {
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const source = view.getInt32(ip + IP_SADDR);
  const type = routing.addrType(source);
  const known = type === RTN_LOCAL || type === RTN_UNICAST;
  const flow: Flow = {
    daddr: view.getInt32(ip + IP_DADDR),
    saddr: known ? source : 0,
    tos: view.getUint8(ip + IP_TOS),
    iif: 0,
    oif: 0,
    mark: skb.mark,
    protocol: view.getUint8(ip + IP_PROTOCOL),
    scope: RT_SCOPE_UNIVERSE,
    sport: 0,
    dport: 0,
    // The source may be somebody else's: a reset in the name of the other end.
    flags: known ? FLOWI_FLAG_ANYSRC : 0,
  };
  const rt = routing.routeOutput(flow);
  if (typeof rt === 'number') return rt;
  skb.dst = rt;
  return (skb.dst as DstEntry).error;
}
