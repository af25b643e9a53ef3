/**
 * tcp-state.ts — states of a TCP connection as the box between both ends sees them, and what a segment does to them
 * (RFC 9293 §3.3.2; cf. Linux net/netfilter/nf_conntrack_proto_tcp.c).
 *
 *      SYN_SENT     a SYN was seen                     CLOSE_WAIT   … and was acknowledged
 *      SYN_SENT2    … and one the other way            LAST_ACK     a FIN the other way too
 *      SYN_RECV     a SYN was answered by SYN and ACK  TIME_WAIT    … and was acknowledged
 *      ESTABLISHED  that was acknowledged              CLOSE        a RST
 *      FIN_WAIT     a FIN was seen
 */
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, TCP_URG } from '@packetwalk/framework';

export const TCP_CT_NONE = 0;
export const TCP_CT_SYN_SENT = 1;
export const TCP_CT_SYN_RECV = 2;
export const TCP_CT_ESTABLISHED = 3;
export const TCP_CT_FIN_WAIT = 4;
export const TCP_CT_CLOSE_WAIT = 5;
export const TCP_CT_LAST_ACK = 6;
export const TCP_CT_TIME_WAIT = 7;
export const TCP_CT_CLOSE = 8;
export const TCP_CT_SYN_SENT2 = 9;
/** The segment cannot be right. */
export const TCP_CT_INVALID = 10;
/** The segment may be right, this box cannot tell: it passes, the state stays. */
export const TCP_CT_IGNORE = 11;

/** By number. */
export const TCP_STATE_NAMES: readonly string[] = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
];

/** Kinds of segments. */
export const TCP_SEG_SYN = 0;
export const TCP_SEG_SYNACK = 1;
export const TCP_SEG_FIN = 2;
export const TCP_SEG_ACK = 3;
export const TCP_SEG_RST = 4;
export const TCP_SEG_NONE = 5;

const KINDS = 6;
const STATES = 10;
const CODES = ['NO', 'SS', 'SR', 'ES', 'FW', 'CW', 'LA', 'TW', 'CL', 'S2', 'xx', '--'];

/** New states by the old one: NONE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE SYN_SENT2; xx invalid, -- ignored. */
const TRANSITIONS = [
  // from the side that began
  'SS SS -- -- -- -- -- SS SS S2', // SYN
  'xx xx SR xx xx xx xx xx xx SR', // SYN ACK
  'xx xx FW FW LA LA LA TW CL xx', // FIN
  'ES xx ES ES CW CW TW TW CL xx', // ACK
  'xx CL CL CL CL CL CL CL CL CL', // RST
  'xx xx xx xx xx xx xx xx xx xx', // none of these
  // from the other side
  'xx S2 xx xx xx xx xx SS xx S2',
  'xx SR -- -- -- -- -- -- -- SR',
  'xx xx FW FW LA LA LA TW CL xx',
  'xx -- SR ES CW CW TW TW CL --',
  'xx CL CL CL CL CL CL CL CL CL',
  'xx xx xx xx xx xx xx xx xx xx',
];

const table = Uint8Array.from(TRANSITIONS.flatMap((row) => row.split(' ').map((code) => CODES.indexOf(code))));

/** The state that a segment of a kind, in direction `dir`, leads to from `state`. */
export function tcpTransition(dir: number, kind: number, state: number): number {
  return table[(dir * KINDS + kind) * STATES + state];
}

/** Kinds by the flags byte; one table look instead of four tests. */
const kinds = new Uint8Array(256);
for (let flags = 0; flags < 256; flags++) {
  if ((flags & TCP_RST) !== 0) kinds[flags] = TCP_SEG_RST;
  else if ((flags & TCP_SYN) !== 0) kinds[flags] = (flags & TCP_ACK) !== 0 ? TCP_SEG_SYNACK : TCP_SEG_SYN;
  else if ((flags & TCP_FIN) !== 0) kinds[flags] = TCP_SEG_FIN;
  else kinds[flags] = (flags & TCP_ACK) !== 0 ? TCP_SEG_ACK : TCP_SEG_NONE;
}

/** What kind of segment has these flags. */
export function tcpSegmentKind(flags: number): number {
  return kinds[flags];
}

const CHECKED_FLAGS = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK | TCP_URG;
const VALID_FLAGS = new Set([
  TCP_SYN,
  TCP_SYN | TCP_URG,
  TCP_SYN | TCP_ACK,
  TCP_RST,
  TCP_RST | TCP_ACK,
  TCP_FIN | TCP_ACK,
  TCP_FIN | TCP_ACK | TCP_URG,
  TCP_ACK,
  TCP_ACK | TCP_URG,
]);
const valid = Uint8Array.from({ length: 256 }, (_, flags) => Number(VALID_FLAGS.has(flags & CHECKED_FLAGS)));

/** Do these flags make sense together? PSH, ECE and CWR always do. */
export function tcpFlagsValid(flags: number): boolean {
  return valid[flags] !== 0;
}
