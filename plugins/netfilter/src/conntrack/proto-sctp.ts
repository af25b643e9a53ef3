/**
 * proto-sctp.ts — tracking SCTP: chunks move the state, verification tags tell who may (RFC 9260 §3, §8.4, §8.5; cf. Linux
 * net/netfilter/nf_conntrack_proto_sctp.c).
 */
import {
  CHECKSUM_NONE,
  CHECKSUM_UNNECESSARY,
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IPPROTO_SCTP,
  IPS_ASSURED,
  NF_IP_PRE_ROUTING,
  type NfHookState,
  type SkBuff,
} from '@packetwalk/framework';
import { crc32c } from './crc32c.ts';
import { IPCT_PROTOINFO } from './events.ts';
import { CT_PROTO, CT_PROTO_WORDS, type NfConn } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { setAssured } from './proto-udp.ts';
import { CT_ACCEPT } from './verdict.ts';

/** Words of the row: the state, the verification tags of both directions, and notes. */
export const SCTP_STATE: number = CT_PROTO;
export const SCTP_VTAG: number = CT_PROTO + 1;
/** An INIT was seen in a direction: two words. */
const SCTP_INIT: number = CT_PROTO + 3;
/** A heartbeat with a wrong tag came in direction n − 1; 0: none. */
const SCTP_STRAY_HEARTBEAT: number = CT_PROTO + 5;

export const SCTP_HLEN = 12;
const SCTP_VTAG_AT = 4;
export const SCTP_CHECKSUM = 8;
const CHUNK_HLEN = 4;
/** What the checksum field counts as. */
const ZEROS = new Uint8Array(4);

const SCTP_NONE = 0;
const SCTP_CLOSED = 1;
const SCTP_ESTABLISHED = 4;
const SCTP_SHUTDOWN_SENT = 5;
const SCTP_SHUTDOWN_ACK_SENT = 7;
const SCTP_INVALID = 9;

/** By number, as listings name them. */
export const SCTP_STATE_NAMES: readonly string[] = [
  'NONE',
  'CLOSED',
  'COOKIE_WAIT',
  'COOKIE_ECHOED',
  'ESTABLISHED',
  'SHUTDOWN_SENT',
  'SHUTDOWN_RECD',
  'SHUTDOWN_ACK_SENT',
  'HEARTBEAT_SENT',
];

const DATA = 0;
const INIT = 1;
const INIT_ACK = 2;
const HEARTBEAT = 4;
const HEARTBEAT_ACK = 5;
const ABORT = 6;
const SHUTDOWN = 7;
const SHUTDOWN_ACK = 8;
const ERROR = 9;
const COOKIE_ECHO = 10;
const COOKIE_ACK = 11;
const SHUTDOWN_COMPLETE = 14;

const CODES = ['NO', 'CL', 'CW', 'CE', 'ES', 'SS', 'SR', 'SA', 'HS', 'xx'];

/** New states by the old one: NONE CLOSED COOKIE_WAIT COOKIE_ECHOED ESTABLISHED SHUTDOWN_SENT _RECD _ACK_SENT HEARTBEAT_SENT. */
const TRANSITIONS: readonly (readonly [chunk: number, original: string, reply: string])[] = [
  [INIT, 'CL CL CW CE ES CL CL SA CW', 'xx CL CW CE ES SS SR SA xx'],
  [INIT_ACK, 'CL CL CW CE ES SS SR SA CL', 'xx CW CW CE ES SS SR SA xx'],
  [ABORT, 'CL CL CL CL CL CL CL CL CL', 'xx CL CL CL CL CL CL CL xx'],
  [SHUTDOWN, 'CL CL CW CE SS SS SR SA CL', 'xx CL CW CE SR SS SR SA xx'],
  [SHUTDOWN_ACK, 'SA CL CW CE ES SA SA SA SA', 'xx CL CW CE ES SA SA SA xx'],
  [ERROR, 'CL CL CW CE ES SS SR SA CL', 'xx CL CW CL ES SS SR SA xx'],
  [COOKIE_ECHO, 'CL CL CE CE ES SS SR SA CL', 'xx CL CE CE ES SS SR SA xx'],
  [COOKIE_ACK, 'CL CL CW ES ES SS SR SA CL', 'xx CL CW ES ES SS SR SA xx'],
  [SHUTDOWN_COMPLETE, 'CL CL CW CE ES SS SR CL CL', 'xx CL CW CE ES SS SR CL xx'],
  [HEARTBEAT, 'HS CL CW CE ES SS SR SA HS', 'xx CL CW CE ES SS SR SA HS'],
  [HEARTBEAT_ACK, 'CL CL CW CE ES SS SR SA HS', 'xx CL CW CE ES SS SR SA ES'],
];
const STATES = 9;
/** By direction, chunk type and state; a chunk without a line, DATA and SACK above all, leaves the state as it is. */
const table = Uint8Array.from({ length: 2 * 256 * STATES }, (_, i) => i % STATES);
for (const [chunk, ...rows] of TRANSITIONS) {
  for (const [dir, row] of rows.entries())
    table.set(
      row.split(' ').map((code) => CODES.indexOf(code)),
      (dir * 256 + chunk) * STATES,
    );
}

/** The state that a chunk leads to. */
function sctpTransition(dir: number, chunk: number, state: number): number {
  return table[(dir * 256 + chunk) * STATES + state];
}

const bits = (...types: number[]): number => types.reduce((set, type) => set | (1 << type), 0);
/** Chunks that stand alone, and those that come first (RFC 9260 §3.1, §6.10). */
const ALONE = bits(INIT, INIT_ACK, SHUTDOWN_COMPLETE);
const FIRST = ALONE | bits(COOKIE_ECHO, COOKIE_ACK);
/** Chunks whose tag has rules of its own. */
const OWN_TAG_RULE = bits(INIT, SHUTDOWN_COMPLETE, COOKIE_ECHO, ABORT, SHUTDOWN_ACK, HEARTBEAT, HEARTBEAT_ACK);
/** Chunks that begin no association (RFC 9260 §8.4). */
const OUT_OF_THE_BLUE = bits(ABORT, SHUTDOWN_COMPLETE, COOKIE_ACK);
/** Stands for all types that no rule speaks of. */
const OTHER = 31;

/** The next chunk behind the one at `at`. */
function nextChunk(view: DataView, at: number): number {
  return at + ((view.getUint16(at + 2) + 3) & ~3);
}

/** The types of a packet's chunks, by bit; 0 when they cannot stand together, or there are none. */
function chunkTypes(view: DataView, start: number, end: number): number {
  let types = 0;
  for (let at = start; at + CHUNK_HLEN <= end; at = nextChunk(view, at)) {
    const type = Math.min(view.getUint8(at), OTHER);
    if (view.getUint16(at + 2) === 0) return 0;
    if (at !== start && ((FIRST & (1 << type)) !== 0 || (types & ALONE) !== 0)) return 0;
    types |= 1 << type;
  }
  return types;
}

/** A packet at `sh` of an association, in direction `dir`: CT_*. */
export function sctpPacket(nct: NfConntrack, ct: NfConn, skb: SkBuff, sh: number, dir: number, hook: NfHookState): number {
  const { view } = skb.head;
  const end = skb.data + skb.len;
  if (sh + SCTP_HLEN > end) return nct.invalid(skb, IPPROTO_SCTP, 'short packet');
  if (!crcRight(nct, skb, sh, hook)) return nct.invalid(skb, IPPROTO_SCTP, 'bad CRC');
  const start = sh + SCTP_HLEN;
  const types = chunkTypes(view, start, end);
  if (types === 0) return nct.invalid(skb, IPPROTO_SCTP, 'malformed chunks');
  const vtag = view.getInt32(sh + SCTP_VTAG_AT);
  if (!ct.confirmed && ((types & OUT_OF_THE_BLUE) !== 0 || !sctpNew(ct, vtag, view, start, end))) {
    return nct.invalid(skb, IPPROTO_SCTP, 'begins no association');
  }
  const { words, base } = ct;
  if ((types & OWN_TAG_RULE) === 0 && vtag !== words[base + SCTP_VTAG + dir]) {
    return nct.invalid(skb, IPPROTO_SCTP, 'wrong verification tag');
  }
  let state = SCTP_NONE;
  let refreshes = true;
  for (let at = start; at + CHUNK_HLEN <= end; at = nextChunk(view, at)) {
    const type = view.getUint8(at);
    const tag = checkTag(ct, type, (view.getUint8(at + 1) & 1) !== 0, vtag, dir, (types & (1 << DATA)) !== 0 || !refreshes);
    if (tag === TAG_WRONG) return nct.invalid(skb, IPPROTO_SCTP, 'wrong verification tag');
    if (tag === TAG_STRAY) {
      refreshes = false;
      continue;
    }
    const oldState = words[base + SCTP_STATE];
    state = sctpTransition(dir, type, oldState);
    if (state === SCTP_INVALID) return nct.invalid(skb, IPPROTO_SCTP, 'no such chunk in this state');
    if (!noteInit(ct, type, at, dir, view, end)) return nct.invalid(skb, IPPROTO_SCTP, 'wrong initiate tag');
    // An INIT that is repeated does not keep the entry alive.
    if (type === INIT && state === SCTP_CLOSED && oldState === SCTP_CLOSED && ct.confirmed) refreshes = false;
    words[base + SCTP_STATE] = state;
    if (state === oldState) continue;
    nct.eventCache(ct, IPCT_PROTOINFO);
    if (state === SCTP_ESTABLISHED && (ct.status & IPS_ASSURED) === 0) setAssured(nct, ct);
  }
  if (refreshes) nct.refresh(ct, dir, skb, nct.settings.sctp[state]);
  return CT_ACCEPT;
}

function crcRight(nct: NfConntrack, skb: SkBuff, sh: number, hook: NfHookState): boolean {
  if (hook.hooknum !== NF_IP_PRE_ROUTING || nct.settings.checksum === 0 || skb.ipSummed !== CHECKSUM_NONE) return true;
  if (sctpChecksum(skb, sh) !== skb.head.view.getUint32(sh + SCTP_CHECKSUM, true)) return false;
  skb.ipSummed = CHECKSUM_UNNECESSARY;
  return true;
}

/** The CRC32c of the SCTP packet at `sh`, its own field taken as 0; it goes on the wire low byte first (RFC 9260 appendix A). */
export function sctpChecksum(skb: SkBuff, sh: number): number {
  const { buf } = skb.head;
  const head = crc32c(buf, sh, sh + SCTP_CHECKSUM, -1);
  const field = crc32c(ZEROS, 0, ZEROS.length, head);
  return ~crc32c(buf, sh + SCTP_HLEN, skb.data + skb.len, field) >>> 0;
}

/** The first packet of an association: which tag is expected from where; false when none begins like this. */
function sctpNew(ct: NfConn, vtag: number, view: DataView, start: number, end: number): boolean {
  const { words, base } = ct;
  words.fill(0, base + CT_PROTO, base + CT_PROTO + CT_PROTO_WORDS);
  for (let at = start; at + CHUNK_HLEN <= end; at = nextChunk(view, at)) {
    const type = view.getUint8(at);
    const state = sctpTransition(IP_CT_DIR_ORIGINAL, type, SCTP_NONE);
    if (state === SCTP_NONE || state === SCTP_INVALID) return false;
    if (type === INIT) {
      if (vtag !== 0 || at + 2 * CHUNK_HLEN > end) return false;
      words[base + SCTP_VTAG + IP_CT_DIR_REPLY] = view.getInt32(at + CHUNK_HLEN);
    } else if (type === HEARTBEAT) {
      words[base + SCTP_VTAG + IP_CT_DIR_ORIGINAL] = vtag;
    } else if (type === SHUTDOWN_ACK) {
      words[base + SCTP_VTAG + IP_CT_DIR_REPLY] = vtag;
    }
  }
  return true;
}

const TAG_RIGHT = 0;
const TAG_WRONG = 1;
/** A heartbeat of a path that is not known: it passes, in the hope of an answer. */
const TAG_STRAY = 2;

/** The rules of RFC 9260 §8.5.1 for one chunk; `tFlag`: the peer's tag is meant; `strict` leaves no room for stray heartbeats. */
function checkTag(ct: NfConn, type: number, tFlag: boolean, vtag: number, dir: number, strict: boolean): number {
  const { words, base } = ct;
  const own = words[base + SCTP_VTAG + dir];
  switch (type) {
    case INIT:
      return vtag === 0 ? TAG_RIGHT : TAG_WRONG;
    case ABORT:
    case SHUTDOWN_COMPLETE:
      return vtag === (tFlag ? words[base + SCTP_VTAG + 1 - dir] : own) ? TAG_RIGHT : TAG_WRONG;
    case COOKIE_ECHO:
      return vtag === own ? TAG_RIGHT : TAG_WRONG;
    case COOKIE_ACK:
      words[base + SCTP_INIT] = 0;
      words[base + SCTP_INIT + 1] = 0;
      return TAG_RIGHT;
    case HEARTBEAT:
      if (own === 0) words[base + SCTP_VTAG + dir] = vtag;
      else if (vtag !== own) {
        if (strict) return TAG_WRONG;
        words[base + SCTP_STRAY_HEARTBEAT] = dir + 1;
        return TAG_STRAY;
      } else words[base + SCTP_STRAY_HEARTBEAT] = 0;
      return TAG_RIGHT;
    case HEARTBEAT_ACK:
      if (own === 0) words[base + SCTP_VTAG + dir] = vtag;
      else if (vtag !== own) {
        // It answers the stray heartbeat of the other side: from here on these are the tags.
        if (strict || words[base + SCTP_STRAY_HEARTBEAT] !== 2 - dir) return TAG_WRONG;
        words[base + SCTP_STRAY_HEARTBEAT] = 0;
        words[base + SCTP_VTAG + dir] = vtag;
        words[base + SCTP_VTAG + 1 - dir] = 0;
      } else words[base + SCTP_STRAY_HEARTBEAT] = 0;
      return TAG_RIGHT;
    default:
      return TAG_RIGHT;
  }
}

/** An INIT or INIT ACK says which tag its sender wants to see; false when that contradicts what is known. */
function noteInit(ct: NfConn, type: number, at: number, dir: number, view: DataView, end: number): boolean {
  if (type !== INIT && type !== INIT_ACK) return true;
  if (at + 2 * CHUNK_HLEN > end) return false;
  const { words, base } = ct;
  const tag = view.getInt32(at + CHUNK_HLEN);
  const other = base + SCTP_VTAG + 1 - dir;
  const seenHere = words[base + SCTP_INIT + dir] !== 0;
  const seenThere = words[base + SCTP_INIT + 1 - dir] !== 0;
  if (type === INIT) {
    if (seenHere && seenThere) words[base + SCTP_INIT + 1 - dir] = 0;
    words[base + SCTP_INIT + dir] = 1;
  } else {
    if (!seenThere && words[other] !== 0 && words[other] !== tag) return false;
    if (seenHere && seenThere && words[other] !== tag) return false;
  }
  words[other] = tag;
  return true;
}

/** Is an association in this state all but over? */
export function sctpCanEarlyDrop(state: number): boolean {
  return state >= SCTP_SHUTDOWN_SENT && state <= SCTP_SHUTDOWN_ACK_SENT;
}
