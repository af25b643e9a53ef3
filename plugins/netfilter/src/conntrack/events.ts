/**
 * events.ts — what happens to connections, told once a packet when the packet is done with them (cf. Linux
 * net/netfilter/nf_conntrack_ecache.c). Nobody listens: a connection that changes pays one look.
 */

/** Bits of what has changed (ip_conntrack_events). */
export const IPCT_NEW: number = 1 << 0;
export const IPCT_RELATED: number = 1 << 1;
export const IPCT_DESTROY: number = 1 << 2;
export const IPCT_REPLY: number = 1 << 3;
export const IPCT_ASSURED: number = 1 << 4;
export const IPCT_PROTOINFO: number = 1 << 5;
export const IPCT_HELPER: number = 1 << 6;
export const IPCT_MARK: number = 1 << 7;
export const IPCT_SEQADJ: number = 1 << 8;

/** Names as `CT --ctevents` takes and lists them. */
export const IPCT_NAMES: readonly (readonly [string, number])[] = [
  ['new', IPCT_NEW],
  ['related', IPCT_RELATED],
  ['destroy', IPCT_DESTROY],
  ['reply', IPCT_REPLY],
  ['assured', IPCT_ASSURED],
  ['protoinfo', IPCT_PROTOINFO],
  ['helper', IPCT_HELPER],
  ['mark', IPCT_MARK],
  ['natseqinfo', IPCT_SEQADJ],
  ['secmark', 1 << 9],
];
