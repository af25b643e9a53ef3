/**
 * dst.ts — where a packet goes next (cf. Linux include/net/dst.h, net/core/dst.c).
 *
 * A destination has two slots, `input` and `output`; routing sets them once and the path calls them. Destinations are
 * stackable: a transform's dst has a `child`, and only the last of the chain is a route.
 */

import type { Neighbour } from './neighbour.ts';
import type { NetDevice } from './netdevice.ts';
import { kfreeSkb, type SkBuff } from './skbuff.ts';

/** No packet is longer, whatever the device could carry (`lo` has 65536). */
export const IP_MAX_MTU = 0xffff;

export type DstHandler = (skb: SkBuff) => number;

/** The entry is not in the routing cache: part of a transform bundle, or made for one packet. */
export const DST_NOHASH = 1;
/** Looked up without transforms: not to be looked up with them again. */
export const DST_NOXFRM = 2;
export const DST_NOPOLICY = 4;
export const DST_HOST = 8;

/** Values of `obsolete`. */
export const DST_OBSOLETE_NONE = 0;
export const DST_OBSOLETE_DEAD = 2;

export class DstEntry {
  /** For packets that come in: ipLocalDeliver, ipForward, ipError, dstDiscard … */
  declare input: DstHandler;
  /** For packets that go out: ipOutput, ipRtBug, dstDiscard … */
  declare output: DstHandler;
  declare dev: NetDevice;
  /** The neighbour that the last packet went to: the next hop's, or with no gateway the last destination's. */
  declare neighbour: Neighbour | null;
  /** The next dst of a bundle. */
  declare child: DstEntry | null;
  declare flags: number;
  /** Not 0: look the route up again. */
  declare obsolete: number;
  declare refcnt: number;
  /** Jiffies of the last use. */
  declare lastuse: number;
  declare use: number;
  /** MTU that the route was given (RTAX_MTU), bytes; 0: the device's. */
  declare mtu: number;
  /** TTL for packets made here (RTAX_HOPLIMIT); 0: net.ipv4.ip_default_ttl. */
  declare hoplimit: number;
  /** Path MTU learned for it, bytes; 0: none. */
  declare pmtu: number;
  /** Jiffies after which `pmtu` or a redirect is forgotten; 0: never. */
  declare expires: number;
  /** Negative errno for a dst that only reports one. */
  declare error: number;
  /** Bytes of headers that the chain from here on adds. */
  declare headerLen: number;
  declare trailerLen: number;
  /** The transform of this dst; the type belongs to the plugin that sets it. */
  declare xfrm: object | null;

  constructor(dev: NetDevice, input: DstHandler, output: DstHandler) {
    this.input = input;
    this.output = output;
    this.dev = dev;
    this.neighbour = null;
    this.child = null;
    this.flags = 0;
    this.obsolete = 0;
    this.refcnt = 0;
    this.lastuse = 0;
    this.use = 0;
    this.mtu = 0;
    this.hoplimit = 0;
    this.pmtu = 0;
    this.expires = 0;
    this.error = 0;
    this.headerLen = 0;
    this.trailerLen = 0;
    this.xfrm = null;
  }
}

/** Largest packet that fits `dst` without fragmentation, in bytes: what was learned, else the route's, else the device's. */
export function dstMtu(dst: DstEntry): number {
  if (dst.pmtu !== 0 && (dst.expires === 0 || dst.dev.net.softirq.jiffies < dst.expires)) return dst.pmtu;
  return Math.min(dst.mtu !== 0 ? dst.mtu : dst.dev.mtu, IP_MAX_MTU);
}

/** What was learned about the path was learned over a link that failed: forget it (ipv4_link_failure, dst_set_expires). */
export function dstExpireNow(dst: DstEntry): void {
  const now = Math.max(dst.dev.net.softirq.jiffies, 1);
  if (dst.expires === 0 || now < dst.expires) dst.expires = now;
}

/** Calls the input slot of the packet's dst. */
export function dstInput(skb: SkBuff): number {
  const dst = skb.dst as DstEntry;
  if (skb.trace !== 0) skb.net.tracer.stage(skb, dst.input.name);
  return dst.input(skb);
}

/** Calls the output slot of the packet's dst. */
export function dstOutput(skb: SkBuff): number {
  const dst = skb.dst as DstEntry;
  if (skb.trace !== 0) skb.net.tracer.stage(skb, dst.output.name);
  return dst.output(skb);
}

/** Makes a slot that drops with one reason: dst_discard and its relatives, under the name the walk should show. */
export function dstDiscard(name: string, reason: number): DstHandler {
  const handler = (skb: SkBuff): number => {
    kfreeSkb(skb, reason);
    return 0;
  };
  Object.defineProperty(handler, 'name', { value: name });
  return handler;
}
