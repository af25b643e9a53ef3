/**
 * tunnel-xmit.ts — a packet into a tunnel: an outer IPv4 header, and what the path of the outer packet tells of the inner one's
 * (RFC 2003, RFC 1191; cf. Linux net/ipv4/ip_tunnel.c ip_tunnel_xmit, tnl_update_pmtu).
 */
import {
  CHECKSUM_PARTIAL,
  COLLISIONS,
  type DstEntry,
  dropReason,
  dstExpireNow,
  dstMtu,
  formatIpv4,
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  ICMP_HOST_UNREACH,
  type IcmpSend,
  IP_DADDR,
  IP_DF,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_TOS,
  IP_TTL,
  type IpOutput,
  kfreeSkb,
  type Routing,
  type Rtable,
  SKB_DROP_REASON_IP_OUTNOROUTES,
  SKB_DROP_REASON_PKT_TOO_BIG,
  type SkBuff,
  skbChecksumHelp,
  TX_BYTES,
  TX_CARRIER_ERRORS,
  TX_ERRORS,
  TX_FIFO_ERRORS,
  TX_PACKETS,
} from '@packetwalk/framework';
import { ecnEncapsulate } from './ecn.ts';
import { IPTUNNEL_ERR_TIMEO, type Tunnel } from './tunnel.ts';
import { scrub } from './tunnel-rcv.ts';

export const TUNNEL_NO_REMOTE: number = dropReason('TUNNEL_NO_REMOTE', 'the tunnel has no other end, and the packet no next hop');
const TUNNEL_LOOP: number = dropReason('TUNNEL_LOOP', 'the tunnel leads through itself');

/** What tunnels need of IPv4. */
export interface TunnelServices {
  readonly routing: Routing;
  readonly output: IpOutput;
  readonly icmp: IcmpSend;
}

/**
 * Sends the IPv4 packet at `skb.networkHeader`; the headers between it and the outer header begin at `skb.data`.
 * @param remote the other end; 0: the packet's next hop
 */
export function ipTunnelXmit(services: TunnelServices, tunnel: Tunnel, skb: SkBuff, remote: number, protocol: number): number {
  const { dev, parms } = tunnel;
  const { stats } = dev;
  const { view } = skb.head;
  const inner = skb.networkHeader;
  const dst = remote !== 0 ? remote : nexthopOf(skb);
  if (dst === 0) {
    stats[TX_FIFO_ERRORS]++;
    return transmitError(tunnel, skb, TUNNEL_NO_REMOTE);
  }
  const innerTos = view.getUint8(inner + IP_TOS);
  const tos = (parms.tos & 1) !== 0 ? innerTos : parms.tos;
  const flow = tunnel.outerFlow(dst, tos, protocol);
  const rt = services.routing.routeOutput(flow);
  if (typeof rt === 'number') {
    stats[TX_CARRIER_ERRORS]++;
    return transmitError(tunnel, skb, SKB_DROP_REASON_IP_OUTNOROUTES);
  }
  if (rt.dev === dev) {
    stats[COLLISIONS]++;
    return transmitError(tunnel, skb, TUNNEL_LOOP);
  }
  const innerDf = !parms.ignoreDf && (view.getUint16(inner + IP_FRAG_OFF) & IP_DF) !== 0;
  const df = parms.pmtudisc || innerDf;
  if (!fitsPath(services, tunnel, skb, rt, df)) return transmitError(tunnel, skb, SKB_DROP_REASON_PKT_TOO_BIG);
  if (tunnel.errCount > 0) linkFailure(services, tunnel, skb);
  if (skb.trace !== 0)
    skb.net.tracer.stage(skb, 'ipTunnelXmit', `${formatIpv4(flow.saddr)} to ${formatIpv4(flow.daddr)} dev ${rt.dev.name}`);
  const ttl = parms.ttl !== 0 ? parms.ttl : view.getUint8(inner + IP_TTL);
  scrub(skb);
  services.output.buildAndSend(skb, rt, {
    saddr: flow.saddr,
    daddr: flow.daddr,
    protocol,
    tos: ecnEncapsulate(tos, innerTos),
    ttl,
    df: df && !rt.rtMtuLocked,
    ident: true,
  });
  return 0;
}

/** The packet was not sent: what devQueueXmit has counted is taken back (stats are the inner packets'). */
export function transmitError(tunnel: Tunnel, skb: SkBuff, reason: number): number {
  const { stats } = tunnel.dev;
  stats[TX_PACKETS]--;
  stats[TX_BYTES] -= skb.data + skb.len - skb.networkHeader;
  stats[TX_ERRORS]++;
  kfreeSkb(skb, reason);
  return 0;
}

/** Checksums that were left to a device cover the inner packet only: they are finished first (iptunnel_handle_offloads). */
export function finishOffloads(skb: SkBuff): void {
  if (skb.ipSummed === CHECKSUM_PARTIAL) skbChecksumHelp(skb);
}

/** Where the route of a packet takes it, as address (rt_nexthop); 0 without a route. */
function nexthopOf(skb: SkBuff): number {
  let { dst } = skb;
  if (dst === null) return 0;
  while (dst.child !== null) dst = dst.child;
  const { rtGateway } = dst as Rtable;
  return rtGateway !== 0 ? rtGateway : skb.head.view.getInt32(skb.networkHeader + IP_DADDR);
}

/** Tells the inner packet's path what the outer one takes, and its sender if it is too long for that (tnl_update_pmtu). */
function fitsPath(services: TunnelServices, tunnel: Tunnel, skb: SkBuff, rt: Rtable, df: boolean): boolean {
  const { dst } = skb;
  let mtu: number;
  if (df) mtu = dstMtu(rt) - IP_HLEN - tunnel.headerLength;
  else mtu = dst !== null ? dstMtu(dst) : tunnel.dev.mtu;
  if (dst !== null) services.routing.updateDstPmtu(skb, mtu);
  if ((skb.head.view.getUint16(skb.networkHeader + IP_FRAG_OFF) & IP_DF) === 0) return true;
  if (skb.data + skb.len - skb.networkHeader <= mtu || skb.gsoSize !== 0) return true;
  services.icmp.icmpSend(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
  return false;
}

/** The path of outer packets was broken lately: whoever sends by the tunnel is told, one packet for each error (dst_link_failure). */
function linkFailure(services: TunnelServices, tunnel: Tunnel, skb: SkBuff): void {
  if (skb.net.softirq.jiffies >= tunnel.errTime + IPTUNNEL_ERR_TIMEO) {
    tunnel.errCount = 0;
    return;
  }
  tunnel.errCount--;
  services.icmp.icmpSend(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
  if (skb.dst !== null) dstExpireNow(skb.dst as DstEntry);
}
