/** pcap-device.ts — a network device whose wire is a pair of captures: one is received, what is sent goes to the other. */
import { consumeSkb, NETDEV_TX_OK, type NetDevice, type NetDeviceOps, type SkBuff } from '@packetwalk/framework';
import type { Receiver } from './receiver.ts';
import type { Sender } from './sender.ts';

export class PcapDevice implements NetDeviceOps {
  private readonly receiver: Receiver | null;
  private readonly sender: Sender | null;

  /** Without a receiver nothing arrives; without a sender what is sent is lost on the wire. */
  constructor(receiver: Receiver | null, sender: Sender | null) {
    this.receiver = receiver;
    this.sender = sender;
  }

  open(dev: NetDevice): void {
    this.receiver?.open();
    try {
      this.sender?.open(dev);
    } catch (error) {
      this.receiver?.close();
      throw error;
    }
  }

  arm(schedule: () => void): void {
    this.receiver?.arm(schedule);
  }

  poll(budget: number, dev: NetDevice): number {
    return this.receiver === null ? 0 : this.receiver.poll(budget, dev);
  }

  exhausted(): boolean {
    return this.receiver === null || this.receiver.over;
  }

  startXmit(skb: SkBuff, dev: NetDevice): number {
    if (this.sender !== null) return this.sender.xmit(skb, dev);
    consumeSkb(skb);
    return NETDEV_TX_OK;
  }

  flush(): void {
    this.sender?.flush();
  }

  stop(): void {
    this.receiver?.close();
    this.sender?.close();
  }

  uninit(): void {
    this.receiver?.dispose();
  }
}
