/**
 * ip-defrag.ts — fragments become packets again (RFC 791 §3.2, RFC 815, RFC 1858; overlaps as RFC 5722 has it for IPv6; cf.
 * Linux net/ipv4/ip_fragment.c). A fragment that contradicts another one loses the whole packet; one that is known is
 * dropped alone.
 */
import {
  CHECKSUM_NONE,
  CHECKSUM_UNNECESSARY,
  consumeSkb,
  ICMP_EXC_FRAGTIME,
  ICMP_TIME_EXCEEDED,
  IP_DADDR,
  IP_DEFRAG_CONNTRACK_BRIDGE_IN,
  IP_DEFRAG_CONNTRACK_IN,
  IP_DEFRAG_CONNTRACK_OUT,
  IP_DEFRAG_LOCAL_DELIVER,
  IP_DF,
  IP_FRAG_OFF,
  IP_ID,
  IP_MAX_MTU,
  IP_MF,
  IP_OFFSET,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IP_TOT_LEN,
  IPSTATS_MIB_REASM_OVERLAPS,
  IPSTATS_MIB_REASMFAILS,
  IPSTATS_MIB_REASMOKS,
  IPSTATS_MIB_REASMREQDS,
  IPSTATS_MIB_REASMTIMEOUT,
  ipSendCheck,
  kfreeSkb,
  NET_SKB_PAD,
  type NetDevice,
  RTN_LOCAL,
  SKB_DROP_REASON_DUP_FRAG,
  SKB_DROP_REASON_FRAG_INVALID,
  SKB_DROP_REASON_FRAG_MEM,
  SKB_DROP_REASON_FRAG_REASM_TIMEOUT,
  SKB_DROP_REASON_FRAG_TOO_FAR,
  type SkBuff,
  skbCopyHeader,
  skbOwn,
  skbTrim,
} from '@packetwalk/framework';
import { keepGeometry } from './frag-geometry.ts';
import { icmpSend } from './icmp-send.ts';
import { FragQueue, freeRow, INET_FRAG_FIRST_IN, INET_FRAG_LAST_IN, IPFRAG_DUP, IPFRAG_OK } from './inet-fragment.ts';
import { IPSKB_FRAG_PMTU, IPSKB_IGNORE_DF, ipcbSetFragMaxSize } from './ipcb.ts';
import { type Ipv4, ipv4Of, skbRtable } from './ipv4.ts';

/** ECN field "congestion experienced", and how fields are remembered: one bit for each of the four (RFC 3168 §5.3). */
const INET_ECN_CE = 3;
const ECN_NOT_ECT = 1 << 0;
const ECN_CE = 1 << INET_ECN_CE;

/**
 * Takes a fragment for `user` (IP_DEFRAG_*). 0: it has become the whole packet. Else it is gone: it waits for others,
 * or was of no use.
 */
export function ipDefrag(skb: SkBuff, user: number): number {
  const { net } = skb;
  net.ipMib[IPSTATS_MIB_REASMREQDS]++;
  const q = ipFind(skb, user);
  if (q === null) {
    net.ipMib[IPSTATS_MIB_REASMFAILS]++;
    kfreeSkb(skb, SKB_DROP_REASON_FRAG_MEM);
    return -1;
  }
  return ipFragQueue(q, skb);
}

/** The queue of a fragment, made when there is none; null while fragments hold too much memory. */
function ipFind(skb: SkBuff, user: number): FragQueue | null {
  const ipv4 = ipv4Of(skb);
  const { frags, ipfragHighThresh, ipfragMaxDist } = ipv4;
  if (ipfragHighThresh === 0 || frags.mem > ipfragHighThresh) return null;
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const saddr = view.getInt32(ip + IP_SADDR);
  const daddr = view.getInt32(ip + IP_DADDR);
  const id = view.getUint16(ip + IP_ID);
  const protocol = view.getUint8(ip + IP_PROTOCOL);
  const known = frags.find(saddr, daddr, id, protocol, user);
  if (known !== null) return known;
  const q = new FragQueue(saddr, daddr, id, protocol, user, (expired) => ipExpire(ipv4, expired));
  if (ipfragMaxDist !== 0) q.peer = ipv4.peers.get(saddr);
  frags.add(q, ipv4.ipfragTime * 1000);
  return q;
}

/** Other packets' fragments came in between, too many to belong together: the identification has wrapped (RFC 4963). */
function ipFragTooFar(ipv4: Ipv4, q: FragQueue): boolean {
  if (q.peer === null || ipv4.ipfragMaxDist === 0) return false;
  const before = q.rid;
  q.rid = ++q.peer.rid;
  if (q.runs.length === 0 || q.rid - before <= ipv4.ipfragMaxDist) return false;
  ipv4.net.ipMib[IPSTATS_MIB_REASMFAILS]++;
  return true;
}

function ipFragQueue(q: FragQueue, skb: SkBuff): number {
  const ipv4 = ipv4Of(skb);
  if (ipFragTooFar(ipv4, q)) ipv4.frags.restart(q, ipv4.ipfragTime * 1000, SKB_DROP_REASON_FRAG_TOO_FAR);
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const word = view.getUint16(ip + IP_FRAG_OFF);
  const hlen = (view.getUint8(ip) & 15) << 2;
  const offset = (word & IP_OFFSET) << 3;
  let end = offset + skb.data + skb.len - ip - hlen;
  if ((word & IP_MF) === 0) {
    if (end < q.len || ((q.flags & INET_FRAG_LAST_IN) !== 0 && end !== q.len)) return discard(q, skb);
    q.flags |= INET_FRAG_LAST_IN;
    q.len = end;
  } else {
    if ((end & 7) !== 0) {
      end &= ~7;
      if (skb.ipSummed !== CHECKSUM_UNNECESSARY) skb.ipSummed = CHECKSUM_NONE;
    }
    if (end > q.len) {
      if ((q.flags & INET_FRAG_LAST_IN) !== 0) return discard(q, skb);
      q.len = end;
    }
  }
  if (end === offset) return discard(q, skb);

  // From here on it may be held: its bytes leave the driver's memory, and data moves behind the header.
  skbOwn(skb);
  const start = skb.networkHeader + hlen;
  skb.len -= start - skb.data;
  skb.data = start;
  skbTrim(skb, end - offset);
  const inserted = q.insert(skb, offset, end);
  if (inserted === IPFRAG_DUP) {
    kfreeSkb(skb, SKB_DROP_REASON_DUP_FRAG);
    return -1;
  }
  if (inserted !== IPFRAG_OK) {
    ipv4.net.ipExtMib[IPSTATS_MIB_REASM_OVERLAPS]++;
    return discard(q, skb);
  }
  q.iif = skb.dev.ifindex;
  q.stamp = skb.tstamp;
  q.meat += skb.len;
  q.ecn |= 1 << (skb.head.view.getUint8(skb.networkHeader + IP_TOS) & 3);
  ipv4.frags.charge(q, skb);
  if (offset === 0) q.flags |= INET_FRAG_FIRST_IN;
  const size = skb.len + hlen;
  if (size > q.maxSize) q.maxSize = size;
  if ((word & IP_DF) !== 0 && size > q.maxDfSize) q.maxDfSize = size;
  if (q.flags === (INET_FRAG_FIRST_IN | INET_FRAG_LAST_IN) && q.meat === q.len) return ipFragReasm(ipv4, q, skb);
  skb.dst = null;
  return -1;
}

/** The fragment and what came before it cannot be one packet: all of it is lost. */
function discard(q: FragQueue, skb: SkBuff): number {
  const { frags, net } = ipv4Of(skb);
  frags.destroy(q, SKB_DROP_REASON_FRAG_INVALID);
  net.ipMib[IPSTATS_MIB_REASMFAILS]++;
  kfreeSkb(skb, SKB_DROP_REASON_FRAG_INVALID);
  return -1;
}

/**
 * All fragments are here: `skb`, the one that came last, becomes the packet. It gets the first fragment's header and
 * marks, and keeps its own route and device.
 */
function ipFragReasm(ipv4: Ipv4, q: FragQueue, skb: SkBuff): number {
  const { net, frags } = ipv4;
  frags.kill(q);
  const row = q.takeAll() as SkBuff;
  const hlen = row.data - row.networkHeader;
  const total = hlen + q.len;
  // Fragments with and without ECN do not come from one packet (RFC 3168 §5.3).
  const mixed = (q.ecn & ECN_NOT_ECT) !== 0 && q.ecn !== ECN_NOT_ECT;
  if (mixed || total > IP_MAX_MTU) {
    net.ipMib[IPSTATS_MIB_REASMFAILS]++;
    freeRow(row, SKB_DROP_REASON_FRAG_INVALID);
    return -1;
  }
  joinRow(skb, row, hlen, total, q.user === IP_DEFRAG_LOCAL_DELIVER ? -1 : ipv4.fragGeometry);
  skb.tstamp = q.stamp;
  ipcbSetFragMaxSize(skb, Math.max(q.maxDfSize, q.maxSize));
  const { view } = skb.head;
  const ip = skb.networkHeader;
  view.setUint16(ip + IP_TOT_LEN, total);
  if ((q.ecn & ECN_CE) !== 0 && q.ecn !== ECN_CE) view.setUint8(ip + IP_TOS, view.getUint8(ip + IP_TOS) | INET_ECN_CE);
  // DF on the largest fragment stays, and on fragments of the whole, so that path MTU discovery still works.
  const df = q.maxDfSize === q.maxSize;
  view.setUint16(ip + IP_FRAG_OFF, df ? IP_DF : 0);
  if (df) skb.cb0 |= IPSKB_FRAG_PMTU;
  if (q.user !== IP_DEFRAG_LOCAL_DELIVER) skb.cb0 |= IPSKB_IGNORE_DF;
  ipSendCheck(view, ip);
  net.ipMib[IPSTATS_MIB_REASMOKS]++;
  if (skb.trace !== 0) net.tracer.stage(skb, 'ipFragReasm', `${total} bytes`);
  return 0;
}

/** Copies the fragments of `row` into one buffer, which becomes `skb`'s, itself one of them; the others are freed. */
function joinRow(skb: SkBuff, row: SkBuff, hlen: number, total: number, geometrySlot: number): void {
  const { pool } = skb.net;
  const head = pool.takeHead(NET_SKB_PAD + total);
  const { macHeader, networkHeader } = row;
  // The first link-layer header comes along, for those who look at it later.
  const front = Math.min(Math.max(networkHeader - macHeader, 0), NET_SKB_PAD);
  head.buf.set(row.head.buf.subarray(networkHeader - front, networkHeader + hlen), NET_SKB_PAD - front);
  const sizes: number[] = [];
  let at = NET_SKB_PAD + hlen;
  for (let f: SkBuff | null = row; f !== null; f = f.next) {
    head.buf.set(f.head.buf.subarray(f.data, f.data + f.len), at);
    at += f.len;
    sizes.push(f.len);
  }
  const { dst, trace } = skb;
  if (row !== skb) skbCopyHeader(skb, row);
  pool.putHead(skb.head);
  skb.head = head;
  skb.data = NET_SKB_PAD;
  skb.len = total;
  skb.networkHeader = NET_SKB_PAD;
  skb.transportHeader = NET_SKB_PAD + hlen;
  skb.macHeader = NET_SKB_PAD - front;
  skb.dst = dst;
  skb.trace = trace;
  if (geometrySlot >= 0) keepGeometry(skb, geometrySlot, sizes);
  for (let f: SkBuff | null = row; f !== null; ) {
    const { next }: SkBuff = f;
    f.next = null;
    if (f !== skb) consumeSkb(f);
    f = next;
  }
}

/** It took too long (ip_expire): a host tells the sender, if it knows which packet that was. */
function ipExpire(ipv4: Ipv4, q: FragQueue): void {
  const { net, frags } = ipv4;
  frags.kill(q);
  net.ipMib[IPSTATS_MIB_REASMFAILS]++;
  net.ipMib[IPSTATS_MIB_REASMTIMEOUT]++;
  const row = q.takeAll();
  if (row !== null && (q.flags & INET_FRAG_FIRST_IN) !== 0) reportExpired(ipv4, q, row, net.devByIndex[q.iif] ?? null);
  freeRow(row, SKB_DROP_REASON_FRAG_REASM_TIMEOUT);
}

/** `first` is the first fragment: the error quotes it. A router that only looked at the fragments says nothing. */
function reportExpired(ipv4: Ipv4, q: FragQueue, first: SkBuff, dev: NetDevice | null): void {
  if (dev === null) return;
  const { view } = first.head;
  const ip = first.networkHeader;
  first.dev = dev;
  if (ipv4.routing.routeInput(first, q.daddr, q.saddr, view.getUint8(ip + IP_TOS), dev) !== 0) return;
  const onlyLooked = (q.user >= IP_DEFRAG_CONNTRACK_IN && q.user < IP_DEFRAG_CONNTRACK_OUT) || q.user >= IP_DEFRAG_CONNTRACK_BRIDGE_IN;
  if (onlyLooked && skbRtable(first).rtType !== RTN_LOCAL) return;
  icmpSend(first, ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME, 0);
}
