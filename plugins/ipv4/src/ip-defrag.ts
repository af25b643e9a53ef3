import { kfreeSkb, SKB_DROP_REASON_FRAG_INVALID, type SkBuff } from '@packetwalk/framework';
import type { Ipv4 } from './ipv4.ts';
export const IP_DEFRAG_LOCAL_DELIVER = 0;
export class FragQueues {
  readonly ipv4: Ipv4;
  constructor(ipv4: Ipv4) {
    this.ipv4 = ipv4;
  }
}
export function ipDefrag(skb: SkBuff, _user: number): number {
  kfreeSkb(skb, SKB_DROP_REASON_FRAG_INVALID);
  return -1;
}
