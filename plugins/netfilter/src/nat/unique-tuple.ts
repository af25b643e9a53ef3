/**
 * unique-tuple.ts — chooses address and port for a new connection so that no other one has the same replies (RFC 4787 §4; cf.
 * Linux net/netfilter/nf_nat_core.c get_unique_tuple).
 *
 *      1. source: what it has, or had before, if it fits the range and is free
 *      2. an address of the range, by hash of both ends
 *      3. the port it has, if it fits and is free; else ports of the range from a random one on
 */
import {
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPS_DST_NAT,
  IPS_DYING,
  IPS_FIXED_TIMEOUT,
  IPS_SEQ_ADJUST,
  IPS_SRC_NAT,
} from '@packetwalk/framework';
import { allowsClash } from '../conntrack/clash.ts';
import { CT_KEY, CT_TUPLE, type NfConn, sameTuple } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import { CT_STAT_FOUND } from '../conntrack/stat.ts';
import { TCP_CT_SYN_SENT, TCP_CT_TIME_WAIT } from '../conntrack/tcp-state.ts';
import { SEEN_END, TCP_SEEN, TCP_STATE } from '../conntrack/tcp-window.ts';
import { invertTuple, Tuple } from '../conntrack/tuple.ts';
import type { BySource } from './by-source.ts';
import { jhash2, reciprocalScale } from './jhash.ts';
import {
  NAT_MANIP_DST,
  NAT_MANIP_SRC,
  NAT_MAP_IPS,
  NAT_PERSISTENT,
  NAT_PROTO_OFFSET,
  NAT_PROTO_RANDOM_ALL,
  NAT_PROTO_SPECIFIED,
  type NatRange,
} from './nat-range.ts';

/** Ports tried from one starting point; then others, half as many each time. */
const MAX_ATTEMPTS = 128;
const FEWEST_ATTEMPTS = 16;
/** With so few tries left, a closed connection of TCP may have to make room. */
const HARDER_THRESHOLD = 32;

const USES_NAT = IPS_SRC_NAT | IPS_DST_NAT | IPS_SEQ_ADJUST;

const replies = new Tuple();
const known = new Tuple();

/** Makes `out` a tuple of the original direction like `wish`, within `range`; it may still be taken if nothing is free. */
export function uniqueTuple(
  nct: NfConntrack,
  bySource: BySource,
  out: Tuple,
  wish: Tuple,
  range: NatRange,
  ct: NfConn,
  manip: number,
): void {
  const random = (range.flags & NAT_PROTO_RANDOM_ALL) !== 0;
  out.copy(wish);
  if (manip === NAT_MANIP_SRC && !random) {
    if (inRange(wish, range)) {
      if (!isTaken(nct, wish, ct) || mirrors(nct, wish, ct)) return;
    } else if (sameSource(bySource, out, wish, range, ct) && !isTaken(nct, out, ct)) return;
    out.copy(wish);
  }
  chooseAddress(out, range, ct, manip);
  if (!random) {
    if ((range.flags & NAT_PROTO_SPECIFIED) === 0) {
      if (!isTaken(nct, out, ct)) return;
    } else if ((range.flags & NAT_PROTO_OFFSET) === 0 && portInRange(out, range, manip)) {
      if (range.minPort === range.maxPort || !isTaken(nct, out, ct)) return;
    }
  }
  choosePort(nct, out, range, ct, manip);
}

/** Does another connection get the replies to packets that look like `tuple`? (nf_nat_used_tuple, nf_conntrack_tuple_taken) */
function isTaken(nct: NfConntrack, tuple: Tuple, ct: NfConn): boolean {
  if (!invertTuple(replies, tuple)) return false;
  const key = ct.words[ct.base + CT_TUPLE + CT_KEY];
  const ref = nct.findLive(replies.src, replies.dst, replies.ports, key, 3);
  if (ref === 0) return false;
  const other = nct.conn(ref);
  if (other === ct || sameOriginal(other, ct)) return false;
  nct.stat[CT_STAT_FOUND]++;
  return true;
}

/**
 * Both ends have begun at once, and neither is translated: what seems taken is the same flow the other way, and confirming it
 * sorts that out (nf_nat_used_tuple_new).
 */
function mirrors(nct: NfConntrack, tuple: Tuple, ct: NfConn): boolean {
  if (!allowsClash(ct.protocol) || (ct.status & USES_NAT) !== 0) return false;
  invertTuple(replies, tuple);
  const ref = nct.findLive(replies.src, replies.dst, replies.ports, ct.words[ct.base + CT_TUPLE + CT_KEY], 3);
  if (ref === 0) return false;
  const other = nct.conn(ref);
  return (other.status & USES_NAT) === 0 && sameTuple(other, 0, ct, 1) && sameTuple(other, 1, ct, 0);
}

/** Two packets of one flow have come at once: confirming them sorts that out. */
function sameOriginal(a: NfConn, b: NfConn): boolean {
  return sameTuple(a, 0, b, 0);
}

/**
 * The same, but with few tries left a TCP connection in its last wait makes room for a SYN with higher sequence numbers
 * (nf_nat_used_tuple_harder): its client will not mistake the one for the other (RFC 9293 §3.6.1).
 */
function isTakenHarder(nct: NfConntrack, tuple: Tuple, ct: NfConn, attemptsLeft: number): boolean {
  const opening = tuple.protocol === IPPROTO_TCP && ct.words[ct.base + TCP_STATE] === TCP_CT_SYN_SENT;
  if (attemptsLeft > HARDER_THRESHOLD || !opening) return isTaken(nct, tuple, ct);
  invertTuple(replies, tuple);
  const ref = nct.findLive(replies.src, replies.dst, replies.ports, ct.words[ct.base + CT_TUPLE + CT_KEY], 3);
  if (ref === 0) return false;
  const other = nct.conn(ref);
  if ((ref & 1) === 0 || other.words[other.base + TCP_STATE] < TCP_CT_TIME_WAIT) return true;
  if ((other.status & (IPS_FIXED_TIMEOUT | IPS_DYING)) !== 0 || (other.status & IPS_SRC_NAT) === 0) return true;
  const advanced = (ct.words[ct.base + TCP_SEEN + SEEN_END] - other.words[other.base + TCP_SEEN + SEEN_END]) | 0;
  return advanced <= 0 || !nct.delete(other);
}

/** The source of `tuple` is one that the range allows. */
function inRange(tuple: Tuple, range: NatRange): boolean {
  if ((range.flags & NAT_MAP_IPS) !== 0) {
    const src = tuple.src >>> 0;
    if (src < range.minAddr >>> 0 || src > range.maxAddr >>> 0) return false;
  }
  return (range.flags & NAT_PROTO_SPECIFIED) === 0 || portInRange(tuple, range, NAT_MANIP_SRC);
}

function hasPorts(protocol: number): boolean {
  return protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || protocol === IPPROTO_UDPLITE || protocol === IPPROTO_SCTP;
}

function portInRange(tuple: Tuple, range: NatRange, manip: number): boolean {
  const { protocol } = tuple;
  if (!hasPorts(protocol) && protocol !== IPPROTO_ICMP && protocol !== IPPROTO_GRE) return true;
  const port = manip === NAT_MANIP_SRC || protocol === IPPROTO_ICMP ? tuple.sport : tuple.dport;
  return port >= range.minPort && port <= range.maxPort;
}

/** Copies to `out` the source that another connection from the same end was given, if the range allows it (find_appropriate_src). */
function sameSource(bySource: BySource, out: Tuple, wish: Tuple, range: NatRange, ct: NfConn): boolean {
  const zone = ct.words[ct.base + CT_KEY] >>> 8;
  const found = bySource.find(wish.src, wish.sport, wish.protocol, ct.zone, (other) => {
    if (other.words[other.base + CT_KEY] >>> 8 !== zone) return false;
    other.tuple(1, known);
    invertTuple(known, known);
    known.dst = wish.dst;
    known.ports = (known.ports & 0xffff0000) | wish.dport;
    known.key = wish.key;
    return inRange(known, range);
  });
  if (found === null) return false;
  out.copy(known);
  return true;
}

/** Puts an address of the range into the tuple: always the same for the same two ends (find_best_ips_proto). */
function chooseAddress(tuple: Tuple, range: NatRange, ct: NfConn, manip: number): void {
  if ((range.flags & NAT_MAP_IPS) === 0) return;
  let address = range.minAddr;
  if (range.minAddr !== range.maxAddr) {
    // The kernel hashes addresses as they lie in memory, of sixteen bytes each, on a little-endian machine.
    const src = swap32(tuple.src);
    const other = (range.flags & NAT_PERSISTENT) !== 0 ? 0 : swap32(tuple.dst) ^ (ct.zone & 0xffff);
    const hash = jhash2([src, 0, 0, 0], other);
    const min = range.minAddr >>> 0;
    address = (min + reciprocalScale(hash, (range.maxAddr >>> 0) - min + 1)) | 0;
  }
  if (manip === NAT_MANIP_SRC) tuple.src = address;
  else tuple.dst = address;
}

function swap32(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** Tries ports of the range until one is free (nf_nat_l4proto_unique_tuple); the last one tried stays when none is. */
function choosePort(nct: NfConntrack, tuple: Tuple, range: NatRange, ct: NfConn, manip: number): void {
  const { protocol } = tuple;
  const specified = (range.flags & NAT_PROTO_SPECIFIED) !== 0;
  const isSource = manip === NAT_MANIP_SRC || protocol === IPPROTO_ICMP;
  const port = isSource ? tuple.sport : tuple.dport;
  let min: number;
  let size: number;
  if (protocol === IPPROTO_ICMP || protocol === IPPROTO_GRE) {
    // Only PPTP's tunnels, which have a master, have keys to be changed.
    if (protocol === IPPROTO_GRE && (ct.ext?.master ?? null) === null) return;
    const first = protocol === IPPROTO_GRE ? 1 : 0;
    min = specified ? range.minPort : first;
    size = specified ? range.maxPort - range.minPort + 1 : 0x10000 - first;
  } else if (!hasPorts(protocol)) {
    return;
  } else if (specified) {
    min = Math.min(range.minPort, range.maxPort);
    size = Math.abs(range.maxPort - range.minPort) + 1;
  } else {
    if (manip === NAT_MANIP_DST) return;
    // Low ports stay low ones: some services trust them.
    min = port < 512 ? 1 : port < 1024 ? 600 : 1024;
    size = (port < 512 ? 511 : port < 1024 ? 1023 : 65535) - min + 1;
  }
  const { random } = nct.net.softirq;
  let offset = 0;
  if ((range.flags & NAT_PROTO_OFFSET) !== 0) offset = port - range.basePort;
  else if ((range.flags & NAT_PROTO_RANDOM_ALL) !== 0 || manip !== NAT_MANIP_DST) offset = random.below(0x10000);
  for (let attempts = Math.min(size, MAX_ATTEMPTS); ; attempts >>>= 1) {
    for (let i = 0; i < attempts; i++) {
      // 16 bits, as the kernel counts; what lies before the base wraps.
      const candidate = min + (((offset + i) & 0xffff) % size);
      if (isSource) tuple.setSport(candidate & 0xffff);
      else tuple.setDport(candidate & 0xffff);
      if (!isTakenHarder(nct, tuple, ct, attempts - i)) return;
    }
    if (attempts >= size || attempts < FEWEST_ATTEMPTS) return;
    offset = random.below(0x10000);
  }
}
