/** udp.ts — UDP for this router (RFC 768, RFC 1122 §4.1; cf. Linux net/ipv4/udp.c). */
import {
  CHECKSUM_NONE,
  consumeSkb,
  csumPartial,
  csumTcpudpPseudo,
  ICMP_DEST_UNREACH,
  ICMP_MIB_INERRORS,
  ICMP_PORT_UNREACH,
  type InetProtocol,
  IP_DADDR,
  IP_SADDR,
  IPPROTO_UDP,
  ipHdrLen,
  kfreeSkb,
  nfResetCt,
  RTCF_BROADCAST,
  RTCF_MULTICAST,
  SKB_DROP_REASON_NO_SOCKET,
  SKB_DROP_REASON_PKT_TOO_SMALL,
  SKB_DROP_REASON_UDP_CSUM,
  type SkBuff,
  skbTrim,
  UDP_CHECK,
  UDP_DEST,
  UDP_HLEN,
  UDP_LEN,
  UDP_MIB_CSUMERRORS,
  UDP_MIB_IGNOREDMULTI,
  UDP_MIB_INDATAGRAMS,
  UDP_MIB_INERRORS,
  UDP_MIB_NOPORTS,
  UDP_SOURCE,
} from '@packetwalk/framework';
import { icmpSend } from './icmp-send.ts';
import { socketError } from './inet-sockets.ts';
import { xfrmPolicyIn } from './ip-input.ts';
import { ipv4Of, skbRtable } from './ipv4.ts';
import { learnFromError } from './raw.ts';
import { type UdpSock, udpDeliver } from './udp-sockets.ts';

/** A datagram for this router; `skb.data` is at its header. */
export function udpRcv(skb: SkBuff): number {
  const { net, head } = skb;
  const uh = skb.data;
  if (skb.len < UDP_HLEN) return drop(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
  const length = head.view.getUint16(uh + UDP_LEN);
  if (length < UDP_HLEN || length > skb.len) return drop(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
  skbTrim(skb, length);
  const { udp } = ipv4Of(skb);
  const daddr = head.view.getInt32(skb.networkHeader + IP_DADDR);
  const port = head.view.getUint16(uh + UDP_DEST);
  if ((skbRtable(skb).rtFlags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0) return deliverToAll(skb, udp.lookupAll(daddr, port, skb.dev));
  if (!checksumOk(skb)) {
    net.udpMib[UDP_MIB_CSUMERRORS]++;
    return drop(skb, SKB_DROP_REASON_UDP_CSUM);
  }
  const socket = udp.lookup(daddr, port, skb.dev);
  if (socket !== null) {
    if (socket.receiver.encapRcv !== undefined) {
      const taken = socket.receiver.encapRcv(skb);
      if (taken <= 0) {
        net.udpMib[UDP_MIB_INDATAGRAMS]++;
        return taken;
      }
    }
    if (!xfrmPolicyIn(skb)) return 0;
    udpDeliver(socket, skb);
    consumeSkb(skb);
    return 0;
  }
  if (!xfrmPolicyIn(skb)) return 0;
  net.udpMib[UDP_MIB_NOPORTS]++;
  // The error finds its connection by what it quotes, as one from elsewhere would (nf_reset_ct).
  nfResetCt(skb);
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
  kfreeSkb(skb, SKB_DROP_REASON_NO_SOCKET);
  return 0;
}

/** A broadcast or multicast: every listener hears it, and nobody is told when there is none. */
function deliverToAll(skb: SkBuff, sockets: readonly UdpSock[]): number {
  if (sockets.length === 0) {
    skb.net.udpMib[UDP_MIB_IGNOREDMULTI]++;
    kfreeSkb(skb, SKB_DROP_REASON_NO_SOCKET);
    return 0;
  }
  if (!checksumOk(skb)) {
    skb.net.udpMib[UDP_MIB_CSUMERRORS]++;
    return drop(skb, SKB_DROP_REASON_UDP_CSUM);
  }
  if (!xfrmPolicyIn(skb)) return 0;
  for (const socket of sockets) udpDeliver(socket, skb);
  consumeSkb(skb);
  return 0;
}

/** An ICMP error about a datagram of this router's. */
function udpErr(skb: SkBuff, type: number, code: number, info: number): void {
  const { view } = skb.head;
  const quoted = skb.data;
  const ipv4 = ipv4Of(skb);
  const port = view.getUint16(quoted + ipHdrLen(view, quoted) + UDP_SOURCE);
  const socket = ipv4.udp.lookup(view.getInt32(quoted + IP_SADDR), port, skb.dev);
  if (socket === null) {
    skb.net.icmpMib[ICMP_MIB_INERRORS]++;
    return;
  }
  learnFromError(skb, IPPROTO_UDP, type, code, info);
  const { receiver } = socket;
  skb.net.softirq.guard(receiver.name, () => receiver.error?.(socketError(skb, type, code, info)));
}

function drop(skb: SkBuff, reason: number): number {
  skb.net.udpMib[UDP_MIB_INERRORS]++;
  kfreeSkb(skb, reason);
  return 0;
}

/** True when the checksum is right, or the sender made none. */
function checksumOk(skb: SkBuff): boolean {
  const { view } = skb.head;
  const uh = skb.data;
  if (skb.ipSummed !== CHECKSUM_NONE || view.getUint16(uh + UDP_CHECK) === 0) return true;
  const ip = skb.networkHeader;
  const pseudo = csumTcpudpPseudo(view.getInt32(ip + IP_SADDR), view.getInt32(ip + IP_DADDR), IPPROTO_UDP, skb.len);
  return csumPartial(view, uh, skb.len, pseudo) === 0xffff;
}

export const udpProtocol: InetProtocol = { protocol: IPPROTO_UDP, handler: udpRcv, errHandler: udpErr, noPolicy: true };
