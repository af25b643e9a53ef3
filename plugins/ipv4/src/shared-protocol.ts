/** shared-protocol.ts — a protocol that several take packets of: IPv4 in IPv4, say (cf. Linux net/ipv4/tunnel4.c). */
import {
  ICMP_DEST_UNREACH,
  ICMP_PORT_UNREACH,
  INET_NOT_MINE,
  type InetProtocol,
  kfreeSkb,
  SKB_DROP_REASON_IP_NOPROTO,
  type SkBuff,
} from '@packetwalk/framework';
import { icmpSend } from './icmp-send.ts';

export class SharedProtocol implements InetProtocol {
  readonly protocol: number;
  readonly noPolicy = true;
  private readonly takers: InetProtocol[] = [];

  constructor(protocol: number) {
    this.protocol = protocol;
  }

  get empty(): boolean {
    return this.takers.length === 0;
  }

  add(taker: InetProtocol): void {
    const behind = this.takers.findIndex((other) => priority(other) > priority(taker));
    this.takers.splice(behind < 0 ? this.takers.length : behind, 0, taker);
  }

  remove(taker: InetProtocol): void {
    this.takers.splice(this.takers.indexOf(taker), 1);
  }

  handler(skb: SkBuff): number {
    const { takers } = this;
    for (let i = 0; i < takers.length; i++) {
      const result = takers[i].handler(skb);
      if (result !== INET_NOT_MINE) return result;
    }
    icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
    kfreeSkb(skb, SKB_DROP_REASON_IP_NOPROTO);
    return 0;
  }

  errHandler(skb: SkBuff, type: number, code: number, info: number): void {
    for (const taker of this.takers) taker.errHandler?.(skb, type, code, info);
  }
}

const priority = (taker: InetProtocol): number => taker.sharedPriority ?? 0;
