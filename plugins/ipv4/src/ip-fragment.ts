import { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, IPSTATS_MIB_FRAGFAILS, kfreeSkb, SKB_DROP_REASON_PKT_TOO_BIG, type SkBuff } from '@packetwalk/framework';
import { icmpSend } from './icmp-send.ts';
export function ipFragment(skb: SkBuff, mtu: number, _output: (skb: SkBuff) => number): number {
  skb.net.ipMib[IPSTATS_MIB_FRAGFAILS]++;
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
  kfreeSkb(skb, SKB_DROP_REASON_PKT_TOO_BIG);
  return -1;
}
