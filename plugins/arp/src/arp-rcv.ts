/**
 * arp-rcv.ts — ARP packets that come in: answered, believed, or neither (RFC 826 "Packet Reception"; cf. Linux
 * net/ipv4/arp.c arp_rcv, arp_process).
 */
import {
  ARP_HLN,
  ARP_HRD,
  ARP_LEN,
  ARP_OP,
  ARP_PLN,
  ARP_PRO,
  ARP_SHA,
  ARP_SIP,
  ARP_THA,
  ARP_TIP,
  ARPOP_REPLY,
  ARPOP_REQUEST,
  consumeSkb,
  ETH_ALEN,
  ETH_P_IP,
  formatIpv4,
  IFF_NOARP,
  type InDevice,
  ipv4IsLoopback,
  ipv4IsMulticast,
  kfreeSkb,
  NEIGH_UPDATE_F_OVERRIDE,
  type NetDevice,
  NF_ARP_IN,
  NUD_REACHABLE,
  NUD_STALE,
  nfHook,
  PACKET_HOST,
  PACKET_LOOPBACK,
  PACKET_OTHERHOST,
  PF_ARP,
  RTN_LOCAL,
  RTN_UNICAST,
  type Rtable,
  SKB_DROP_REASON_ARP_IGNORED,
  SKB_DROP_REASON_ARP_INVALID,
  SKB_DROP_REASON_OTHERHOST,
  SKB_DROP_REASON_PKT_TOO_SMALL,
  type SkBuff,
} from '@packetwalk/framework';
import type { Arp } from './arp.ts';
import { type ArpFields, arpAccept, arpFilter, arpFwdEntry, arpFwdProxy, arpFwdPvlan, arpIgnore, arpIsGarp } from './arp-policy.ts';
import { arpSend } from './arp-send.ts';
import { suitsHardware } from './link-layer.ts';
import { ARP_REPLIES_IN, ARP_REQUESTS_IN } from './neighbour-stat.ts';
import { neighUpdate } from './neighbour-update.ts';

/** Length of an IPv4 address in an ARP packet. */
const IPV4_ALEN = 4;

/** A frame of type ARP has arrived, data at the ARP header. */
export function arpRcv(arp: Arp, skb: SkBuff, dev: NetDevice): number {
  if (skb.trace !== 0) arp.net.tracer.stage(skb, 'arpRcv');
  if ((dev.flags & IFF_NOARP) !== 0 || skb.pktType === PACKET_LOOPBACK) return drop(skb, SKB_DROP_REASON_ARP_IGNORED);
  if (arp.listeners.size !== 0 && skb.len >= ARP_LEN) tell(arp, skb);
  if (skb.pktType === PACKET_OTHERHOST) return drop(skb, SKB_DROP_REASON_OTHERHOST);
  if (skb.len < ARP_LEN) return drop(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
  const { buf } = skb.head;
  if (buf[skb.data + ARP_HLN] !== ETH_ALEN || buf[skb.data + ARP_PLN] !== IPV4_ALEN) return drop(skb, SKB_DROP_REASON_ARP_INVALID);
  return nfHook(PF_ARP, NF_ARP_IN, skb, dev, null, arp.process);
}

function tell(arp: Arp, skb: SkBuff): void {
  for (const listener of arp.listeners) listener(skb.dev, skb.head.view, skb.data, skb.pktType);
}

function drop(skb: SkBuff, reason: number): number {
  kfreeSkb(skb, reason);
  return -1;
}

/**
 * Behind NF_ARP_IN.
 * @param delayed the packet has waited already for its answer by proxy
 */
export function arpProcess(arp: Arp, skb: SkBuff, delayed: boolean): number {
  const { dev } = skb;
  const inDev = arp.devices.of(dev);
  const { view, buf } = skb.head;
  const at = skb.data;
  const suits = suitsHardware(view.getUint16(at + ARP_HRD), dev) && view.getUint16(at + ARP_PRO) === ETH_P_IP;
  const op = view.getUint16(at + ARP_OP);
  if (!suits || (op !== ARPOP_REPLY && op !== ARPOP_REQUEST)) return drop(skb, SKB_DROP_REASON_ARP_INVALID);
  const fields: ArpFields = {
    op,
    sip: view.getInt32(at + ARP_SIP),
    tip: view.getInt32(at + ARP_TIP),
    sha: buf.subarray(at + ARP_SHA, at + ARP_SHA + ETH_ALEN),
    tha: buf.subarray(at + ARP_THA, at + ARP_THA + ETH_ALEN),
  };
  if (refused(arp, inDev, fields)) return drop(skb, SKB_DROP_REASON_ARP_IGNORED);
  arp.stats[op === ARPOP_REQUEST ? ARP_REQUESTS_IN : ARP_REPLIES_IN]++;
  if (skb.trace !== 0) arp.net.tracer.stage(skb, 'arpProcess', describe(fields));
  if (fields.sip === 0) {
    // Somebody looks whether an address is taken (RFC 5227 §2.1.1): nothing to learn from it.
    if (op === ARPOP_REQUEST && arp.routing.addrType(fields.tip) === RTN_LOCAL && !arpIgnore(arp, inDev, 0, fields.tip))
      reply(arp, dev, fields);
    consumeSkb(skb);
    return 0;
  }
  if (op === ARPOP_REQUEST && arp.routing.routeInput(skb, fields.tip, fields.sip, 0, dev) === 0) {
    const rt = skb.dst as Rtable;
    if (rt.rtType === RTN_LOCAL) {
      answerForUs(arp, inDev, fields);
      consumeSkb(skb);
      return 0;
    }
    if (inDev.cnf.forwarding !== 0 && isProxyFor(arp, inDev, rt, fields)) return answerForAnother(arp, inDev, skb, fields, delayed);
  }
  learn(arp, inDev, skb, fields);
  consumeSkb(skb);
  return 0;
}

/** Packets about loopback and multicast addresses are nonsense, and announcements may be unwanted (drop_gratuitous_arp). */
function refused(arp: Arp, inDev: InDevice, { sip, tip }: ArpFields): boolean {
  const { all } = arp.devices;
  const { cnf } = inDev;
  if (ipv4IsMulticast(tip) || (ipv4IsLoopback(tip) && (all.routeLocalnet | cnf.routeLocalnet) === 0)) return true;
  return sip === tip && (all.dropGratuitousArp | cnf.dropGratuitousArp) !== 0;
}

/** A request for an address of this router: answered, and the asker is remembered, since it is about to send. */
function answerForUs(arp: Arp, inDev: InDevice, fields: ArpFields): void {
  const { sip, tip } = fields;
  if (arpIgnore(arp, inDev, sip, tip) || arpFilter(arp, inDev, sip, tip)) return;
  if (hearRequest(arp, inDev.dev, fields)) reply(arp, inDev.dev, fields);
}

function isProxyFor(arp: Arp, inDev: InDevice, rt: Rtable, { sip, tip }: ArpFields): boolean {
  if (rt.rtType !== RTN_UNICAST) return false;
  return arpFwdProxy(arp, inDev, rt) || arpFwdPvlan(arp, inDev, rt, sip, tip) || arpFwdEntry(arp, inDev.dev, rt, tip);
}

/** A request for an address behind this router: answered after a random time, so that the owner goes first if it hears. */
function answerForAnother(arp: Arp, inDev: InDevice, skb: SkBuff, fields: ArpFields, delayed: boolean): number {
  hearRequest(arp, inDev.dev, fields);
  const parms = arp.tbl.parms.of(inDev.dev);
  if (!delayed && skb.pktType !== PACKET_HOST && parms.vars.proxyDelay !== 0) {
    arp.proxyQueue.enqueue(skb, parms);
    return 0;
  }
  reply(arp, inDev.dev, fields);
  consumeSkb(skb);
  return 0;
}

/** The asker's address is in the request (neigh_event_ns); false when there is no room for it. */
function hearRequest(arp: Arp, dev: NetDevice, { sip, sha }: ArpFields): boolean {
  const neigh = arp.tbl.find(sip, dev) ?? arp.tbl.create(sip, dev);
  if (neigh === null) return false;
  neighUpdate(neigh, sha, NUD_STALE, NEIGH_UPDATE_F_OVERRIDE);
  return true;
}

/** Says that the address asked for is here. */
function reply(arp: Arp, dev: NetDevice, { sip, tip, sha }: ArpFields): void {
  arpSend(arp, dev, { op: ARPOP_REPLY, senderIp: tip, targetIp: sip, destHw: sha, targetHw: sha });
}

/** News about the sender: believed when it is known already, or when arp_accept says so. */
function learn(arp: Arp, inDev: InDevice, skb: SkBuff, fields: ArpFields): void {
  const { op, sip, sha } = fields;
  const { tbl } = arp;
  const accept = arpAccept(arp, inDev, sip);
  let neigh = tbl.find(sip, inDev.dev);
  const isGarp = (neigh !== null || accept) && arpIsGarp(arp, fields);
  if (neigh === null && accept && (isGarp || (op === ARPOP_REPLY && arp.routing.addrType(sip) === RTN_UNICAST))) {
    neigh = tbl.create(sip, inDev.dev);
  }
  if (neigh === null) return;
  // Of several answers the first one counts: the fastest, and no flapping between proxies.
  const override = isGarp || tbl.softirq.jiffies > neigh.updated + neigh.parms.vars.locktime;
  // Only an answer to ourselves proves that the neighbour hears us.
  const state = op === ARPOP_REPLY && skb.pktType === PACKET_HOST ? NUD_REACHABLE : NUD_STALE;
  neighUpdate(neigh, sha, state, override ? NEIGH_UPDATE_F_OVERRIDE : 0);
}

function describe({ op, sip, tip }: ArpFields): string {
  return op === ARPOP_REQUEST ? `who has ${formatIpv4(tip)}, tell ${formatIpv4(sip)}` : `${formatIpv4(sip)} is here`;
}
