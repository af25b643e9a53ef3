/** services/routing.ts — route lookups, for those who are not IPv4 itself (cf. Linux include/net/route.h, ip_fib.h). */
import type { DstEntry } from '../dst.ts';
import type { NetDevice } from '../netdevice.ts';
import type { SkBuff } from '../skbuff.ts';
import { type Token, token } from '../token.ts';

/** Route types (rtnetlink(7)). */
export const RTN_UNSPEC = 0;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_MULTICAST = 5;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;
export const RTN_NAT = 10;

export const RT_TABLE_UNSPEC = 0;
export const RT_TABLE_DEFAULT = 253;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

/** Flags of a route in use (in_route.h). */
export const RTCF_NOTIFY = 0x00010000;
export const RTCF_REDIRECTED = 0x00040000;
export const RTCF_DOREDIRECT = 0x01000000;
export const RTCF_DIRECTSRC = 0x04000000;
export const RTCF_BROADCAST = 0x10000000;
export const RTCF_MULTICAST = 0x20000000;
export const RTCF_LOCAL: number = 0x80000000 | 0;

/** Flow flag: any source address will do, it need not be one of this router's. */
export const FLOWI_FLAG_ANYSRC = 1;

/** What a packet to be routed looks like (flowi4). Addresses are int32. */
export interface Flow {
  daddr: number;
  saddr: number;
  tos: number;
  /** Ifindexes; 0 for any. */
  iif: number;
  oif: number;
  mark: number;
  protocol: number;
  scope: number;
  sport: number;
  dport: number;
  /** FLOWI_FLAG_* */
  flags: number;
}

/** A route in use (rtable): the last dst of every chain. */
export interface Rtable extends DstEntry {
  /** RTN_* */
  rtType: number;
  /** RTCF_* */
  rtFlags: number;
  /** Next hop address, 0 when the destination itself is on the link. */
  rtGateway: number;
  /** True when the next hop is `rtGateway`, not the packet's destination. */
  rtUsesGateway: boolean;
  /** The path MTU may not be changed by ICMP (`mtu lock`). */
  rtMtuLocked: boolean;
  /** Ifindex the packet came in by; 0 for packets made here. */
  rtIif: number;
  /** True of routes of packets that came in. */
  rtIsInput: boolean;
}

export interface Routing {
  /** Sets `skb.dst` for a packet that came in; 0, or a drop reason when there is none (ip_route_input). */
  routeInput(skb: SkBuff, daddr: number, saddr: number, tos: number, dev: NetDevice): number;
  /**
   * A route for a packet made here; a negative errno when there is none (ip_route_output_key). Fills in what the flow
   * left open: `saddr`, `daddr` and `oif`.
   */
  routeOutput(flow: Flow): Rtable | number;
  /** RTN_* of an address, as the local table sees it; on `dev` only when it is given (inet_addr_type). */
  addrType(address: number, dev?: NetDevice): number;
  /**
   * "Fragmentation needed" has come for packets like the quoted one (ipv4_update_pmtu): `skb.data` is at the quoted header,
   * `mtu` as the message has it.
   * @param oif ifindex of the device such packets leave by; 0 when any may be it
   */
  updatePmtu(skb: SkBuff, protocol: number, mtu: number, oif?: number): void;
  /** A redirect to `gateway` has come for packets like the quoted one (ipv4_redirect). */
  redirected(skb: SkBuff, protocol: number, gateway: number, oif?: number): void;
  /** Packets to the destination of `skb`, which has its route, may have `mtu` bytes at most (skb_dst_update_pmtu). */
  updateDstPmtu(skb: SkBuff, mtu: number): void;
  /** Forget cached destinations: the answer to a lookup may have changed (rt_cache_flush). */
  flush(): void;
}

export const Routing: Token<Routing> = token<Routing>('Routing');
