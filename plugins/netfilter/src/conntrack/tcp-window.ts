/**
 * tcp-window.ts — is a segment within what its receiver has allowed? (G. van Rooij, Real Stateful TCP Packet Filtering in IP
 * Filter, SANE 2000; RFC 9293 §3.10.7.4; cf. Linux net/netfilter/nf_conntrack_proto_tcp.c tcp_in_window.)
 *
 *                 sender.end − receiver.maxWindow             sender.maxEnd
 *      ───────────────────┼──────────────────────────────────────┼───────────▶ sequence numbers
 *                     end ≥                                  seq ≤
 *
 * What is acknowledged lies between `receiver.end − max(66000, sender.maxWindow)` and `receiver.end`.
 */
import {
  TCP_ACK,
  TCP_ACK_SEQ,
  TCP_FIN,
  TCP_FLAGS,
  TCP_HLEN,
  TCP_RST,
  TCP_SEQ,
  TCP_SYN,
  TCP_WINDOW,
  tcpHdrLen,
} from '@packetwalk/framework';
import { CT_PROTO, type NfConn } from './nf-conn.ts';
import { seqOffset } from './seqadj.ts';
import {
  TCP_FLAG_BE_LIBERAL,
  TCP_FLAG_DATA_UNACKNOWLEDGED,
  TCP_FLAG_MAXACK_SET,
  TCP_FLAG_SACK_PERM,
  TCP_FLAG_WINDOW_SCALE,
  tcpSack,
  tcpSynOptions,
} from './tcp-options.ts';
import { TCP_CT_SYN_RECV, TCP_CT_SYN_SENT, TCP_SEG_ACK } from './tcp-state.ts';

/** Words of a TCP connection's row. */
export const TCP_STATE: number = CT_PROTO;
/** The last segment that counted or was ignored: kind | direction << 8 | repetitions << 16. */
export const TCP_LAST: number = CT_PROTO + 1;
/** Its window | shift << 16 | flags << 24. */
export const TCP_LAST_WIN: number = CT_PROTO + 2;
export const TCP_LAST_SEQ: number = CT_PROTO + 3;
export const TCP_LAST_ACK: number = CT_PROTO + 4;
export const TCP_LAST_END: number = CT_PROTO + 5;
/** Then five words for each side: */
export const TCP_SEEN: number = CT_PROTO + 6;
export const SEEN_WORDS = 5;
/** the highest end of its segments, … */
export const SEEN_END = 0;
/** how far the other side lets it go, … */
export const SEEN_MAXEND = 1;
/** the largest window it has offered, 0: nothing is known of it yet, … */
export const SEEN_MAXWIN = 2;
/** the highest number it has acknowledged, … */
export const SEEN_MAXACK = 3;
/** TCP_FLAG_* | shift of its windows << 8. */
export const SEEN_FLAGS = 4;

/** Answers of {@link tcpInWindow}. */
export const TCP_IN_WINDOW = 0;
/** The sender went a little too far: it passes, its data may yet be acknowledged. */
export const TCP_SEQ_OVERSHOT = 1;
/** Its data was acknowledged long ago, or what it acknowledges was: it passes, and changes nothing. */
export const TCP_SEQ_UNDER = 2;
export const TCP_ACK_UNDER = 3;
/** Its sender was not allowed to send it, or acknowledges what was never sent: it is invalid. */
export const TCP_SEQ_OVER = 4;
export const TCP_ACK_OVER = 5;

/** How far an acknowledgement may lag behind when windows are small. */
const MAXACKWINCONST = 66000;

/** Is `a` before `b`, in a space that wraps? */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** The sequence number behind the segment: SYN and FIN count one each. */
export function segmentEnd(view: DataView, th: number, packetEnd: number): number {
  const flags = view.getUint8(th + TCP_FLAGS);
  const counted = Number((flags & TCP_SYN) !== 0) + Number((flags & TCP_FIN) !== 0);
  return (view.getInt32(th + TCP_SEQ) + packetEnd - th - tcpHdrLen(view, th) + counted) | 0;
}

/** The side `seen` (index of its words) begins with this SYN; `other` is the other one's. */
function initSender(words: Int32Array, seen: number, other: number, view: DataView, th: number, end: number, fromReply: boolean): void {
  words[seen + SEEN_END] = end;
  words[seen + SEEN_MAXEND] = end;
  words[seen + SEEN_MAXWIN] = view.getUint16(th + TCP_WINDOW) || 1;
  readSynOptions(words, seen, view, th);
  // Windows are scaled only when both sides have said so (RFC 7323 §2.2).
  if (fromReply && (words[seen + SEEN_FLAGS] & words[other + SEEN_FLAGS] & TCP_FLAG_WINDOW_SCALE) === 0) {
    words[seen + SEEN_FLAGS] &= 0xff;
    words[other + SEEN_FLAGS] &= 0xff;
  }
}

/** Takes over what a SYN announces; one without any options leaves things as they are. */
export function readSynOptions(words: Int32Array, seen: number, view: DataView, th: number): void {
  if (tcpHdrLen(view, th) === TCP_HLEN) return;
  words[seen + SEEN_FLAGS] = (words[seen + SEEN_FLAGS] & TCP_FLAG_BE_LIBERAL) | tcpSynOptions(view, th);
}

/** Where the segment at `th` in direction `dir` lies; keeps what it tells of both sides when it is within the window. */
export function tcpInWindow(ct: NfConn, dir: number, kind: number, view: DataView, th: number, packetEnd: number): number {
  const { words, base } = ct;
  const sender = base + TCP_SEEN + dir * SEEN_WORDS;
  const receiver = base + TCP_SEEN + (1 - dir) * SEEN_WORDS;
  const flags = view.getUint8(th + TCP_FLAGS);
  let seq = view.getInt32(th + TCP_SEQ);
  let end = segmentEnd(view, th, packetEnd);
  let ack = view.getInt32(th + TCP_ACK_SEQ);
  let sack = (words[receiver + SEEN_FLAGS] & TCP_FLAG_SACK_PERM) !== 0 ? tcpSack(view, th, ack) : ack;
  const adjusted = seqOffset(ct, 1 - dir, (ack - 1) | 0);
  ack = (ack - adjusted) | 0;
  sack = (sack - adjusted) | 0;

  if (words[sender + SEEN_MAXWIN] === 0) {
    if ((flags & TCP_SYN) === 0) pickUp(words, sender, receiver, view.getUint16(th + TCP_WINDOW), end, sack);
    else {
      initSender(words, sender, receiver, view, th, end, dir === 1);
      if ((flags & TCP_ACK) === 0) return TCP_IN_WINDOW;
    }
  } else if ((flags & TCP_SYN) !== 0 && before(words[sender + SEEN_END], end)) {
    const state = words[base + TCP_STATE];
    if (state === TCP_CT_SYN_SENT || state === TCP_CT_SYN_RECV) {
      // The side starts anew, with higher numbers.
      initSender(words, sender, receiver, view, th, end, dir === 1);
      if (dir === 1 && (flags & TCP_ACK) === 0) return TCP_IN_WINDOW;
    }
  }

  // Without ACK, and in resets that say 0, the number means nothing.
  if ((flags & TCP_ACK) === 0 || ((flags & TCP_RST) !== 0 && ack === 0)) {
    ack = words[receiver + SEEN_END];
    sack = ack;
  }
  // A reset that answers a SYN.
  if ((flags & TCP_RST) !== 0 && seq === 0 && words[base + TCP_STATE] === TCP_CT_SYN_SENT) {
    end = words[sender + SEEN_END];
    seq = end;
  }
  const place = locate(words, sender, receiver, seq, end, sack);
  if (place !== TCP_IN_WINDOW) return place;
  learn(words, sender, receiver, flags, view.getUint16(th + TCP_WINDOW), end, ack, sack);
  if (kind === TCP_SEG_ACK) countRepetition(words, base, dir, seq, ack, end, view.getUint16(th + TCP_WINDOW));
  return TCP_IN_WINDOW;
}

/** The first segment of a side whose beginning was not seen is taken as it is. */
function pickUp(words: Int32Array, sender: number, receiver: number, window: number, end: number, sack: number): void {
  const scaled = window << (words[sender + SEEN_FLAGS] >>> 8) || 1;
  words[sender + SEEN_END] = end;
  words[sender + SEEN_MAXWIN] = scaled;
  words[sender + SEEN_MAXEND] = end + scaled;
  if (words[receiver + SEEN_MAXWIN] === 0) {
    words[receiver + SEEN_END] = sack;
    words[receiver + SEEN_MAXEND] = sack;
  } else if (sack === ((words[receiver + SEEN_END] + 1) | 0)) {
    // The answer to a keepalive, which has no number of its own.
    words[receiver + SEEN_END]++;
  }
}

function locate(words: Int32Array, sender: number, receiver: number, seq: number, end: number, sack: number): number {
  const sent = words[sender + SEEN_END];
  const maxEnd = words[sender + SEEN_MAXEND];
  const received = words[receiver + SEEN_END];
  const allowed = words[receiver + SEEN_MAXWIN];
  const lag = Math.max(words[sender + SEEN_MAXWIN] >>> 0, MAXACKWINCONST);
  const ackNotTooOld = before(received - lag - 1, sack);
  const ackNotTooNew = before(sack, received + 1);
  if (!before(seq, maxEnd + 1)) {
    const near = allowed !== 0 && before(sent - allowed - 1, end) && (end - maxEnd + 1) >>> 0 <= allowed >>> 0;
    if (!near || !ackNotTooOld || !ackNotTooNew) return TCP_SEQ_OVER;
    words[sender + SEEN_END] = end;
    words[sender + SEEN_FLAGS] |= TCP_FLAG_DATA_UNACKNOWLEDGED;
    return TCP_SEQ_OVERSHOT;
  }
  if (!ackNotTooNew) return TCP_ACK_OVER;
  if (allowed !== 0 && !before(sent - allowed - 1, end)) return TCP_SEQ_UNDER;
  return ackNotTooOld ? TCP_IN_WINDOW : TCP_ACK_UNDER;
}

function learn(
  words: Int32Array,
  sender: number,
  receiver: number,
  flags: number,
  window: number,
  end: number,
  ack: number,
  sack: number,
): void {
  const win = (flags & TCP_SYN) !== 0 ? window : window << (words[sender + SEEN_FLAGS] >>> 8);
  const offered = (win + sack - ack) | 0;
  if (words[sender + SEEN_MAXWIN] >>> 0 < offered >>> 0) words[sender + SEEN_MAXWIN] = offered;
  if (before(words[sender + SEEN_END], end)) {
    words[sender + SEEN_END] = end;
    words[sender + SEEN_FLAGS] |= TCP_FLAG_DATA_UNACKNOWLEDGED;
  }
  if ((flags & TCP_ACK) !== 0) {
    if ((words[sender + SEEN_FLAGS] & TCP_FLAG_MAXACK_SET) === 0) {
      words[sender + SEEN_MAXACK] = ack;
      words[sender + SEEN_FLAGS] |= TCP_FLAG_MAXACK_SET;
    } else if (before(words[sender + SEEN_MAXACK], ack)) {
      words[sender + SEEN_MAXACK] = ack;
    }
  }
  const maxEnd = words[sender + SEEN_MAXEND];
  if (words[receiver + SEEN_MAXWIN] !== 0 && before(maxEnd, end)) words[receiver + SEEN_MAXWIN] += end - maxEnd;
  if (before(words[receiver + SEEN_MAXEND] - 1, sack + win)) words[receiver + SEEN_MAXEND] = sack + (win || 1);
  if (ack === words[receiver + SEEN_END]) words[receiver + SEEN_FLAGS] &= ~TCP_FLAG_DATA_UNACKNOWLEDGED;
}

/** Counts acknowledgements that say the same again: their sender waits for somebody who is not there. */
function countRepetition(words: Int32Array, base: number, dir: number, seq: number, ack: number, end: number, window: number): void {
  const last = words[base + TCP_LAST];
  if (
    ((last >>> 8) & 0xff) === dir &&
    words[base + TCP_LAST_SEQ] === seq &&
    words[base + TCP_LAST_ACK] === ack &&
    words[base + TCP_LAST_END] === end &&
    (words[base + TCP_LAST_WIN] & 0xffff) === window
  ) {
    if (last >>> 16 < 0xff) words[base + TCP_LAST] = last + 0x10000;
    return;
  }
  words[base + TCP_LAST] = (last & 0xff) | (dir << 8);
  words[base + TCP_LAST_SEQ] = seq;
  words[base + TCP_LAST_ACK] = ack;
  words[base + TCP_LAST_END] = end;
  words[base + TCP_LAST_WIN] = (words[base + TCP_LAST_WIN] & 0xffff0000) | window;
}
