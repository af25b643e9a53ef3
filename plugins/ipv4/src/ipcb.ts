/**
 * ipcb.ts — what IPv4 writes on a packet while it has it: the four `cb` words (cf. Linux include/net/ip.h struct
 * inet_skb_parm). ipRcv clears them; a layer below or above may use them otherwise.
 *
 *      cb0   31             16 15                    0
 *           +-----------------+----------------------+
 *           |  fragMaxSize    |  IPSKB_* flags       |
 *           +-----------------+----------------------+
 *      cb1   29  24 23   18 17   12 11    6 5       0
 *           +------+-------+-------+-------+---------+
 *           | CIPSO| alert |  TS   |  RR   |  SRR    |   offsets of options from the start of the header; 0: not there
 *           +------+-------+-------+-------+---------+
 *      cb2   IPOPT_* flags below: what is still to be done about the options
 *      cb3   next hop of a source route (int32)
 */
import type { SkBuff } from '@packetwalk/framework';

/** Flags in cb0; 0x4 is xfrm's: a transform has made the packet. */
export const IPSKB_FORWARDED = 0x1;
/** It was put together from fragments already. */
export const IPSKB_FRAG_COMPLETE = 0x8;
/** It has passed POST_ROUTING: a transform brings it here a second time. */
export const IPSKB_REROUTED = 0x10;
/** The sender should use another router: a redirect is due. */
export const IPSKB_DOREDIRECT = 0x20;
/** Its largest fragment had DF: fragments of it get DF again. */
export const IPSKB_FRAG_PMTU = 0x40;
/** DF does not keep it from being cut: it came in pieces (sk_buff.ignore_df). */
export const IPSKB_IGNORE_DF = 0x400;

/** Flags in cb2. */
export const IPOPT_STRICTROUTE = 0x1;
/** The packet has reached a hop of its source route; the next one is in cb3. */
export const IPOPT_SRR_HIT = 0x2;
/** The options were written to: the header needs a new checksum. */
export const IPOPT_CHANGED = 0x4;
export const IPOPT_RR_NEEDADDR = 0x8;
export const IPOPT_TS_NEEDTIME = 0x10;
export const IPOPT_TS_NEEDADDR = 0x20;

const OFFSET = 0x3f;
const RR = 6;
const TS = 12;
const ROUTER_ALERT = 18;
const CIPSO = 24;

/** Size of the largest fragment that the packet came in, 0 when it came whole. */
export function ipcbFragMaxSize(skb: SkBuff): number {
  return skb.cb0 >>> 16;
}

export function ipcbSetFragMaxSize(skb: SkBuff, size: number): void {
  skb.cb0 = (skb.cb0 & 0xffff) | (size << 16);
}

/** Offset of the loose or strict source route from the start of the header, 0 for none; the others alike. */
export function ipcbSrr(skb: SkBuff): number {
  return skb.cb1 & OFFSET;
}

export function ipcbRr(skb: SkBuff): number {
  return (skb.cb1 >>> RR) & OFFSET;
}

export function ipcbTs(skb: SkBuff): number {
  return (skb.cb1 >>> TS) & OFFSET;
}

export function ipcbRouterAlert(skb: SkBuff): number {
  return (skb.cb1 >>> ROUTER_ALERT) & OFFSET;
}

export function ipcbCipso(skb: SkBuff): number {
  return (skb.cb1 >>> CIPSO) & OFFSET;
}

export function ipcbSetSrr(skb: SkBuff, offset: number): void {
  skb.cb1 |= offset;
}

export function ipcbSetRr(skb: SkBuff, offset: number): void {
  skb.cb1 |= offset << RR;
}

export function ipcbSetTs(skb: SkBuff, offset: number): void {
  skb.cb1 |= offset << TS;
}

export function ipcbSetRouterAlert(skb: SkBuff, offset: number): void {
  skb.cb1 |= offset << ROUTER_ALERT;
}

export function ipcbSetCipso(skb: SkBuff, offset: number): void {
  skb.cb1 |= offset << CIPSO;
}
