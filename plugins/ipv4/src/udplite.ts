/** udplite.ts — UDP-Lite without listeners: a good datagram is answered with port unreachable (RFC 3828; cf. Linux net/ipv4/udplite.c). */
import {
  csumPartial,
  csumTcpudpPseudo,
  ICMP_DEST_UNREACH,
  ICMP_PORT_UNREACH,
  type InetProtocol,
  IP_DADDR,
  IP_SADDR,
  kfreeSkb,
  SKB_DROP_REASON_NO_SOCKET,
  SKB_DROP_REASON_PKT_TOO_SMALL,
  SKB_DROP_REASON_UDP_CSUM,
  type SkBuff,
  UDP_CHECK,
  UDP_HLEN,
  UDP_LEN,
} from '@packetwalk/framework';
import { icmpSend } from './icmp-send.ts';

const IPPROTO_UDPLITE = 136;

function udpliteRcv(skb: SkBuff): number {
  if (skb.len < UDP_HLEN) {
    kfreeSkb(skb, SKB_DROP_REASON_PKT_TOO_SMALL);
  } else if (!checksumOk(skb)) {
    kfreeSkb(skb, SKB_DROP_REASON_UDP_CSUM);
  } else {
    icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
    kfreeSkb(skb, SKB_DROP_REASON_NO_SOCKET);
  }
  return 0;
}

/** The length field says how much the checksum covers, 0 for all; there must be one. */
function checksumOk(skb: SkBuff): boolean {
  const { view } = skb.head;
  const uh = skb.data;
  const coverage = view.getUint16(uh + UDP_LEN) || skb.len;
  if (coverage < UDP_HLEN || coverage > skb.len || view.getUint16(uh + UDP_CHECK) === 0) return false;
  const ip = skb.networkHeader;
  const pseudo = csumTcpudpPseudo(view.getInt32(ip + IP_SADDR), view.getInt32(ip + IP_DADDR), IPPROTO_UDPLITE, skb.len);
  return csumPartial(view, uh, coverage, pseudo) === 0xffff;
}

export const udpliteProtocol: InetProtocol = { protocol: IPPROTO_UDPLITE, handler: udpliteRcv };
