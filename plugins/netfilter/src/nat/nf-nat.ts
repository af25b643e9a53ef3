/**
 * nf-nat.ts — network address translation (RFC 3022; cf. Linux net/netfilter/nf_nat_core.c). The rules of the nat table see the
 * first packet of a connection and choose; what was chosen is in the connection's reply direction, and goes for all others.
 *
 *      10.0.0.2:1000 ─▶ 8.8.8.8:53    original
 *      8.8.8.8:53 ─▶ 192.0.2.1:1000   reply: packets of the original direction leave from 192.0.2.1:1000
 */
import {
  formatIpv4,
  IP_CT_DIR_ORIGINAL,
  IP_CT_DIR_REPLY,
  IP_CT_IS_REPLY,
  IPPROTO_ICMP,
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_DST_NAT_DONE,
  IPS_SRC_NAT,
  IPS_SRC_NAT_DONE,
  NF_ACCEPT,
  NF_DROP,
  NF_IP_LOCAL_IN,
  NF_IP_POST_ROUTING,
  type NfHookFn,
  type SkBuff,
  skbMakeWritable,
} from '@packetwalk/framework';
import type { Expectation } from '../conntrack/expectation.ts';
import type { FtpEndpoint } from '../conntrack/ftp-command.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import type { NatEnd, NatPart, NfConntrack } from '../conntrack/nf-conntrack.ts';
import { invertTuple, Tuple } from '../conntrack/tuple.ts';
import { BySource } from './by-source.ts';
import { natFtp, natTftp } from './nat-helper.ts';
import { manipPacket } from './nat-manip.ts';
import { addressRange, NAT_MANIP_DST, NAT_MANIP_SRC, NAT_PROTO_SPECIFIED, type NatRange } from './nat-range.ts';
import { uniqueTuple } from './unique-tuple.ts';

/** Which end is translated at a hook: the source behind routing, the destination before it. */
export function manipOfHook(hooknum: number): number {
  return hooknum === NF_IP_POST_ROUTING || hooknum === NF_IP_LOCAL_IN ? NAT_MANIP_SRC : NAT_MANIP_DST;
}

/** Has it been decided what becomes of this end of the connection? */
export function natInitialized(ct: NfConn, manip: number): boolean {
  return (ct.status & (manip === NAT_MANIP_SRC ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE)) !== 0;
}

const current = new Tuple();
const chosen = new Tuple();

export class NfNat implements NatPart {
  readonly nct: NfConntrack;
  /** Chains of nat tables, by hook: they choose for the first packet of a connection. */
  readonly chains: readonly NfHookFn[][] = [[], [], [], [], []];
  private readonly bySource: BySource;

  constructor(nct: NfConntrack) {
    this.nct = nct;
    this.bySource = new BySource(nct.pool, nct.net.softirq.random);
  }

  forgetSource(ct: NfConn): void {
    this.bySource.remove(ct);
  }

  ftp(skb: SkBuff, dir: number, th: number, endpoint: FtpEndpoint, expectation: Expectation): number {
    return natFtp(this, skb, dir, th, endpoint, expectation);
  }

  tftp(expectation: Expectation): void {
    natTftp(this, expectation);
  }

  /**
   * Chooses what becomes of one end of a new connection; an NF_* verdict (nf_nat_setup_info). A connection that is in the
   * table already stays as it is.
   */
  setupInfo(ct: NfConn, range: NatRange, manip: number): number {
    if ((ct.status & IPS_CONFIRMED) !== 0) return NF_ACCEPT;
    if (natInitialized(ct, manip)) return NF_DROP;
    // What the packets look like now is the inverse of the replies.
    ct.tuple(IP_CT_DIR_REPLY, current);
    current.key = ct.protocol;
    invertTuple(current, current);
    uniqueTuple(this.nct, this.bySource, chosen, current, range, ct, manip);
    if (!chosen.equals(current)) {
      invertTuple(chosen, chosen);
      this.nct.alterReply(ct, chosen);
      ct.setStatus(manip === NAT_MANIP_SRC ? IPS_SRC_NAT : IPS_DST_NAT);
    }
    if (manip === NAT_MANIP_SRC) this.bySource.add(ct);
    ct.setStatus(manip === NAT_MANIP_SRC ? IPS_SRC_NAT_DONE : IPS_DST_NAT_DONE);
    return NF_ACCEPT;
  }

  /** What a target of the nat table does. */
  translate(skb: SkBuff, range: NatRange, manip: number): number {
    return skb.nfct === null ? NF_ACCEPT : this.setupInfo(skb.nfct as NfConn, range, manip);
  }

  /** No rule has chosen: the address stays, and the port too unless somebody has it (nf_nat_alloc_null_binding). */
  nullBinding(ct: NfConn, manip: number): number {
    return this.setupInfo(ct, addressRange(manip === NAT_MANIP_SRC ? ct.daddr(IP_CT_DIR_REPLY) : ct.saddr(IP_CT_DIR_REPLY)), manip);
  }

  setup(ct: NfConn, source: NatEnd | null, destination: NatEnd | null): void {
    for (const [end, manip] of [
      [destination, NAT_MANIP_DST],
      [source, NAT_MANIP_SRC],
    ] as const) {
      const own = manip === NAT_MANIP_SRC ? ct.daddr(IP_CT_DIR_REPLY) : ct.saddr(IP_CT_DIR_REPLY);
      const range = addressRange(end?.address ?? own);
      const port = end?.port ?? null;
      this.setupInfo(
        ct,
        port === null ? range : { ...range, flags: range.flags | NAT_PROTO_SPECIFIED, minPort: port, maxPort: port },
        manip,
      );
    }
  }

  /** Writes what was chosen into a packet; an NF_* verdict (nf_nat_packet). */
  packet(skb: SkBuff, ct: NfConn, manip: number): number {
    const dir = skb.nfctinfo >= IP_CT_IS_REPLY ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
    // Of replies the other end is translated back.
    const bit = (manip === NAT_MANIP_SRC) === (dir === IP_CT_DIR_ORIGINAL) ? IPS_SRC_NAT : IPS_DST_NAT;
    if ((ct.status & bit) === 0) return NF_ACCEPT;
    skbMakeWritable(skb);
    const other = 1 - dir;
    // Packets of a direction leave as the inverse of the other one.
    const address = manip === NAT_MANIP_SRC ? ct.daddr(other) : ct.saddr(other);
    const port = manipPort(ct, other, manip);
    if (!manipPacket(skb, skb.networkHeader, skb.data + skb.len, ct.protocol, manip, address, port)) return NF_DROP;
    if (skb.trace !== 0) traceManip(skb, manip, address, port);
    return NF_ACCEPT;
  }
}

/** The port, or ICMP's identifier, that packets get which leave as the inverse of direction `other`. */
export function manipPort(ct: NfConn, other: number, manip: number): number {
  return manip === NAT_MANIP_SRC && ct.protocol !== IPPROTO_ICMP ? ct.dport(other) : ct.sport(other);
}

function traceManip(skb: SkBuff, manip: number, address: number, port: number): void {
  skb.net.tracer.stage(skb, 'nfNatPacket', `${manip === NAT_MANIP_SRC ? 'source' : 'destination'} ${formatIpv4(address)}:${port}`);
}
