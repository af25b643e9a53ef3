/**
 * proto-tcp.ts — tracking TCP: which segments may begin a connection, the state, the window, how long it lives (RFC 9293,
 * RFC 5961 §4; cf. Linux net/netfilter/nf_conntrack_proto_tcp.c).
 */
import {
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IPPROTO_TCP,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_FIXED_TIMEOUT,
  IPS_SEEN_REPLY,
  type NfHookState,
  type SkBuff,
  TCP_ACK_SEQ,
  TCP_FLAGS,
  TCP_HLEN,
  TCP_SEQ,
  TCP_WINDOW,
  tcpHdrLen,
} from '@packetwalk/framework';
import { IPCT_ASSURED, IPCT_PROTOINFO } from './events.ts';
import { checksumRight } from './l4-checksum.ts';
import { CT_EXPIRES, CT_PROTO, CT_PROTO_WORDS, CT_STATUS, type NfConn } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { TCP_TIMEOUT_RETRANS, TCP_TIMEOUT_UNACK } from './settings.ts';
import {
  TCP_FLAG_BE_LIBERAL,
  TCP_FLAG_CLOSE_INIT,
  TCP_FLAG_DATA_UNACKNOWLEDGED,
  TCP_FLAG_EXP_CHALLENGE_ACK,
  TCP_FLAG_MAXACK_SET,
  TCP_FLAG_SACK_PERM,
  TCP_FLAG_SIMULTANEOUS_OPEN,
  tcpSynOptions,
} from './tcp-options.ts';
import {
  TCP_CT_CLOSE,
  TCP_CT_CLOSE_WAIT,
  TCP_CT_ESTABLISHED,
  TCP_CT_FIN_WAIT,
  TCP_CT_IGNORE,
  TCP_CT_INVALID,
  TCP_CT_LAST_ACK,
  TCP_CT_NONE,
  TCP_CT_SYN_RECV,
  TCP_CT_SYN_SENT,
  TCP_CT_SYN_SENT2,
  TCP_CT_TIME_WAIT,
  TCP_SEG_ACK,
  TCP_SEG_FIN,
  TCP_SEG_NONE,
  TCP_SEG_RST,
  TCP_SEG_SYN,
  TCP_SEG_SYNACK,
  tcpFlagsValid,
  tcpSegmentKind,
  tcpTransition,
} from './tcp-state.ts';
import {
  before,
  readSynOptions,
  SEEN_END,
  SEEN_FLAGS,
  SEEN_MAXACK,
  SEEN_MAXEND,
  SEEN_MAXWIN,
  SEEN_WORDS,
  segmentEnd,
  TCP_ACK_OVER,
  TCP_IN_WINDOW,
  TCP_LAST,
  TCP_LAST_ACK,
  TCP_LAST_END,
  TCP_LAST_SEQ,
  TCP_LAST_WIN,
  TCP_SEEN,
  TCP_SEQ_OVER,
  TCP_STATE,
  tcpInWindow,
} from './tcp-window.ts';
import { CT_ACCEPT, CT_DROP, CT_REPEAT } from './verdict.ts';

const OUT_OF_WINDOW = [
  '',
  'a few bytes too many',
  'acknowledged data again',
  'acknowledgement too old',
  'beyond the window',
  'acknowledges what was not sent',
];

/** A connection that lives longer than this when both sides try to end it out of the window is shortened, ms. */
const INVALID_CLOSE_LIFE = 120_000;

/** A segment at `th` of a connection, in direction `dir`: CT_*. */
export function tcpPacket(nct: NfConntrack, ct: NfConn, skb: SkBuff, th: number, dir: number, hook: NfHookState): number {
  const { view } = skb.head;
  const end = skb.data + skb.len;
  if (th + TCP_HLEN > end) return nct.invalid(skb, IPPROTO_TCP, 'short packet');
  const hlen = tcpHdrLen(view, th);
  if (hlen < TCP_HLEN || th + hlen > end) return nct.invalid(skb, IPPROTO_TCP, 'truncated packet');
  if (!checksumRight(nct, skb, th, IPPROTO_TCP, hook)) return nct.invalid(skb, IPPROTO_TCP, 'bad checksum');
  const flags = view.getUint8(th + TCP_FLAGS);
  if (!tcpFlagsValid(flags)) return nct.invalid(skb, IPPROTO_TCP, 'invalid tcp flag combination');
  const { words, base } = ct;
  const kind = tcpSegmentKind(flags);
  if ((words[base + CT_STATUS] & IPS_CONFIRMED) === 0 && !tcpNew(nct, ct, kind, view, th, end)) {
    return nct.invalid(skb, IPPROTO_TCP, 'begins no connection');
  }

  let oldState = words[base + TCP_STATE];
  let newState = tcpTransition(dir, kind, oldState);
  let checkWindow = true;
  switch (newState) {
    case TCP_CT_SYN_SENT:
      if (oldState < TCP_CT_TIME_WAIT) break;
      if (mayReopen(ct, dir)) return nct.delete(ct) ? CT_REPEAT : CT_DROP;
      newState = TCP_CT_IGNORE;
      break;
    case TCP_CT_TIME_WAIT:
      // An ACK that challenges a SYN does not acknowledge the last FIN (RFC 5961 §4).
      if (oldState === TCP_CT_LAST_ACK && kind === TCP_SEG_ACK && lastDir(words, base) !== dir && lastKind(words, base) === TCP_SEG_SYN) {
        if (((words[base + TCP_LAST_WIN] >>> 24) & TCP_FLAG_EXP_CHALLENGE_ACK) !== 0) {
          words[base + TCP_LAST_WIN] &= ~(TCP_FLAG_EXP_CHALLENGE_ACK << 24);
          return CT_ACCEPT;
        }
      }
      break;
    case TCP_CT_SYN_SENT2:
      words[base + TCP_LAST_WIN] |= TCP_FLAG_SIMULTANEOUS_OPEN << 24;
      break;
    case TCP_CT_SYN_RECV:
      if (dir === IP_CT_DIR_REPLY && kind === TCP_SEG_ACK && ((words[base + TCP_LAST_WIN] >>> 24) & TCP_FLAG_SIMULTANEOUS_OPEN) !== 0) {
        newState = TCP_CT_ESTABLISHED;
      }
      break;
    case TCP_CT_CLOSE: {
      if (kind !== TCP_SEG_RST) break;
      const reset = judgeReset(nct, ct, dir, oldState, view, th);
      if (reset === RESET_INVALID) return nct.invalid(skb, IPPROTO_TCP, 'invalid rst');
      if (reset === RESET_KEEPS_STATE) newState = oldState;
      checkWindow = reset !== RESET_TAKEN;
      break;
    }
    case TCP_CT_INVALID:
      return nct.invalid(skb, IPPROTO_TCP, 'no such segment in this state');
  }
  if (newState === TCP_CT_IGNORE) {
    if (!answersIgnoredSyn(ct, dir, kind, view, th)) return ignore(nct, ct, skb, dir, kind, oldState, view, th, end);
    // Both ends are in step and this box was not: it is from here on.
    resynchronize(ct, dir);
    oldState = TCP_CT_SYN_SENT;
    newState = TCP_CT_SYN_RECV;
  }
  if (checkWindow) {
    const place = tcpInWindow(ct, dir, kind, view, th, end);
    if (place !== TCP_IN_WINDOW && !isLiberal(nct, ct, dir)) {
      if (place !== TCP_SEQ_OVER && place !== TCP_ACK_OVER) return CT_ACCEPT;
      shortenUnclosed(nct, ct, dir, kind);
      return nct.invalid(skb, IPPROTO_TCP, OUT_OF_WINDOW[place]);
    }
  }
  return advance(nct, ct, skb, dir, kind, oldState, newState);
}

const lastKind = (words: Int32Array, base: number): number => words[base + TCP_LAST] & 0xff;
const lastDir = (words: Int32Array, base: number): number => (words[base + TCP_LAST] >>> 8) & 0xff;

function setLast(words: Int32Array, base: number, kind: number, dir: number): void {
  words[base + TCP_LAST] = (words[base + TCP_LAST] & 0xffff0000) | (dir << 8) | kind;
}

const seen = (ct: NfConn, dir: number): number => ct.base + TCP_SEEN + dir * SEEN_WORDS;

function isLiberal(nct: NfConntrack, ct: NfConn, dir: number): boolean {
  return nct.settings.tcpBeLiberal !== 0 || (ct.words[seen(ct, dir) + SEEN_FLAGS] & TCP_FLAG_BE_LIBERAL) !== 0;
}

/** The first segment: false when no connection begins like this. */
function tcpNew(nct: NfConntrack, ct: NfConn, kind: number, view: DataView, th: number, end: number): boolean {
  const state = tcpTransition(IP_CT_DIR_ORIGINAL, kind, TCP_CT_NONE);
  if (state >= TCP_CT_INVALID) return false;
  if (state !== TCP_CT_SYN_SENT && nct.settings.tcpLoose === 0) return false;
  const { words, base } = ct;
  words.fill(0, base + CT_PROTO, base + CT_PROTO + CT_PROTO_WORDS);
  const sender = seen(ct, IP_CT_DIR_ORIGINAL);
  words[sender + SEEN_END] = segmentEnd(view, th, end);
  words[sender + SEEN_MAXWIN] = view.getUint16(th + TCP_WINDOW) || 1;
  if (state === TCP_CT_SYN_SENT) {
    words[sender + SEEN_MAXEND] = words[sender + SEEN_END];
    readSynOptions(words, sender, view, th);
  } else {
    // In the middle of a connection: how its windows are scaled is not known.
    words[sender + SEEN_MAXEND] = words[sender + SEEN_END] + words[sender + SEEN_MAXWIN];
    words[sender + SEEN_FLAGS] = TCP_FLAG_SACK_PERM | TCP_FLAG_BE_LIBERAL;
    words[seen(ct, IP_CT_DIR_REPLY) + SEEN_FLAGS] = TCP_FLAG_SACK_PERM | TCP_FLAG_BE_LIBERAL;
  }
  words[base + TCP_LAST] = TCP_SEG_NONE;
  return true;
}

/** A SYN on a connection that is over begins a new one, if the old one was closed or its client has given it up. */
function mayReopen(ct: NfConn, dir: number): boolean {
  const { words, base } = ct;
  const flags = words[seen(ct, 0) + SEEN_FLAGS] | words[seen(ct, 1) + SEEN_FLAGS];
  return (flags & TCP_FLAG_CLOSE_INIT) !== 0 || (lastDir(words, base) === dir && lastKind(words, base) === TCP_SEG_RST);
}

/** Does a SYN ACK answer the SYN that was ignored before? */
function answersIgnoredSyn(ct: NfConn, dir: number, kind: number, view: DataView, th: number): boolean {
  const { words, base } = ct;
  return (
    kind === TCP_SEG_SYNACK &&
    lastKind(words, base) === TCP_SEG_SYN &&
    lastDir(words, base) !== dir &&
    view.getInt32(th + TCP_ACK_SEQ) === words[base + TCP_LAST_END]
  );
}

/** Takes over what was noted of the ignored SYN; the side that answers it begins anew. */
function resynchronize(ct: NfConn, dir: number): void {
  const { words, base } = ct;
  const asker = seen(ct, lastDir(words, base));
  const last = words[base + TCP_LAST_WIN];
  words[asker + SEEN_END] = words[base + TCP_LAST_END];
  words[asker + SEEN_MAXEND] = words[base + TCP_LAST_END];
  words[asker + SEEN_MAXWIN] = last & 0xffff || 1;
  words[base + TCP_LAST_WIN] = last & ~(TCP_FLAG_EXP_CHALLENGE_ACK << 24);
  words[asker + SEEN_FLAGS] = ((last >>> 24) & ~TCP_FLAG_EXP_CHALLENGE_ACK) | (((last >>> 16) & 0xff) << 8);
  const answerer = seen(ct, dir);
  const liberal = words[answerer + SEEN_FLAGS] & TCP_FLAG_BE_LIBERAL;
  words.fill(0, answerer, answerer + SEEN_WORDS);
  words[answerer + SEEN_FLAGS] = liberal;
}

/** The segment passes and changes nothing, but is remembered: the answer to it may tell more. */
function ignore(
  nct: NfConntrack,
  ct: NfConn,
  skb: SkBuff,
  dir: number,
  kind: number,
  state: number,
  view: DataView,
  th: number,
  end: number,
): number {
  const { words, base } = ct;
  setLast(words, base, kind, dir);
  words[base + TCP_LAST_SEQ] = view.getInt32(th + TCP_SEQ);
  words[base + TCP_LAST_END] = segmentEnd(view, th, end);
  let last = (words[base + TCP_LAST_WIN] & 0xffff0000) | view.getUint16(th + TCP_WINDOW);
  if (kind === TCP_SEG_SYN && dir === IP_CT_DIR_ORIGINAL) {
    const options = tcpHdrLen(view, th) === TCP_HLEN ? 0 : tcpSynOptions(view, th);
    const challenge = state === TCP_CT_LAST_ACK ? TCP_FLAG_EXP_CHALLENGE_ACK : 0;
    last = (last & 0xffff) | ((options >>> 8) << 16) | (((options & 0xff) | challenge) << 24);
  }
  words[base + TCP_LAST_WIN] = last;
  if (state === TCP_CT_SYN_SENT && kind === TCP_SEG_ACK && dir === IP_CT_DIR_REPLY) {
    words[base + TCP_LAST_ACK] = view.getInt32(th + TCP_ACK_SEQ);
  }
  nct.logPacket(skb, IPPROTO_TCP, 'ignored');
  return CT_ACCEPT;
}

/** It counts; the window need not be looked at. */
const RESET_TAKEN = 0;
const RESET_IN_WINDOW = 1;
/** Not where the other side expects it: that side may challenge it, so nothing is over yet (RFC 5961 §3). */
const RESET_KEEPS_STATE = 2;
const RESET_INVALID = 3;

function judgeReset(nct: NfConntrack, ct: NfConn, dir: number, state: number, view: DataView, th: number): number {
  if (tcpCanEarlyDrop(state)) return RESET_TAKEN;
  const { words, base } = ct;
  const last = lastKind(words, base);
  const seq = view.getInt32(th + TCP_SEQ);
  const other = seen(ct, 1 - dir);
  let result = RESET_IN_WINDOW;
  if ((words[other + SEEN_FLAGS] & TCP_FLAG_MAXACK_SET) !== 0 && last !== TCP_SEG_SYN) {
    const maxAck = words[other + SEEN_MAXACK];
    const established = state === TCP_CT_ESTABLISHED && (ct.status & IPS_ASSURED) !== 0;
    // Outside an established connection, number 0 answers a SYN that was let through.
    if (seq === 0 && !established) return RESET_IN_WINDOW;
    if (before(seq, maxAck) && nct.settings.tcpIgnoreInvalidRst === 0) return RESET_INVALID;
    if (!established || seq === maxAck) return RESET_IN_WINDOW;
    // It comes right behind the data of its sender.
    if (last === TCP_SEG_ACK && lastDir(words, base) === dir && seq === words[base + TCP_LAST_END]) return RESET_IN_WINDOW;
    result = RESET_KEEPS_STATE;
  }
  const { status } = ct;
  const letThrough = ((status & IPS_SEEN_REPLY) !== 0 && last === TCP_SEG_SYN) || ((status & IPS_ASSURED) === 0 && last === TCP_SEG_ACK);
  if (letThrough && view.getInt32(th + TCP_ACK_SEQ) === words[base + TCP_LAST_END]) return RESET_TAKEN;
  // It answers an ACK that challenged a SYN.
  if (state === TCP_CT_SYN_SENT && last === TCP_SEG_ACK && lastDir(words, base) === IP_CT_DIR_REPLY && seq === words[base + TCP_LAST_ACK]) {
    return RESET_TAKEN;
  }
  return result;
}

/**
 * The tracker sees FIN and RST from both sides out of the window: it has lost count, and the connection is likely over. It
 * shall not stay for days.
 */
function shortenUnclosed(nct: NfConntrack, ct: NfConn, dir: number, kind: number): void {
  const { status } = ct;
  if ((status & IPS_ASSURED) === 0 || (status & IPS_FIXED_TIMEOUT) !== 0) return;
  if (kind !== TCP_SEG_RST && kind !== TCP_SEG_FIN) return;
  const { words, base } = ct;
  const last = lastKind(words, base);
  if (lastDir(words, base) === dir || (last !== TCP_SEG_FIN && last !== TCP_SEG_RST)) {
    setLast(words, base, kind, dir);
    return;
  }
  const left = ct.expiresIn(nct.now);
  const unacked = nct.settings.tcp[TCP_TIMEOUT_UNACK];
  if (left >= INVALID_CLOSE_LIFE && left > unacked) words[base + CT_EXPIRES] = nct.now + unacked;
}

/** The segment counts: state, time to live, and what the rest of the router hears of it. */
function advance(nct: NfConntrack, ct: NfConn, skb: SkBuff, dir: number, kind: number, oldState: number, newState: number): number {
  const { words, base } = ct;
  setLast(words, base, kind, dir);
  words[base + TCP_STATE] = newState;
  if (oldState !== newState) {
    if (newState === TCP_CT_FIN_WAIT) words[seen(ct, dir) + SEEN_FLAGS] |= TCP_FLAG_CLOSE_INIT;
    nct.eventCache(ct, IPCT_PROTOINFO);
  }
  let timeout = tcpTimeout(nct, ct, kind, newState);
  const status = words[base + CT_STATUS];
  if ((status & IPS_SEEN_REPLY) === 0) {
    // Nobody has answered but with a reset: there is no connection.
    if (kind === TCP_SEG_RST) {
      nct.account(ct, dir, skb);
      nct.delete(ct);
      return CT_ACCEPT;
    }
    // A SYN that is repeated does not keep the entry alive, or who uses a port again would keep it for ever.
    if (kind === TCP_SEG_SYN && oldState === TCP_CT_SYN_SENT) return CT_ACCEPT;
    const unacked = nct.settings.tcp[TCP_TIMEOUT_UNACK];
    if (newState === TCP_CT_ESTABLISHED && timeout > unacked) timeout = unacked;
  } else if (
    (status & IPS_ASSURED) === 0 &&
    newState === TCP_CT_ESTABLISHED &&
    (oldState === TCP_CT_SYN_RECV || oldState === TCP_CT_ESTABLISHED)
  ) {
    ct.setStatus(IPS_ASSURED);
    nct.eventCache(ct, IPCT_ASSURED);
  }
  nct.refresh(ct, dir, skb, timeout);
  return CT_ACCEPT;
}

/** How long the connection lives after a segment, ms: as its state has it, less while something is not acknowledged. */
function tcpTimeout(nct: NfConntrack, ct: NfConn, kind: number, state: number): number {
  const { words, base } = ct;
  const { tcp, tcpMaxRetrans } = nct.settings;
  const normal = tcp[state];
  if (words[base + TCP_LAST] >>> 16 >= tcpMaxRetrans && normal > tcp[TCP_TIMEOUT_RETRANS]) return tcp[TCP_TIMEOUT_RETRANS];
  if (kind === TCP_SEG_RST) return tcp[TCP_CT_CLOSE];
  const flags = words[seen(ct, 0) + SEEN_FLAGS] | words[seen(ct, 1) + SEEN_FLAGS];
  if ((flags & TCP_FLAG_DATA_UNACKNOWLEDGED) !== 0 && normal > tcp[TCP_TIMEOUT_UNACK]) return tcp[TCP_TIMEOUT_UNACK];
  if ((words[base + TCP_LAST_WIN] & 0xffff) === 0 && normal > tcp[TCP_TIMEOUT_RETRANS]) return tcp[TCP_TIMEOUT_RETRANS];
  return normal;
}

/** Is a connection in this state all but over? */
export function tcpCanEarlyDrop(state: number): boolean {
  return (
    state === TCP_CT_FIN_WAIT ||
    state === TCP_CT_LAST_ACK ||
    state === TCP_CT_TIME_WAIT ||
    state === TCP_CT_CLOSE ||
    state === TCP_CT_CLOSE_WAIT
  );
}

/** The router itself has reset the connection (nf_conntrack_tcp_set_closing). */
export function tcpSetClosing(nct: NfConntrack, ct: NfConn): void {
  if (!ct.confirmed) return;
  const { words, base } = ct;
  const before = words[base + TCP_STATE];
  words[base + TCP_STATE] = TCP_CT_CLOSE;
  if (before === TCP_CT_CLOSE || (ct.status & IPS_FIXED_TIMEOUT) !== 0) return;
  words[base + CT_EXPIRES] = nct.now + nct.settings.tcp[TCP_CT_CLOSE];
  nct.eventCache(ct, IPCT_PROTOINFO);
}

/** The connection was made by command: nothing is known of its windows, and all segments pass (conntrack(8)). */
export function tcpBeLiberal(ct: NfConn): void {
  for (const dir of [IP_CT_DIR_ORIGINAL, IP_CT_DIR_REPLY]) ct.words[seen(ct, dir) + SEEN_FLAGS] |= TCP_FLAG_SACK_PERM | TCP_FLAG_BE_LIBERAL;
}

/** Tracking was off and begins again: what is known of windows is out of date (nf_ct_tcp_fixup). */
export function tcpForgetWindows(ct: NfConn): void {
  const { words, base } = ct;
  if (ct.protocol !== IPPROTO_TCP || words[base + TCP_STATE] !== TCP_CT_ESTABLISHED) return;
  words[seen(ct, 0) + SEEN_MAXWIN] = 0;
  words[seen(ct, 1) + SEEN_MAXWIN] = 0;
}
