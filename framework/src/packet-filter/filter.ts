/**
 * filter.ts — which packets a capture or a trace is about, in tcpdump's words: host, net, src, dst, port, portrange, proto,
 * ether, ip, arp, tcp …, vlan, less, greater, and, or, not, parentheses (pcap-filter(7)).
 */
import type { SkBuff } from '../skbuff.ts';
import { ETH_P_IP, ETH_P_IPV6 } from '../wire/ethernet.ts';
import { PacketPoint } from './packet-point.ts';
import { parseFilter } from './parser.ts';

export interface PacketFilter {
  /** Looks at an Ethernet frame of `length` bytes. */
  frame(view: DataView, offset: number, length: number): boolean;
  /** Looks at a packet from its network header on: nothing about its link layer holds. */
  network(view: DataView, offset: number, length: number, etherType: number): boolean;
  /** Looks at a packet that a device has just received, or that was made here and is on its way out. */
  skb(skb: SkBuff): boolean;
}

/** Compiles a filter; an empty one takes every packet. Throws CommandError (status 2) that names the wrong word. */
export function compileFilter(text: string): PacketFilter {
  const test = parseFilter(text);
  const point = new PacketPoint();
  return {
    frame(view, offset, length) {
      point.frame(view, offset, length);
      return test(point);
    },
    network(view, offset, length, etherType) {
      point.network(view, offset, length, etherType);
      return test(point);
    },
    skb(skb) {
      const { data, len, protocol } = skb;
      // A packet made here has its route but no frame around it yet; devices without link-layer header deliver the like.
      const bare = skb.dst !== null && data === skb.networkHeader;
      if (bare) return this.network(skb.head.view, data, len, protocol);
      if (skb.dev.hardHeaderLen !== 0) return this.frame(skb.head.view, data, len);
      const version = len === 0 ? 0 : skb.head.view.getUint8(data) >>> 4;
      return this.network(skb.head.view, data, len, version === 4 ? ETH_P_IP : ETH_P_IPV6);
    },
  };
}
