/**
 * nf-conn.ts — one tracked connection (cf. Linux include/net/netfilter/nf_conntrack.h struct nf_conn). What most of them have
 * lies in a row of 32-bit words, the hot half first, so that a million of them cost 128 bytes each and no garbage:
 *
 *      word  0 –  3   original direction: source, destination, ports, protocol | zone << 8    (see tuple.ts)
 *            4 –  7   reply direction, as its packets come in: what NAT has changed is changed here
 *            8        status | events not told yet << 16
 *            9        when it ends: jiffies (ms) mod 2^32; before it is confirmed, how long it will live
 *           10        mark
 *           11        id: its place in the pool
 *           12        ifindex that its masquerade depends on
 *           13        zone | directions it counts for << 16
 *           14 – 29   the protocol's own (proto-tcp.ts, …), what is asked most often first
 *           30, 31    neighbours in the list by source, id + 1
 */
import { type Connection, IPS_CONFIRMED, IPS_DYING, IPS_TEMPLATE } from '@packetwalk/framework';
import type { Expectation } from './expectation.ts';
import type { Helper } from './nf-conntrack-helper.ts';
import type { SeqAdjust } from './seqadj.ts';
import type { Tuple } from './tuple.ts';

/** Words of a row. */
export const CT_WORDS = 32;
/** Words of a tuple: the reply direction's follow the original's. */
export const CT_TUPLE = 4;
export const CT_SRC = 0;
export const CT_DST = 1;
export const CT_PORTS = 2;
export const CT_KEY = 3;
export const CT_STATUS = 8;
export const CT_EXPIRES = 9;
export const CT_MARK = 10;
export const CT_ID = 11;
export const CT_MASQ_INDEX = 12;
export const CT_ZONE = 13;
export const CT_PROTO = 14;
export const CT_PROTO_WORDS = 16;
export const CT_SOURCE_NEXT = 30;
export const CT_SOURCE_PREV = 31;

/** Status bits are the low half of their word. */
export const CT_STATUS_MASK = 0xffff;
export const CT_EVENT_SHIFT = 16;

/** Directions that a zone counts for, bit 1 << IP_CT_DIR_*: both unless told. */
export const ZONE_DIR_ORIG = 1;
export const ZONE_DIR_REPLY = 2;
export const ZONE_DIR_BOTH = 3;
/** The zone of packets that no CT target spoke of: number 0. */
export const ZONE_DEFAULT: number = ZONE_DIR_BOTH << 16;

/** The zone's number in a direction (nf_ct_zone_id). */
export function zoneId(zone: number, dir: number): number {
  return ((zone >>> (16 + dir)) & 1) !== 0 ? zone & 0xffff : 0;
}

/** What few connections have: nf_ct_ext. */
export class ConnExt {
  helper: Helper | null = null;
  /** The helper's own state of this connection. */
  helperData: object | null = null;
  /** Connections that the helper expects because of this one, newest first. */
  expectations: Expectation[] = [];
  /** The connection that expected this one; held. */
  master: NfConn | null = null;
  seqadj: SeqAdjust | null = null;
  /** Events that are told of this connection (`CT --ctevents`), or null for all. */
  eventMask: number | null = null;
  /** In a template: the zone is the packet's mark. */
  zoneFromMark = false;
}

/** A connection, or a template. The object is made with its row and used again with it. */
export class NfConn implements Connection {
  /** Rows of its slab, and where its own starts. */
  readonly words: Int32Array;
  readonly base: number;
  use: number;
  ext: ConnExt | null;

  constructor(words: Int32Array, base: number) {
    this.words = words;
    this.base = base;
    this.use = 0;
    this.ext = null;
  }

  get id(): number {
    return this.words[this.base + CT_ID];
  }

  get status(): number {
    return this.words[this.base + CT_STATUS] & CT_STATUS_MASK;
  }

  /** Sets bits of the status. */
  setStatus(bits: number): void {
    this.words[this.base + CT_STATUS] |= bits;
  }

  clearStatus(bits: number): void {
    this.words[this.base + CT_STATUS] &= ~bits;
  }

  get confirmed(): boolean {
    return (this.words[this.base + CT_STATUS] & IPS_CONFIRMED) !== 0;
  }

  get dying(): boolean {
    return (this.words[this.base + CT_STATUS] & IPS_DYING) !== 0;
  }

  get isTemplate(): boolean {
    return (this.words[this.base + CT_STATUS] & IPS_TEMPLATE) !== 0;
  }

  get mark(): number {
    return this.words[this.base + CT_MARK];
  }

  set mark(mark: number) {
    this.words[this.base + CT_MARK] = mark;
  }

  get protocol(): number {
    return this.words[this.base + CT_KEY] & 0xff;
  }

  /** Zone and directions, one word. */
  get zone(): number {
    return this.words[this.base + CT_ZONE];
  }

  get masqIndex(): number {
    return this.words[this.base + CT_MASQ_INDEX];
  }

  set masqIndex(ifindex: number) {
    this.words[this.base + CT_MASQ_INDEX] = ifindex;
  }

  saddr(dir: number): number {
    return this.words[this.base + dir * CT_TUPLE + CT_SRC];
  }

  daddr(dir: number): number {
    return this.words[this.base + dir * CT_TUPLE + CT_DST];
  }

  ports(dir: number): number {
    return this.words[this.base + dir * CT_TUPLE + CT_PORTS];
  }

  sport(dir: number): number {
    return this.ports(dir) >>> 16;
  }

  dport(dir: number): number {
    return this.ports(dir) & 0xffff;
  }

  /** Copies a direction into `out`. */
  tuple(dir: number, out: Tuple): void {
    const { words } = this;
    const at = this.base + dir * CT_TUPLE;
    out.src = words[at + CT_SRC];
    out.dst = words[at + CT_DST];
    out.ports = words[at + CT_PORTS];
    out.key = words[at + CT_KEY];
  }

  setTuple(dir: number, tuple: Tuple): void {
    const { words } = this;
    const at = this.base + dir * CT_TUPLE;
    words[at + CT_SRC] = tuple.src;
    words[at + CT_DST] = tuple.dst;
    words[at + CT_PORTS] = tuple.ports;
    words[at + CT_KEY] = tuple.key;
  }

  /** Is the direction `dir` what `tuple` is? */
  tupleIs(dir: number, tuple: Tuple): boolean {
    const { words } = this;
    const at = this.base + dir * CT_TUPLE;
    return (
      words[at + CT_SRC] === tuple.src &&
      words[at + CT_DST] === tuple.dst &&
      words[at + CT_PORTS] === tuple.ports &&
      words[at + CT_KEY] === tuple.key
    );
  }

  /** The rare parts, made when there are none. */
  needExt(): ConnExt {
    this.ext ??= new ConnExt();
    return this.ext;
  }

  /** Milliseconds that are left to live at `now`, 0 when it is over (nf_ct_expires). */
  expiresIn(now: number): number {
    const left = (this.words[this.base + CT_EXPIRES] - now) | 0;
    return Math.max(left, 0);
  }
}

/** Is a direction of one connection a direction of another one, zone included? */
export function sameTuple(a: NfConn, dirA: number, b: NfConn, dirB: number): boolean {
  const p = a.base + dirA * CT_TUPLE;
  const q = b.base + dirB * CT_TUPLE;
  for (let word = 0; word < CT_TUPLE; word++) if (a.words[p + word] !== b.words[q + word]) return false;
  return true;
}
