/** conntrack-tool/flow.ts — a connection as it is told about: in listings, events and /proc (cf. Linux nf_conntrack_netlink.c). */
import { IP_CT_DIR_ORIGINAL, IP_CT_DIR_REPLY, IPPROTO_SCTP, IPPROTO_TCP } from '@packetwalk/framework';
import { IPCT_MARK, IPCT_PROTOINFO } from '../conntrack/events.ts';
import { type NfConn, ZONE_DIR_ORIG, ZONE_DIR_REPLY } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import { SCTP_STATE, SCTP_STATE_NAMES } from '../conntrack/proto-sctp.ts';
import { TCP_STATE_NAMES } from '../conntrack/tcp-state.ts';
import { TCP_STATE } from '../conntrack/tcp-window.ts';

/** One direction. */
export interface FlowDirection {
  readonly src: number;
  readonly dst: number;
  /** See tuple.ts. */
  readonly ports: number;
  /** The zone, if it counts for this direction only. */
  readonly zone: number | null;
  readonly counters: { readonly packets: number; readonly bytes: number } | null;
}

/** Null is what is not told. */
export interface Flow {
  readonly id: number;
  readonly protocol: number;
  /** IPS_* */
  readonly status: number;
  /** Seconds that are left. */
  readonly timeout: number | null;
  readonly state: string | null;
  readonly original: FlowDirection;
  readonly reply: FlowDirection;
  readonly mark: number | null;
  /** The zone, if it counts for both directions and is not the default. */
  readonly zone: number | null;
  /** When it began and ended, and what time it is, ms since 1970. */
  readonly start: number | null;
  readonly stop: number | null;
  readonly now: number;
  readonly helper: string | null;
  /** Who holds it. */
  readonly use: number | null;
}

/** The state of a connection by name, for the protocols that have states. */
export function flowState(ct: NfConn): string | null {
  if (ct.protocol === IPPROTO_TCP) return TCP_STATE_NAMES[ct.words[ct.base + TCP_STATE]];
  return ct.protocol === IPPROTO_SCTP ? SCTP_STATE_NAMES[ct.words[ct.base + SCTP_STATE]] : null;
}

function direction(nct: NfConntrack, ct: NfConn, dir: number, only: number, counted: boolean): FlowDirection {
  const counters = counted && nct.acct.counted(ct.id) ? { packets: nct.acct.packets(ct.id, dir), bytes: nct.acct.bytes(ct.id, dir) } : null;
  return {
    src: ct.saddr(dir),
    dst: ct.daddr(dir),
    ports: ct.ports(dir),
    zone: ct.zone >>> 16 === only ? ct.zone & 0xffff : null,
    counters,
  };
}

/** What every telling has. */
function common(nct: NfConntrack, ct: NfConn, counted: boolean, timed: boolean) {
  const { acct } = nct;
  const isTimed = timed && acct.timed(ct.id);
  const { zone } = ct;
  return {
    id: ct.id,
    protocol: ct.protocol,
    status: ct.status,
    original: direction(nct, ct, IP_CT_DIR_ORIGINAL, ZONE_DIR_ORIG, counted),
    reply: direction(nct, ct, IP_CT_DIR_REPLY, ZONE_DIR_REPLY, counted),
    zone: zone >>> 16 === (ZONE_DIR_ORIG | ZONE_DIR_REPLY) && (zone & 0xffff) !== 0 ? zone & 0xffff : null,
    start: isTimed ? acct.started(ct.id) : null,
    stop: isTimed && acct.stopped(ct.id) !== 0 ? acct.stopped(ct.id) : null,
    now: nct.net.softirq.clock.wallClock(),
  };
}

const secondsLeft = (nct: NfConntrack, ct: NfConn): number => Math.floor(ct.expiresIn(nct.now) / 1000);

/** All of it. @param holders how many hold it on behalf of whoever asks */
export function flowOf(nct: NfConntrack, ct: NfConn, holders = 0): Flow {
  return {
    ...common(nct, ct, true, true),
    timeout: secondsLeft(nct, ct),
    state: flowState(ct),
    mark: ct.mark,
    helper: ct.ext?.helper?.name ?? null,
    use: ct.use + holders,
  };
}

/** What an event tells: `changed` are its IPCT_* bits. */
export function flowOfEvent(nct: NfConntrack, ct: NfConn, what: 'new' | 'update' | 'destroy', changed: number): Flow {
  const left = secondsLeft(nct, ct);
  const mark = ct.mark !== 0 || (changed & IPCT_MARK) !== 0 ? ct.mark : null;
  if (what === 'destroy') {
    return { ...common(nct, ct, true, true), timeout: left === 0 ? null : left, state: flowState(ct), mark, helper: null, use: null };
  }
  return {
    ...common(nct, ct, false, false),
    timeout: left,
    state: (changed & IPCT_PROTOINFO) !== 0 ? flowState(ct) : null,
    mark,
    helper: ct.ext?.helper?.name ?? null,
    use: null,
  };
}
