/**
 * conntrack-in.ts — a packet comes in, or is made here: which connection is it part of? (cf. Linux nf_conntrack_in,
 * resolve_normal_ct, init_conntrack.)
 *
 *      tuple ─▶ found: ESTABLISHED or RELATED or NEW ─▶ its protocol: state, window, time to live ─▶ skb.nfct
 *           └─▶ not found: expected? ─▶ RELATED, else NEW; in the table when it has got through (nf-confirm.ts)
 *
 * A packet that is no part of anything goes on without a connection: INVALID.
 */
import {
  IP_CT_DIR_REPLY,
  IP_CT_ESTABLISHED,
  IP_CT_ESTABLISHED_REPLY,
  IP_CT_NEW,
  IP_CT_RELATED,
  IP_CT_UNTRACKED,
  IP_PROTOCOL,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPS_EXPECTED,
  IPS_HELPER,
  IPS_SEEN_REPLY,
  NF_ACCEPT,
  NF_DROP,
  type NfHookState,
  nfCtSet,
  nfResetCt,
  type SkBuff,
} from '@packetwalk/framework';
import { IPCT_REPLY } from './events.ts';
import { CT_STATUS, type NfConn, ZONE_DEFAULT } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { grePacket } from './proto-gre.ts';
import { icmpError, icmpPacket } from './proto-icmp.ts';
import { sctpPacket } from './proto-sctp.ts';
import { tcpPacket } from './proto-tcp.ts';
import { udplitePacket, udpPacket } from './proto-udp.ts';
import { CT_STAT_DROP, CT_STAT_ERROR, CT_STAT_EXPECT_NEW, CT_STAT_INVALID } from './stat.ts';
import { invertTuple, readTuple, Tuple, transportOffset } from './tuple.ts';
import { CT_ACCEPT, CT_DROP, CT_REPEAT } from './verdict.ts';

const tuple = new Tuple();
const reply = new Tuple();

/** The hook: NF_ACCEPT with the packet's connection set, or without; NF_DROP when there is no room for a new one. */
export function nfConntrackIn(nct: NfConntrack, skb: SkBuff, state: NfHookState): number {
  const held = skb.nfct as NfConn | null;
  if (held === null) return skb.nfctinfo === IP_CT_UNTRACKED ? NF_ACCEPT : track(nct, skb, null, state);
  // It came round by loopback, or belongs to the connection of what caused it.
  if (!held.isTemplate) return NF_ACCEPT;
  held.use++;
  nfResetCt(skb);
  const verdict = track(nct, skb, held, state);
  nct.put(held);
  return verdict;
}

/** The zone that a template asks for: its own, or the packet's mark. */
function zoneOf(template: NfConn | null, skb: SkBuff): number {
  if (template === null) return ZONE_DEFAULT;
  const { zone } = template;
  return template.ext?.zoneFromMark === true ? (zone & ~0xffff) | (skb.mark & 0xffff) : zone;
}

function track(nct: NfConntrack, skb: SkBuff, template: NfConn | null, state: NfHookState): number {
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const end = skb.data + skb.len;
  const dataoff = transportOffset(view, ip, end);
  if (dataoff < 0) return isInvalid(nct);
  const protocol = view.getUint8(ip + IP_PROTOCOL);
  const zone = zoneOf(template, skb);
  if (protocol === IPPROTO_ICMP) {
    if (icmpError(nct, skb, dataoff, zone, state) !== CT_ACCEPT) {
      nct.stat[CT_STAT_ERROR]++;
      return NF_ACCEPT;
    }
    if (skb.nfct !== null) return traced(skb);
  }
  for (;;) {
    if (!readTuple(tuple, view, ip, dataoff, end, protocol)) return isInvalid(nct);
    const ref = nct.find(tuple, zone);
    let ct: NfConn | null;
    let dir = 0;
    if (ref === 0) {
      if (!invertTuple(reply, tuple)) return isInvalid(nct);
      ct = newConnection(nct, template, zone);
      if (ct === null) {
        nct.stat[CT_STAT_DROP]++;
        return NF_DROP;
      }
    } else {
      ct = nct.conn(ref);
      dir = ref & 1;
    }
    const status = ct.words[ct.base + CT_STATUS];
    if (dir === IP_CT_DIR_REPLY) nfCtSet(skb, ct, IP_CT_ESTABLISHED_REPLY);
    else if ((status & IPS_SEEN_REPLY) !== 0) nfCtSet(skb, ct, IP_CT_ESTABLISHED);
    else nfCtSet(skb, ct, (status & IPS_EXPECTED) !== 0 ? IP_CT_RELATED : IP_CT_NEW);

    const verdict = handlePacket(nct, ct, skb, protocol, dataoff, dir, state);
    if (verdict === CT_ACCEPT) {
      if (dir === IP_CT_DIR_REPLY && (status & IPS_SEEN_REPLY) === 0) {
        ct.setStatus(IPS_SEEN_REPLY);
        nct.eventCache(ct, IPCT_REPLY);
      }
      return traced(skb);
    }
    nfResetCt(skb);
    if (verdict === CT_REPEAT) continue;
    nct.stat[CT_STAT_INVALID]++;
    if (verdict !== CT_DROP) return NF_ACCEPT;
    nct.stat[CT_STAT_DROP]++;
    return NF_DROP;
  }
}

function isInvalid(nct: NfConntrack): number {
  nct.stat[CT_STAT_INVALID]++;
  return NF_ACCEPT;
}

/** A connection with the ends in `tuple` and `reply`; as somebody expected it, or as the template wants it. */
function newConnection(nct: NfConntrack, template: NfConn | null, zone: number): NfConn | null {
  const ct = nct.alloc(tuple, reply, zone);
  if (ct === null) return null;
  const wanted = template?.ext ?? null;
  if (wanted !== null && wanted.eventMask !== null) ct.needExt().eventMask = wanted.eventMask;
  const expectation = nct.expectations.take(tuple, zone);
  if (expectation !== null) {
    const { master } = expectation;
    const ext = ct.needExt();
    ct.setStatus(IPS_EXPECTED);
    ct.mark = master.mark;
    master.use++;
    ext.master = master;
    ext.helper = expectation.helper;
    nct.stat[CT_STAT_EXPECT_NEW]++;
    expectation.expected?.(ct, expectation);
  } else if (wanted !== null && wanted.helper !== null) {
    ct.needExt().helper = wanted.helper;
    ct.setStatus(IPS_HELPER);
  }
  return ct;
}

function handlePacket(
  nct: NfConntrack,
  ct: NfConn,
  skb: SkBuff,
  protocol: number,
  dataoff: number,
  dir: number,
  state: NfHookState,
): number {
  switch (protocol) {
    case IPPROTO_TCP:
      return tcpPacket(nct, ct, skb, dataoff, dir, state);
    case IPPROTO_UDP:
      return udpPacket(nct, ct, skb, dataoff, dir, state);
    case IPPROTO_ICMP:
      return icmpPacket(nct, ct, skb, dir);
    case IPPROTO_UDPLITE:
      return udplitePacket(nct, ct, skb, dataoff, dir, state);
    case IPPROTO_SCTP:
      return sctpPacket(nct, ct, skb, dataoff, dir, state);
    case IPPROTO_GRE:
      return grePacket(nct, ct, skb, dir);
    default:
      nct.refresh(ct, dir, skb, nct.settings.generic[0]);
      return CT_ACCEPT;
  }
}

const INFO_NAMES = ['ESTABLISHED', 'RELATED', 'NEW', 'ESTABLISHED reply', 'RELATED reply'];

function traced(skb: SkBuff): number {
  if (skb.trace !== 0) skb.net.tracer.stage(skb, 'nfConntrackIn', INFO_NAMES[skb.nfctinfo]);
  return NF_ACCEPT;
}
