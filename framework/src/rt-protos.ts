/** rt-protos.ts — who made a route or a neighbour, by name (cf. rtnetlink(7) rtm_protocol, iproute2 etc/iproute2/rt_protos). */
import { getUnsigned } from './command-words.ts';

export const RTPROT_UNSPEC = 0;
export const RTPROT_REDIRECT = 1;
export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;
export const RTPROT_STATIC = 4;

const NAMES: ReadonlyMap<number, string> = new Map([
  [RTPROT_UNSPEC, 'unspec'],
  [RTPROT_REDIRECT, 'redirect'],
  [RTPROT_KERNEL, 'kernel'],
  [RTPROT_BOOT, 'boot'],
  [RTPROT_STATIC, 'static'],
  [8, 'gated'],
  [9, 'ra'],
  [10, 'mrt'],
  [11, 'zebra'],
  [12, 'bird'],
  [13, 'dnrouted'],
  [14, 'xorp'],
  [15, 'ntk'],
  [16, 'dhcp'],
  [18, 'keepalived'],
  [42, 'babel'],
  [99, 'openr'],
  [186, 'bgp'],
  [187, 'isis'],
  [188, 'ospf'],
  [189, 'rip'],
  [192, 'eigrp'],
]);

const NUMBERS: ReadonlyMap<string, number> = new Map([...NAMES].map(([number, name]) => [name, number]));

/** Name of a protocol, or its number in decimal when it has none (rtnl_rtprot_n2a). */
export function rtprotN2a(protocol: number): string {
  return NAMES.get(protocol) ?? String(protocol);
}

/** Number of a protocol given by name or as a number 0–255; null for anything else (rtnl_rtprot_a2n). */
export function rtprotA2n(word: string): number | null {
  return NUMBERS.get(word) ?? getUnsigned(word, 255);
}
