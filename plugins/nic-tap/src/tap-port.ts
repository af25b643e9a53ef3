/** tap-port.ts — frames through an open TAP or TUN, and the link of both ends. */
import {
  allocSkb,
  consumeSkb,
  devDropTx,
  devSetCarrier,
  kfreeSkb,
  type Log,
  NET_SKB_PAD,
  NETDEV_TX_OK,
  type NetDevice,
  netifReceiveSkb,
  RX_ERRORS,
  SKB_DROP_REASON_DEV_HDR,
  SKB_DROP_REASON_DEV_READY,
  SKB_DROP_REASON_FULL_RING,
  SKB_DROP_REASON_LINK_LOSS,
  SKB_LARGE,
  SKB_SMALL,
  type SkBuff,
  Timer,
  TX_ERRORS,
} from '@packetwalk/framework';
import { type FdWatch, type Libc, POLLERR, POLLIN, POLLOUT, watchFd } from '@packetwalk/framework/runtime';
import type { TunFile } from './tun-file.ts';

/** Two VLAN tags may come on top of header and MTU. */
const VLAN_TAGS = 8;
const ROOM_SMALL: number = SKB_SMALL - NET_SKB_PAD;
const ROOM_LARGE: number = SKB_LARGE - NET_SKB_PAD;

export class TapPort {
  /** The host's interface is gone: this port will not work again. */
  lost = false;
  readonly tun: TunFile;
  private readonly libc: Libc;
  private readonly dev: NetDevice;
  private readonly log: Log;
  private readonly watch: FdWatch;
  /** Looks after the link outside of any packet's walk (cf. Linux net/core/link_watch.c). */
  private readonly linkWatch: Timer;
  private schedule: () => void = () => {};
  /** Bytes that a frame may have; one that fills them was cut off. */
  private room = ROOM_SMALL;

  constructor(tun: TunFile, dev: NetDevice, log: Log) {
    this.tun = tun;
    this.libc = tun.libc;
    this.dev = dev;
    this.log = log;
    this.linkWatch = new Timer(dev.name, () => this.checkLink());
    this.watch = watchFd(tun.libc, tun.fd, (events) => this.ready(events));
    this.fit(dev.mtu);
  }

  /** Makes room for frames of this MTU. */
  fit(mtu: number): void {
    this.room = mtu + this.dev.hardHeaderLen + VLAN_TAGS < ROOM_SMALL ? ROOM_SMALL : ROOM_LARGE;
  }

  /** The device goes up: the host sees link. */
  plug(): void {
    this.tun.setCarrier(true);
    devSetCarrier(this.dev, this.tun.isHostUp() === true);
  }

  /** Calls `schedule` when there are frames, from now on. */
  arm(schedule: () => void): void {
    this.schedule = schedule;
    this.watchAgain();
  }

  /** The device goes down: the host's interface loses its link, and nothing else. */
  unplug(): void {
    this.dev.net.softirq.delTimer(this.linkWatch);
    this.watch.arm(0);
    if (!this.lost) this.tun.setCarrier(false);
  }

  /** Forgets what the host sent before it saw that the link was gone. */
  discard(): void {
    const { libc, tun } = this;
    while (libc.read(tun.fd, libc.scratchAddress, libc.scratch.length) > 0);
  }

  close(): void {
    this.dev.net.softirq.delTimer(this.linkWatch);
    this.watch.close();
    this.tun.close();
  }

  /** Reads straight into the pool's packets: no copy, no allocation. */
  receive(budget: number): number {
    const { libc, dev, room } = this;
    const { fd } = this.tun;
    for (let done = 0; done < budget; done++) {
      const skb = allocSkb(dev.net, dev, room);
      const len = libc.read(fd, libc.skbAddress(skb.head) + skb.data, room);
      if (len <= 0) {
        consumeSkb(skb);
        this.watchAgain();
        return done;
      }
      skb.len = len;
      if (len < room) {
        netifReceiveSkb(skb);
      } else {
        dev.stats[RX_ERRORS]++;
        kfreeSkb(skb, SKB_DROP_REASON_LINK_LOSS);
      }
    }
    return budget;
  }

  send(skb: SkBuff): number {
    const { libc } = this;
    if (libc.write(this.tun.fd, libc.skbAddress(skb.head) + skb.data, skb.len) >= 0) {
      consumeSkb(skb);
      return NETDEV_TX_OK;
    }
    const errno = libc.errno();
    const { errors } = libc;
    if (errno === errors.EIO || errno === errors.EBADFD) {
      // The host's end has gone down, or away.
      this.dev.net.softirq.modTimer(this.linkWatch, 0);
      return devDropTx(skb, SKB_DROP_REASON_DEV_READY);
    }
    this.dev.stats[TX_ERRORS]++;
    return devDropTx(skb, errno === errors.EINVAL ? SKB_DROP_REASON_DEV_HDR : SKB_DROP_REASON_FULL_RING);
  }

  private ready(events: number): void {
    if ((events & POLLIN) !== 0) this.schedule();
    if ((events & (POLLOUT | POLLERR)) === 0) return;
    this.watch.arm(events & POLLERR ? 0 : POLLIN);
    this.dev.net.softirq.modTimer(this.linkWatch, 0);
  }

  /** Writable means that the host's end has come up: of interest while it is down. */
  private watchAgain(): void {
    if (!this.lost) this.watch.arm(this.dev.carrier ? POLLIN : POLLIN | POLLOUT);
  }

  private checkLink(): void {
    const up = this.tun.isHostUp();
    if (up === null && !this.lost) {
      this.lost = true;
      this.watch.arm(0);
      this.log.warn(`the host has removed its end; it is made anew when ${this.dev.name} goes down and up`);
    }
    devSetCarrier(this.dev, up === true);
    this.watchAgain();
  }
}
