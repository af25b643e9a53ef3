/**
 * proxy-queue.ts — requests that wait a random time before they are answered for another (proxy_delay; cf. Linux
 * net/core/neighbour.c pneigh_enqueue, neigh_proxy_process).
 */
import {
  isUp,
  kfreeSkb,
  type NetDevice,
  type Random,
  SKB_DROP_REASON_NEIGH_QUEUEFULL,
  SKB_DROP_REASON_QUEUE_PURGE,
  type SkBuff,
  type Softirq,
  skbOwn,
  Timer,
} from '@packetwalk/framework';
import type { NeighParms } from './neighbour-parms.ts';

interface Waiting {
  readonly skb: SkBuff;
  readonly parms: NeighParms;
  readonly due: number;
}

export class ProxyQueue {
  private queue: Waiting[] = [];
  private readonly softirq: Softirq;
  private readonly random: Random;
  private readonly redo: (skb: SkBuff) => void;
  private readonly timer: Timer;

  /** @param redo handles the packet when its time has come */
  constructor(softirq: Softirq, random: Random, redo: (skb: SkBuff) => void) {
    this.softirq = softirq;
    this.random = random;
    this.redo = redo;
    this.timer = new Timer('arp', () => this.process());
  }

  /** Takes a packet; frees it when proxy_qlen wait already on its device. */
  enqueue(skb: SkBuff, parms: NeighParms): void {
    if (parms.proxyQueued > parms.vars.proxyQlen) {
      kfreeSkb(skb, SKB_DROP_REASON_NEIGH_QUEUEFULL);
      return;
    }
    const due = this.softirq.jiffies + this.random.below(parms.vars.proxyDelay);
    skbOwn(skb);
    skb.dst = null;
    parms.proxyQueued++;
    this.queue.push({ skb, parms, due });
    this.softirq.timers.mod(this.timer, this.timer.pending ? Math.min(due, this.timer.expires) : due);
  }

  /** Frees what waits on a device. */
  purge(dev: NetDevice): void {
    for (const { skb } of this.takeOut((waiting) => waiting.skb.dev === dev)) kfreeSkb(skb, SKB_DROP_REASON_QUEUE_PURGE);
  }

  dispose(): void {
    this.softirq.delTimer(this.timer);
    for (const { skb } of this.takeOut(() => true)) kfreeSkb(skb, SKB_DROP_REASON_QUEUE_PURGE);
  }

  private process(): void {
    const now = this.softirq.jiffies;
    for (const { skb } of this.takeOut(({ due }) => due <= now)) {
      if (isUp(skb.dev)) this.redo(skb);
      else kfreeSkb(skb, SKB_DROP_REASON_QUEUE_PURGE);
    }
    if (this.queue.length > 0) this.softirq.timers.mod(this.timer, Math.min(...this.queue.map(({ due }) => due)));
  }

  private takeOut(which: (waiting: Waiting) => boolean): Waiting[] {
    const out = this.queue.filter(which);
    this.queue = this.queue.filter((waiting) => !which(waiting));
    for (const { parms } of out) parms.proxyQueued--;
    return out;
  }
}
