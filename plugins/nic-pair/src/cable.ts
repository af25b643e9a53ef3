/** cable.ts — one end of a cable: what it sends arrives at the other; both have carrier when both are up. */
import {
  devDropTx,
  devForwardSkb,
  devSetCarrier,
  isUp,
  type NetDevice,
  type NetDeviceOps,
  SKB_DROP_REASON_DEV_READY,
  SKB_DROP_REASON_LINK_LOSS,
  type SkBuff,
  skbOwn,
} from '@packetwalk/framework';

/** A VLAN tag more than the MTU and the Ethernet header: the longest frame a device takes (is_skb_forwardable). */
const VLAN_HLEN = 4;

export class CableEnd implements NetDeviceOps {
  private readonly find: (dev: NetDevice) => NetDevice | null;
  private other: NetDevice | null = null;

  /** @param find says which device the other end is, when it is there */
  constructor(find: (dev: NetDevice) => NetDevice | null) {
    this.find = find;
  }

  open(dev: NetDevice): void {
    const peer = this.peer(dev);
    if (peer === null || !isUp(peer)) dev.carrier = false;
    else {
      dev.carrier = true;
      devSetCarrier(peer, true);
    }
  }

  stop(dev: NetDevice): void {
    dev.carrier = false;
    const peer = this.peer(dev);
    if (peer !== null) devSetCarrier(peer, false);
  }

  startXmit(skb: SkBuff, dev: NetDevice): number {
    const peer = this.peer(dev);
    if (peer === null || !isUp(peer)) return devDropTx(skb, SKB_DROP_REASON_DEV_READY);
    if (skb.gsoSize === 0 && skb.len > peer.mtu + peer.hardHeaderLen + VLAN_HLEN) return devDropTx(skb, SKB_DROP_REASON_LINK_LOSS);
    skbOwn(skb);
    devForwardSkb(skb, peer);
    return 0;
  }

  peer(dev: NetDevice): NetDevice | null {
    if (this.other === null || !this.other.registered) this.other = this.find(dev);
    return this.other;
  }
}
