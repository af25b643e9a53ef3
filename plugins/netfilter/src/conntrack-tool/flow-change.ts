/** conntrack-tool/flow-change.ts — makes and changes connections by command (cf. Linux ctnetlink_create_conntrack, ctnetlink_change_conntrack). */
import {
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPS_CONFIRMED,
  IPS_EXPECTED,
  IPS_FIXED_TIMEOUT,
} from '@packetwalk/framework';
import { taken } from '../conntrack/clash.ts';
import { IPCT_ASSURED, IPCT_HELPER, IPCT_MARK, IPCT_NEW, IPCT_PROTOINFO, IPCT_REPLY, IPCT_SEQADJ } from '../conntrack/events.ts';
import { CT_EXPIRES, type NfConn, ZONE_DEFAULT, ZONE_DIR_BOTH, ZONE_DIR_ORIG, ZONE_DIR_REPLY } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import { SCTP_STATE, SCTP_VTAG } from '../conntrack/proto-sctp.ts';
import { tcpBeLiberal } from '../conntrack/proto-tcp.ts';
import { CT_STAT_INSERT } from '../conntrack/stat.ts';
import { TCP_STATE } from '../conntrack/tcp-window.ts';
import { invertTuple, Tuple } from '../conntrack/tuple.ts';
import type { FlowField } from './protocol-options.ts';
import type { FlowRequest } from './request.ts';
import { failed } from './tool-error.ts';

/** The longest time to live, ms: it is compared modulo 2^32. */
const TIMEOUT_MAX = 0x7fffffff;

/** What is told of a change by command, whatever it changed. */
const ANYTHING = IPCT_REPLY | IPCT_ASSURED | IPCT_HELPER | IPCT_PROTOINFO | IPCT_SEQADJ | IPCT_MARK;

/** There is one between these ends already. */
export class FlowExists extends Error {}

/** Makes what the request describes; throws FlowExists, and CommandError when it cannot be. */
export function createFlow(nct: NfConntrack, request: FlowRequest): void {
  if (request.family === 6) throw failed('protocol not supported');
  const [original, reply] = tuplesOf(request);
  const ct = nct.alloc(original, reply, zoneOf(request));
  if (ct === null) throw failed('not enough memory');
  try {
    prepare(nct, ct, request);
    if (taken(nct, ct, IP_CT_DIR_ORIGINAL) !== 0 || taken(nct, ct, IP_CT_DIR_REPLY) !== 0) throw new FlowExists();
    if (!nct.insert(ct)) throw failed('No space left on device');
  } catch (error) {
    nct.destroy(ct);
    throw error;
  }
  nct.stat[CT_STAT_INSERT]++;
  nct.report('new', ct, IPCT_NEW | ANYTHING);
}

function prepare(nct: NfConntrack, ct: NfConn, request: FlowRequest): void {
  setExpiry(nct, ct, request.timeout ?? 0);
  const { srcNat, dstNat } = request;
  if (srcNat !== null || dstNat !== null) nct.nat?.setup(ct, srcNat, dstNat);
  const error = changeStatus(ct, request.status);
  if (error !== null) throw failed(error);
  changeState(ct, request.fields);
  ct.mark = request.mark;
}

/** Changes a connection as the request says: null, or why not all of it. */
export function changeFlow(nct: NfConntrack, ct: NfConn, request: FlowRequest): string | null {
  const { given, timeout, fields } = request;
  if (timeout !== null && (ct.status & IPS_FIXED_TIMEOUT) !== 0) {
    return 'sorry, you must be root or get CAP_NET_ADMIN capability to do this';
  }
  if (timeout !== null) setExpiry(nct, ct, timeout);
  const error = changeStatus(ct, request.status);
  if (error !== null) return error;
  changeState(ct, fields);
  if (given.has('mark')) ct.mark = markOf(ct, request);
  nct.report('update', ct, ANYTHING);
  return null;
}

/** Would `changeFlow` make a difference? */
export function differs(ct: NfConn, request: FlowRequest): boolean {
  const state = request.fields.get('state');
  return (
    request.timeout !== null ||
    (ct.status | request.status) !== ct.status ||
    (request.given.has('mark') && markOf(ct, request) !== ct.mark) ||
    (state !== undefined && ct.protocol === IPPROTO_TCP && ct.words[ct.base + TCP_STATE] !== state)
  );
}

function markOf(ct: NfConn, { mark, markMask }: FlowRequest): number {
  return (ct.mark & ~markMask) ^ mark;
}

function setExpiry(nct: NfConntrack, ct: NfConn, seconds: number): void {
  ct.words[ct.base + CT_EXPIRES] = nct.now + Math.min(seconds * 1000, TIMEOUT_MAX);
}

/** Bits are only added, and not all of them may be (ctnetlink_change_status). */
function changeStatus(ct: NfConn, bits: number): string | null {
  const added = bits & ~ct.status;
  if ((added & IPS_EXPECTED) !== 0) return 'Device or resource busy';
  ct.setStatus(added & ~IPS_CONFIRMED);
  return null;
}

function changeState(ct: NfConn, fields: ReadonlyMap<FlowField, number>): void {
  const state = fields.get('state');
  if (state === undefined) return;
  if (ct.protocol === IPPROTO_TCP) {
    ct.words[ct.base + TCP_STATE] = state;
    // What its windows are is not known.
    tcpBeLiberal(ct);
  } else if (ct.protocol === IPPROTO_SCTP) {
    ct.words[ct.base + SCTP_STATE] = state;
    ct.words[ct.base + SCTP_VTAG] = fields.get('origVtag') ?? 0;
    ct.words[ct.base + SCTP_VTAG + 1] = fields.get('replyVtag') ?? 0;
  }
}

/** Both directions: what is not told of one is the inverse of the other. */
export function tuplesOf(request: FlowRequest): [Tuple, Tuple] {
  const { src, dst, replySrc, replyDst, fields, protocol } = request;
  const original = new Tuple();
  const reply = new Tuple();
  const key = protocol ?? 0;
  if (src !== null && dst !== null) {
    setTuple(original, src, dst, portsOf(fields, 'sport', 'dport', protocol), key);
    if (!invertTuple(reply, original)) throw failed('invalid parameters');
    const ports = (fields.get('replySport') ?? reply.sport) * 0x10000 + (fields.get('replyDport') ?? reply.dport);
    setTuple(reply, replySrc ?? reply.src, replyDst ?? reply.dst, protocol === IPPROTO_ICMP ? reply.ports : ports, key);
  } else {
    setTuple(reply, replySrc ?? 0, replyDst ?? 0, portsOf(fields, 'replySport', 'replyDport', protocol), key);
    if (!invertTuple(original, reply)) throw failed('invalid parameters');
  }
  return [original, reply];
}

function setTuple(tuple: Tuple, src: number, dst: number, ports: number, key: number): void {
  tuple.src = src;
  tuple.dst = dst;
  tuple.ports = ports | 0;
  tuple.key = key;
}

function portsOf(fields: ReadonlyMap<FlowField, number>, source: FlowField, destination: FlowField, protocol: number | null): number {
  const field = (name: FlowField): number => fields.get(name) ?? 0;
  if (protocol === IPPROTO_ICMP) return (field('icmpId') << 16) | (field('icmpType') << 8) | field('icmpCode');
  return (field(source) << 16) | field(destination);
}

function zoneOf({ zone, origZone, replyZone }: FlowRequest): number {
  const zones = [
    [zone, ZONE_DIR_BOTH],
    [origZone, ZONE_DIR_ORIG],
    [replyZone, ZONE_DIR_REPLY],
  ].filter(([id]) => id !== null) as [number, number][];
  if (zones.length > 1) throw failed('invalid parameters');
  return zones.length === 0 ? ZONE_DEFAULT : (zones[0][1] << 16) | zones[0][0];
}
