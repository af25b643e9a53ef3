/** ipset/packet-part.ts — the parts of an element as a packet has them (cf. Linux net/netfilter/ipset/ip_set_getport.c). */
import {
  IP_DADDR,
  IP_PROTOCOL,
  IP_SADDR,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type NetDevice,
  type SkBuff,
  type XtParam,
} from '@packetwalk/framework';

const IPPROTO_SCTP = 132;
const IPPROTO_UDPLITE = 136;

/** Address of the source or the destination, int32. */
export function packetAddress(skb: SkBuff, source: boolean): number {
  return skb.head.view.getInt32(skb.networkHeader + (source ? IP_SADDR : IP_DADDR));
}

/**
 * Protocol << 16 | port: of ICMP type and code, of protocols without ports 0. Negative: the packet does not show it, since it
 * is a later fragment or too short.
 */
export function packetPort(skb: SkBuff, par: XtParam, source: boolean): number {
  const { view } = skb.head;
  const protocol = view.getUint8(skb.networkHeader + IP_PROTOCOL);
  const ported = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || protocol === IPPROTO_SCTP || protocol === IPPROTO_UDPLITE;
  if (!ported && protocol !== IPPROTO_ICMP) return protocol << 16;
  if (par.fragoff !== 0) return -1;
  const at = skb.networkHeader + par.thoff;
  if (at + headerLength(protocol) > skb.data + skb.len) return -1;
  return (protocol << 16) | view.getUint16(ported && !source ? at + 2 : at);
}

function headerLength(protocol: number): number {
  switch (protocol) {
    case IPPROTO_TCP:
      return 20;
    case IPPROTO_SCTP:
      return 12;
    default:
      return 8;
  }
}

/** Is it one of those whose ports a bitmap knows? */
export function hasPlainPorts(value: number): boolean {
  const protocol = value >> 16;
  return protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
}

export function packetDevice(par: XtParam, source: boolean): NetDevice | null {
  return source ? par.state.in : par.state.out;
}
