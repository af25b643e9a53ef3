/**
 * ip-options.ts — IPv4 options of packets that come in and go on: record route, time stamp, source routes, router alert
 * (RFC 791 §3.1, RFC 1812 §5.3.13, RFC 2113; cf. Linux net/ipv4/ip_options.c). Nothing is kept but offsets and flags on
 * the packet: see ipcb.ts.
 */
import {
  ICMP_PARAMETERPROB,
  IP_DADDR,
  IP_HLEN,
  IP_SADDR,
  IP_TOS,
  IPOPT_CIPSO,
  IPOPT_END,
  IPOPT_LSRR,
  IPOPT_NOOP,
  IPOPT_RA,
  IPOPT_RR,
  IPOPT_SSRR,
  IPOPT_TIMESTAMP,
  IPSTATS_MIB_INHDRERRORS,
  ipSendCheck,
  kfreeSkb,
  type Net,
  PACKET_HOST,
  RTN_LOCAL,
  RTN_UNICAST,
  type Rtable,
  SKB_DROP_REASON_IP_OPTIONS,
  SKB_DROP_REASON_IP_SOURCE_ROUTED,
  type SkBuff,
  skbMakeWritable,
} from '@packetwalk/framework';
import { icmpSend } from './icmp-send.ts';
import {
  IPOPT_CHANGED,
  IPOPT_RR_NEEDADDR,
  IPOPT_SRR_HIT,
  IPOPT_STRICTROUTE,
  IPOPT_TS_NEEDADDR,
  IPOPT_TS_NEEDTIME,
  ipcbCipso,
  ipcbRr,
  ipcbSetCipso,
  ipcbSetRouterAlert,
  ipcbSetRr,
  ipcbSetSrr,
  ipcbSetTs,
  ipcbSrr,
  ipcbTs,
} from './ipcb.ts';
import { ipv4Of, skbRtable } from './ipv4.ts';
import { fibComputeSpecDst, ipRtGetSource } from './source-address.ts';

/** Kinds of time stamp options: times only, addresses with times, times of the routers named (RFC 791 §3.1). */
const IPOPT_TS_TSONLY = 0;
const IPOPT_TS_TSANDADDR = 1;
export const IPOPT_TS_PRESPEC = 3;

/** Options with this bit are copied into every fragment. */
const IPOPT_COPY = 0x80;
/** Shortest CIPSO option: the domain of interpretation, and a tag. */
const CIPSO_LEN_MIN = 8;
const DAY = 86_400_000;

/** Milliseconds since midnight UT, as time stamps have them (inet_current_timestamp). */
export function inetCurrentTimestamp(net: Net): number {
  return Math.floor(net.softirq.clock.wallClock() % DAY);
}

/** Reads the options of a packet that came in, and acts on a source route; false: the packet is gone (ip_rcv_options). */
export function ipRcvOptions(skb: SkBuff): boolean {
  skbMakeWritable(skb);
  const problem = ipOptionsCompile(skb);
  if (problem !== 0) {
    icmpSend(skb, ICMP_PARAMETERPROB, 0, problem << 24);
    skb.net.ipMib[IPSTATS_MIB_INHDRERRORS]++;
    kfreeSkb(skb, SKB_DROP_REASON_IP_OPTIONS);
    return false;
  }
  if (ipcbSrr(skb) === 0) return true;
  const { inDev } = skb.dev;
  const accepted = inDev === null || (inDev.cnf.acceptSourceRoute !== 0 && ipv4Of(skb).inet.all.acceptSourceRoute !== 0);
  if (accepted && rcvSourceRoute(skb)) return true;
  kfreeSkb(skb, SKB_DROP_REASON_IP_SOURCE_ROUTED);
  return false;
}

/**
 * Checks the options, notes where they are, and records what can be recorded before the way out is known. Returns 0, or
 * the offset of the bad byte from the start of the header, which is what a parameter problem points at.
 */
export function ipOptionsCompile(skb: SkBuff): number {
  const { buf } = skb.head;
  const ip = skb.networkHeader;
  const end = ip + ((buf[ip] & 15) << 2);
  for (let option = ip + IP_HLEN; option < end; ) {
    const kind = buf[option];
    if (kind === IPOPT_END) {
      clearBehindEnd(skb, option + 1, end);
      return 0;
    }
    if (kind === IPOPT_NOOP) {
      option++;
      continue;
    }
    if (end - option < 2) return option - ip;
    const length = buf[option + 1];
    if (length < 2 || length > end - option) return option - ip;
    const bad = compileOption(skb, option, kind, length);
    if (bad >= 0) return option - ip + bad;
    option += length;
  }
  return 0;
}

/** Behind "end of options" there is nothing but zeroes. */
function clearBehindEnd(skb: SkBuff, from: number, end: number): void {
  const { buf } = skb.head;
  for (let o = from; o < end; o++) {
    if (buf[o] !== IPOPT_END) {
      buf[o] = IPOPT_END;
      skb.cb2 |= IPOPT_CHANGED;
    }
  }
}

/** Returns the offset of the bad byte in the option, or -1. */
function compileOption(skb: SkBuff, option: number, kind: number, length: number): number {
  const { buf } = skb.head;
  switch (kind) {
    case IPOPT_SSRR:
    case IPOPT_LSRR:
      if (length < 3) return 1;
      if (buf[option + 2] < 4) return 2;
      if (ipcbSrr(skb) !== 0) return 0;
      if (kind === IPOPT_SSRR) skb.cb2 |= IPOPT_STRICTROUTE;
      ipcbSetSrr(skb, option - skb.networkHeader);
      return -1;
    case IPOPT_RR:
      return compileRecordRoute(skb, option, length);
    case IPOPT_TIMESTAMP:
      return compileTimestamp(skb, option, length);
    case IPOPT_RA:
      if (length < 4) return 1;
      if (buf[option + 2] === 0 && buf[option + 3] === 0) ipcbSetRouterAlert(skb, option - skb.networkHeader);
      return -1;
    case IPOPT_CIPSO:
      if (ipcbCipso(skb) !== 0) return 0;
      ipcbSetCipso(skb, option - skb.networkHeader);
      // Labels of a domain of interpretation that is not configured are refused, and none can be (cipso_v4_validate).
      return length < CIPSO_LEN_MIN ? 1 : 2;
    default:
      return -1;
  }
}

function compileRecordRoute(skb: SkBuff, option: number, length: number): number {
  const { buf, view } = skb.head;
  if (ipcbRr(skb) !== 0) return 0;
  if (length < 3) return 1;
  const pointer = buf[option + 2];
  if (pointer < 4) return 2;
  if (pointer <= length) {
    if (pointer + 3 > length) return 2;
    view.setInt32(option + pointer - 1, fibComputeSpecDst(skb));
    buf[option + 2] = pointer + 4;
    skb.cb2 |= IPOPT_CHANGED | IPOPT_RR_NEEDADDR;
  }
  ipcbSetRr(skb, option - skb.networkHeader);
  return -1;
}

function compileTimestamp(skb: SkBuff, option: number, length: number): number {
  const { buf } = skb.head;
  if (ipcbTs(skb) !== 0) return 0;
  if (length < 4) return 1;
  const pointer = buf[option + 2];
  if (pointer < 5) return 2;
  const kind = buf[option + 3] & 15;
  if (pointer <= length) {
    if (pointer + 3 > length) return 2;
    if (kind !== IPOPT_TS_TSONLY && kind <= IPOPT_TS_PRESPEC && kind !== 2 && pointer + 7 > length) return 2;
    recordTimestamp(skb, option, pointer, kind);
  } else if (kind !== IPOPT_TS_PRESPEC) {
    // No room left: count the routers that could not record.
    const overflow = buf[option + 3] >>> 4;
    if (overflow === 15) return 3;
    buf[option + 3] = kind | ((overflow + 1) << 4);
    skb.cb2 |= IPOPT_CHANGED;
  }
  ipcbSetTs(skb, option - skb.networkHeader);
  return -1;
}

function recordTimestamp(skb: SkBuff, option: number, pointer: number, kind: number): void {
  const { buf, view } = skb.head;
  const slot = option + pointer - 1;
  let time = slot + 4;
  if (kind === IPOPT_TS_TSONLY) {
    time = slot;
  } else if (kind === IPOPT_TS_TSANDADDR) {
    view.setInt32(slot, fibComputeSpecDst(skb));
    skb.cb2 |= IPOPT_TS_NEEDADDR;
  } else if (kind !== IPOPT_TS_PRESPEC || ipv4Of(skb).routing.addrType(view.getInt32(slot)) === RTN_UNICAST) {
    // An unknown kind, or another router is named.
    return;
  }
  buf[option + 2] = pointer + (time - slot) + 4;
  view.setInt32(time, inetCurrentTimestamp(skb.net));
  skb.cb2 |= IPOPT_TS_NEEDTIME | IPOPT_CHANGED;
}

/**
 * The next hop of a source route, when the packet has reached the hop before it: this router (ip_options_rcv_srr). Hops
 * that are addresses of this router too are passed over at once. False: the packet cannot go on.
 */
function rcvSourceRoute(skb: SkBuff): boolean {
  if (skb.pktType !== PACKET_HOST) return false;
  const { buf, view } = skb.head;
  const ip = skb.networkHeader;
  const { rtType } = skbRtable(skb);
  if (rtType === RTN_UNICAST) {
    if ((skb.cb2 & IPOPT_STRICTROUTE) === 0) return true;
    icmpSend(skb, ICMP_PARAMETERPROB, 0, IP_DADDR << 24);
    return false;
  }
  if (rtType !== RTN_LOCAL) return false;
  const { routing } = ipv4Of(skb);
  const option = ip + ipcbSrr(skb);
  const length = buf[option + 1];
  for (let pointer = buf[option + 2]; pointer <= length; pointer += 4) {
    if (pointer + 3 > length) {
      icmpSend(skb, ICMP_PARAMETERPROB, 0, (ipcbSrr(skb) + 2) << 24);
      return false;
    }
    const nexthop = view.getInt32(option + pointer - 1);
    const before = skb.dst;
    skb.dst = null;
    const reason = routing.routeInput(skb, nexthop, view.getInt32(ip + IP_SADDR), view.getUint8(ip + IP_TOS), skb.dev);
    const next = skb.dst as Rtable | null;
    if (reason !== 0 || next === null || (next.rtType !== RTN_UNICAST && next.rtType !== RTN_LOCAL)) {
      skb.dst = before;
      return false;
    }
    skb.cb2 |= IPOPT_CHANGED;
    if (next.rtType !== RTN_LOCAL) {
      skb.cb2 |= IPOPT_SRR_HIT;
      skb.cb3 = nexthop;
      return true;
    }
    view.setInt32(ip + IP_DADDR, nexthop);
  }
  return true;
}

/** Records the address of the side the packet leaves by, moves a source route on, and renews the checksum. */
export function ipForwardOptions(skb: SkBuff): void {
  const { buf, view } = skb.head;
  const ip = skb.networkHeader;
  const rt = skbRtable(skb);
  if ((skb.cb2 & IPOPT_RR_NEEDADDR) !== 0) {
    const rr = ip + ipcbRr(skb);
    view.setInt32(rr + buf[rr + 2] - 5, ipRtGetSource(skb, rt));
    skb.cb2 |= IPOPT_CHANGED;
  }
  if ((skb.cb2 & IPOPT_SRR_HIT) !== 0) forwardSourceRoute(skb, rt);
  if ((skb.cb2 & IPOPT_CHANGED) !== 0) {
    skb.cb2 &= ~IPOPT_CHANGED;
    ipSendCheck(view, ip);
  }
}

/** Swaps the next hop of the route with the destination; the hop's place keeps the address of the way out. */
function forwardSourceRoute(skb: SkBuff, rt: Rtable): void {
  const { buf, view } = skb.head;
  const ip = skb.networkHeader;
  const option = ip + ipcbSrr(skb);
  const length = buf[option + 1];
  let pointer = buf[option + 2];
  while (pointer + 3 <= length && view.getInt32(option + pointer - 1) !== skb.cb3) pointer += 4;
  if (pointer + 3 <= length) {
    skb.cb2 |= IPOPT_CHANGED;
    view.setInt32(ip + IP_DADDR, skb.cb3);
    view.setInt32(option + pointer - 1, ipRtGetSource(skb, rt));
    buf[option + 2] = pointer + 4;
  }
  if ((skb.cb2 & IPOPT_TS_NEEDADDR) !== 0) {
    const ts = ip + ipcbTs(skb);
    view.setInt32(ts + buf[ts + 2] - 9, ipRtGetSource(skb, rt));
    skb.cb2 |= IPOPT_CHANGED;
  }
}

/** Blanks out the options that only the first fragment has (ip_options_fragment). */
export function ipOptionsFragment(skb: SkBuff): void {
  const { buf } = skb.head;
  const ip = skb.networkHeader;
  const end = ip + ((buf[ip] & 15) << 2);
  for (let option = ip + IP_HLEN; option < end; ) {
    const kind = buf[option];
    if (kind === IPOPT_END) return;
    if (kind === IPOPT_NOOP) {
      option++;
      continue;
    }
    const length = option + 1 < end ? buf[option + 1] : 0;
    if (length < 2 || length > end - option) return;
    if ((kind & IPOPT_COPY) === 0) buf.fill(IPOPT_NOOP, option, option + length);
    option += length;
  }
}
