/** udp.ts — UDP for this router (RFC 768, RFC 1122 §4.1; cf. Linux net/ipv4/udp.c). */
import {
  CHECKSUM_NONE,
  consumeSkb,
  csumPartial,
  csumTcpudpPseudo,
  ICMP_DEST_UNREACH,
  ICMP_PORT_UNREACH,
  type InetProtocol,
  IP_DADDR,
  IP_SADDR,
  IPPROTO_UDP,
  kfreeSkb,
  RTCF_BROADCAST,
  RTCF_MULTICAST,
  SKB_DROP_REASON_NO_SOCKET,
  SKB_DROP_REASON_PKT_TOO_SMALL,
  SKB_DROP_REASON_UDP_CSUM,
  type SkBuff,
  skbTrim,
  UDP_CHECK,
  UDP_HLEN,
  UDP_LEN,
  UDP_MIB_CSUMERRORS,
  UDP_MIB_IGNOREDMULTI,
  UDP_MIB_INERRORS,
  UDP_MIB_NOPORTS,
} from '@packetwalk/framework';
import { icmpSend } from './icmp-send.ts';
import { skbRtable } from './ipv4.ts';

/** A datagram for this router; `skb.data` is at its header. */
export function udpRcv(skb: SkBuff): number {
  const { net, head } = skb;
  const uh = skb.data;
  if (skb.len < UDP_HLEN) return drop(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
  const length = head.view.getUint16(uh + UDP_LEN);
  if (length < UDP_HLEN || length > skb.len) return drop(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
  skbTrim(skb, length);
  if ((skbRtable(skb).rtFlags & (RTCF_BROADCAST | RTCF_MULTICAST)) !== 0) {
    net.udpMib[UDP_MIB_IGNOREDMULTI]++;
    consumeSkb(skb);
    return 0;
  }
  if (!checksumOk(skb)) {
    net.udpMib[UDP_MIB_CSUMERRORS]++;
    return drop(skb, SKB_DROP_REASON_UDP_CSUM);
  }
  net.udpMib[UDP_MIB_NOPORTS]++;
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
  kfreeSkb(skb, SKB_DROP_REASON_NO_SOCKET);
  return 0;
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

export const udpProtocol: InetProtocol = { protocol: IPPROTO_UDP, handler: udpRcv, noPolicy: true };
