/**
 * igmp.ts — group membership and multicast routing messages, taken and not acted upon, so that nobody hears "protocol
 * unreachable": this router joins no group but 224.0.0.1, of which nobody is told (RFC 3376 §6), and routes no multicast
 * (cf. Linux net/ipv4/igmp.c, ipmr.c pim_rcv).
 */
import { consumeSkb, type InetProtocol, IPPROTO_IGMP, type SkBuff } from '@packetwalk/framework';

const IPPROTO_PIM = 103;

function take(skb: SkBuff): number {
  consumeSkb(skb);
  return 0;
}

export const igmpProtocol: InetProtocol = { protocol: IPPROTO_IGMP, handler: take };
export const pimProtocol: InetProtocol = { protocol: IPPROTO_PIM, handler: take };
