/** tcp-options.ts — the TCP options that tracking looks at (RFC 7323 §2, RFC 2018). Offsets are checked by the caller to be in the packet. */
import { TCP_HLEN, TCPOPT_EOL, TCPOPT_NOP, TCPOPT_SACK, TCPOPT_SACK_PERM, TCPOPT_WINDOW, tcpHdrLen } from '@packetwalk/framework';

/** Flags of one side of a connection (IP_CT_TCP_FLAG_*). */
export const TCP_FLAG_WINDOW_SCALE = 0x01;
export const TCP_FLAG_SACK_PERM = 0x02;
/** It sent the first FIN. */
export const TCP_FLAG_CLOSE_INIT = 0x04;
/** Its history is not known: segments out of the window pass. */
export const TCP_FLAG_BE_LIBERAL = 0x08;
export const TCP_FLAG_DATA_UNACKNOWLEDGED = 0x10;
export const TCP_FLAG_MAXACK_SET = 0x20;
/** For the last segment that was ignored: an ACK may come that challenges it (RFC 5961 §4). */
export const TCP_FLAG_EXP_CHALLENGE_ACK = 0x40;
export const TCP_FLAG_SIMULTANEOUS_OPEN = 0x80;

const TCPOLEN_WINDOW = 3;
const TCPOLEN_SACK_PERM = 2;
const TCPOLEN_SACK_BASE = 2;
const TCPOLEN_SACK_PERBLOCK = 8;
/** Largest shift of a window (RFC 7323 §2.3). */
const TCP_MAX_WSCALE = 14;
/** NOP NOP TIMESTAMP: what most segments of most connections have, and nothing else. */
const TSTAMP_ALIGNED = 0x0101080a;
const TCPOLEN_TSTAMP_ALIGNED = 12;

/** Where an option of `kind` starts, from `at` on and before `end`; -1 when there is none, or the options end in nonsense before it. */
export function tcpOption(view: DataView, at: number, end: number, kind: number): number {
  for (let o = at; o < end; ) {
    const found = view.getUint8(o);
    if (found === TCPOPT_EOL) return -1;
    if (found === TCPOPT_NOP) {
      o++;
      continue;
    }
    if (o + 2 > end) return -1;
    const size = view.getUint8(o + 1);
    if (size < 2 || o + size > end) return -1;
    if (found === kind) return o;
    o += size;
  }
  return -1;
}

/** The next option of `kind` behind the one at `at`, or -1. */
export function nextOption(view: DataView, at: number, end: number, kind: number): number {
  return tcpOption(view, at + view.getUint8(at + 1), end, kind);
}

/** What a SYN announces: TCP_FLAG_WINDOW_SCALE and TCP_FLAG_SACK_PERM as set | shift of the window << 8. */
export function tcpSynOptions(view: DataView, th: number): number {
  const start = th + TCP_HLEN;
  const end = th + tcpHdrLen(view, th);
  let found = 0;
  for (let o = tcpOption(view, start, end, TCPOPT_SACK_PERM); o >= 0; o = nextOption(view, o, end, TCPOPT_SACK_PERM)) {
    if (view.getUint8(o + 1) === TCPOLEN_SACK_PERM) found |= TCP_FLAG_SACK_PERM;
  }
  for (let o = tcpOption(view, start, end, TCPOPT_WINDOW); o >= 0; o = nextOption(view, o, end, TCPOPT_WINDOW)) {
    if (view.getUint8(o + 1) === TCPOLEN_WINDOW)
      found = (found & 0xff) | TCP_FLAG_WINDOW_SCALE | (Math.min(view.getUint8(o + 2), TCP_MAX_WSCALE) << 8);
  }
  return found;
}

/** The highest sequence number that a segment acknowledges: its ACK, or the end of a SACK block behind it. */
export function tcpSack(view: DataView, th: number, ack: number): number {
  const start = th + TCP_HLEN;
  const end = th + tcpHdrLen(view, th);
  if (end - start === TCPOLEN_TSTAMP_ALIGNED && view.getInt32(start) === TSTAMP_ALIGNED) return ack;
  for (let o = tcpOption(view, start, end, TCPOPT_SACK); o >= 0; o = nextOption(view, o, end, TCPOPT_SACK)) {
    const blocks = view.getUint8(o + 1) - TCPOLEN_SACK_BASE;
    if (blocks < TCPOLEN_SACK_PERBLOCK || blocks % TCPOLEN_SACK_PERBLOCK !== 0) continue;
    let highest = ack;
    for (let i = 0; i < blocks; i += TCPOLEN_SACK_PERBLOCK) {
      const right = view.getInt32(o + TCPOLEN_SACK_BASE + i + 4);
      if (((highest - right) | 0) < 0) highest = right;
    }
    return highest;
  }
  return ack;
}
