/** icmp.ts — ICMP messages for this router (RFC 792, RFC 1122 §3.2.2; cf. Linux net/ipv4/icmp.c). */
import {
  CHECKSUM_NONE,
  consumeSkb,
  csumPartial,
  ICMP_ADDRESS,
  ICMP_ADDRESSREPLY,
  ICMP_CODE,
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_EXC_FRAGTIME,
  ICMP_FRAG_NEEDED,
  ICMP_GATEWAY,
  ICMP_HLEN,
  ICMP_MIB_CSUMERRORS,
  ICMP_MIB_INERRORS,
  ICMP_MIB_INMSGS,
  ICMP_MTU,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
  ICMP_TYPE,
  type InetProtocol,
  IP_DADDR,
  IP_HLEN,
  IP_PROTOCOL,
  IPPROTO_ICMP,
  icmpName,
  kfreeSkb,
  NR_ICMP_TYPES,
  NR_ICMP_UNREACH,
  RTCF_BROADCAST,
  RTCF_MULTICAST,
  RTN_BROADCAST,
  SKB_CONSUMED,
  SKB_DROP_REASON_ICMP_CSUM,
  SKB_DROP_REASON_ICMP_IGNORED,
  SKB_DROP_REASON_ICMP_UNHANDLED,
  SKB_DROP_REASON_IP_INHDR,
  SKB_DROP_REASON_NO_SOCKET,
  SKB_DROP_REASON_PKT_TOO_SMALL,
  type SkBuff,
} from '@packetwalk/framework';
import { countIcmpIn } from './icmp-mib.ts';
import { icmpReply } from './icmp-send.ts';
import { inetCurrentTimestamp } from './ip-options.ts';
import { ipv4Of, skbRtable } from './ipv4.ts';
import { rawIcmpError } from './raw.ts';

/** Three times of a time stamp reply: originate, receive, transmit (RFC 792). */
const TIMES_LEN = 12;
const times = new DataView(new ArrayBuffer(TIMES_LEN));

/** An ICMP message for this router; `skb.data` is at its header. */
export function icmpRcv(skb: SkBuff): number {
  const { net, head } = skb;
  const { icmpMib } = net;
  const icmp = skb.data;
  icmpMib[ICMP_MIB_INMSGS]++;
  if (skb.ipSummed === CHECKSUM_NONE && csumPartial(head.view, icmp, skb.len) !== 0xffff) {
    icmpMib[ICMP_MIB_CSUMERRORS]++;
    return icmpError(skb, SKB_DROP_REASON_ICMP_CSUM);
  }
  if (skb.len < ICMP_HLEN) return icmpError(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
  const type = head.view.getUint8(icmp + ICMP_TYPE);
  if (skb.trace !== 0) net.tracer.stage(skb, 'icmpRcv', icmpName(type, head.view.getUint8(icmp + ICMP_CODE)));
  countIcmpIn(ipv4Of(skb), type);
  skb.data += ICMP_HLEN;
  skb.len -= ICMP_HLEN;
  if (type > NR_ICMP_TYPES) return icmpError(skb, SKB_DROP_REASON_ICMP_UNHANDLED);
  if ((skbRtable(skb).rtFlags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0) {
    // To broadcasts: echo and time stamp if the sysctl allows; nothing else but address masks (RFC 1122 §3.2.2.6–9).
    const ask = type === ICMP_ECHO || type === ICMP_TIMESTAMP;
    if (ask ? ipv4Of(skb).icmpEchoIgnoreBroadcasts !== 0 : type !== ICMP_ADDRESS && type !== ICMP_ADDRESSREPLY) {
      return icmpError(skb, SKB_DROP_REASON_ICMP_IGNORED);
    }
  }
  const reason = icmpHandle(skb, type);
  if (reason === SKB_CONSUMED) consumeSkb(skb);
  else kfreeSkb(skb, reason);
  return 0;
}

function icmpError(skb: SkBuff, reason: number): number {
  skb.net.icmpMib[ICMP_MIB_INERRORS]++;
  kfreeSkb(skb, reason);
  return 0;
}

/** Acts on a message; data is behind its first eight bytes. Returns SKB_CONSUMED, or why it was of no use. */
function icmpHandle(skb: SkBuff, type: number): number {
  switch (type) {
    case ICMP_ECHO:
      return icmpEcho(skb);
    case ICMP_TIMESTAMP:
      return icmpTimestamp(skb);
    case ICMP_DEST_UNREACH:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETERPROB:
    case ICMP_SOURCE_QUENCH:
      return icmpUnreach(skb, type);
    case ICMP_REDIRECT:
      return icmpRedirect(skb);
    case ICMP_ECHOREPLY:
      // Whoever pings has heard it as a raw listener (ping_rcv).
      return ipv4Of(skb).raw.hears(IPPROTO_ICMP) ? SKB_CONSUMED : SKB_DROP_REASON_NO_SOCKET;
    default:
      return SKB_DROP_REASON_ICMP_UNHANDLED;
  }
}

/** An echo request: all of it goes back (RFC 1122 §3.2.2.6). */
function icmpEcho(skb: SkBuff): number {
  if (ipv4Of(skb).icmpEchoIgnoreAll !== 0) return SKB_DROP_REASON_ICMP_IGNORED;
  const { buf, view } = skb.head;
  const icmp = skb.data - ICMP_HLEN;
  icmpReply(skb, {
    type: ICMP_ECHOREPLY,
    code: view.getUint8(icmp + ICMP_CODE),
    info: view.getInt32(icmp + ICMP_GATEWAY),
    bytes: buf,
    offset: skb.data,
    length: skb.len,
  });
  return SKB_CONSUMED;
}

/** A time stamp request (RFC 1122 §3.2.2.8). */
function icmpTimestamp(skb: SkBuff): number {
  if (skb.len < 4) {
    skb.net.icmpMib[ICMP_MIB_INERRORS]++;
    return SKB_DROP_REASON_PKT_TOO_SMALL;
  }
  const { view } = skb.head;
  const now = inetCurrentTimestamp(skb.net);
  times.setInt32(0, view.getInt32(skb.data));
  times.setInt32(4, now);
  times.setInt32(8, now);
  icmpReply(skb, {
    type: ICMP_TIMESTAMPREPLY,
    code: 0,
    info: view.getInt32(skb.data - ICMP_HLEN + ICMP_GATEWAY),
    bytes: new Uint8Array(times.buffer),
    offset: 0,
    length: TIMES_LEN,
  });
  return SKB_CONSUMED;
}

/** An error about a packet that this router sent: its protocol hears of it. */
function icmpUnreach(skb: SkBuff, type: number): number {
  const { view } = skb.head;
  const icmp = skb.data - ICMP_HLEN;
  const ipv4 = ipv4Of(skb);
  if (skb.len < IP_HLEN || (view.getUint8(skb.data) & 15) < 5) {
    skb.net.icmpMib[ICMP_MIB_INERRORS]++;
    return skb.len < IP_HLEN ? SKB_DROP_REASON_PKT_TOO_SMALL : SKB_DROP_REASON_IP_INHDR;
  }
  const code = view.getUint8(icmp + ICMP_CODE);
  let info = 0;
  if (type === ICMP_DEST_UNREACH) {
    if ((code & 15) === ICMP_FRAG_NEEDED) {
      if (ipv4.ipNoPmtuDisc === 2) return SKB_CONSUMED;
      if (ipv4.ipNoPmtuDisc === 0) info = view.getUint16(icmp + ICMP_MTU);
    }
    if (code > NR_ICMP_UNREACH) return SKB_CONSUMED;
  } else if (type === ICMP_PARAMETERPROB) {
    info = view.getUint8(icmp + ICMP_GATEWAY);
  } else if (type === ICMP_TIME_EXCEEDED && code === ICMP_EXC_FRAGTIME) {
    return SKB_CONSUMED;
  }
  // Some routers answer broadcasts with errors: somebody's mask is wrong.
  const to = view.getInt32(skb.data + IP_DADDR);
  if (ipv4.icmpIgnoreBogusErrorResponses === 0 && ipv4.routing.addrType(to, skb.dev) === RTN_BROADCAST) return SKB_CONSUMED;
  icmpSocketDeliver(skb, type, code, info);
  return SKB_CONSUMED;
}

function icmpRedirect(skb: SkBuff): number {
  if (skb.len < IP_HLEN) {
    skb.net.icmpMib[ICMP_MIB_INERRORS]++;
    return SKB_DROP_REASON_PKT_TOO_SMALL;
  }
  const { view } = skb.head;
  const icmp = skb.data - ICMP_HLEN;
  icmpSocketDeliver(skb, ICMP_REDIRECT, view.getUint8(icmp + ICMP_CODE), view.getInt32(icmp + ICMP_GATEWAY));
  return SKB_CONSUMED;
}

/** Gives an error to the protocol of the quoted packet, which must have eight bytes behind its header (RFC 792). */
function icmpSocketDeliver(skb: SkBuff, type: number, code: number, info: number): void {
  const { view } = skb.head;
  const hlen = (view.getUint8(skb.data) & 15) << 2;
  if (skb.len < hlen + 8) {
    skb.net.icmpMib[ICMP_MIB_INERRORS]++;
    return;
  }
  const protocol = view.getUint8(skb.data + IP_PROTOCOL);
  const ipv4 = ipv4Of(skb);
  rawIcmpError(ipv4, skb, protocol, type, code, info);
  ipv4.protocols.get(protocol)?.errHandler?.(skb, type, code, info);
}

/** An error about an ICMP message of this router's: only echo replies are its own, the rest is its sockets'. */
function icmpErr(skb: SkBuff, type: number, code: number, info: number): void {
  const { view } = skb.head;
  const hlen = (view.getUint8(skb.data) & 15) << 2;
  if (view.getUint8(skb.data + hlen + ICMP_TYPE) !== ICMP_ECHOREPLY) return;
  const { routing } = ipv4Of(skb);
  if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) routing.updatePmtu(skb, IPPROTO_ICMP, info);
  else if (type === ICMP_REDIRECT) routing.redirected(skb, IPPROTO_ICMP, info);
}

export const icmpProtocol: InetProtocol = { protocol: IPPROTO_ICMP, handler: icmpRcv, errHandler: icmpErr };
