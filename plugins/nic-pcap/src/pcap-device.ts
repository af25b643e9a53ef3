/** pcap-device.ts — network devices whose wire is a capture: what is sent is written, what was captured is received. */
import { consumeSkb, NETDEV_TX_OK, type NetDevice, type NetDeviceOps, type SkBuff } from '@packetwalk/framework';
import type { Receiver } from './receiver.ts';
import type { Sender } from './sender.ts';

/** A device that receives nothing. Without a sender, what is sent is lost on the wire. */
export class PcapDevice implements NetDeviceOps {
  private readonly sender: Sender | null;

  constructor(sender: Sender | null) {
    this.sender = sender;
  }

  open(dev: NetDevice): void {
    this.sender?.open(dev);
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
    this.sender?.close();
  }
}

/** One that receives a capture too. */
export class ReplayDevice extends PcapDevice {
  private readonly receiver: Receiver;

  constructor(receiver: Receiver, sender: Sender | null) {
    super(sender);
    this.receiver = receiver;
  }

  override open(dev: NetDevice): void {
    this.receiver.open();
    try {
      super.open(dev);
    } catch (error) {
      this.receiver.close();
      throw error;
    }
  }

  arm(schedule: () => void): void {
    this.receiver.arm(schedule);
  }

  poll(budget: number, dev: NetDevice): number {
    return this.receiver.poll(budget, dev);
  }

  exhausted(): boolean {
    return this.receiver.over;
  }

  progress(): number | null {
    return this.receiver.progress();
  }

  override stop(): void {
    this.receiver.close();
    super.stop();
  }

  uninit(): void {
    this.receiver.dispose();
  }
}
