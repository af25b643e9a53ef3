/**
 * tap-device.ts — a device whose cable ends at a TAP or TUN interface of the host.
 *
 *      router ── lan ══ /dev/net/tun ══ tap0 ── host
 *
 * Link goes from end to end: the host's interface has carrier while the device is up, and the device has carrier while the
 * host's interface is up. Taking the device down leaves the interface where it is, with its addresses and its namespace;
 * it is let go when the device leaves the router.
 */
import {
  devDropTx,
  devSetMtu,
  type Log,
  type NetDevice,
  type NetDeviceOps,
  SKB_DROP_REASON_DEV_READY,
  type SkBuff,
} from '@packetwalk/framework';
import { loadLibc } from '@packetwalk/framework/runtime';
import { TapPort } from './tap-port.ts';
import { TunFile, type TunMode } from './tun-file.ts';

export interface TapOptions {
  /** Name of the host's interface. */
  readonly interface: string;
  readonly mode: TunMode;
  /** The host's interface stays when the router has gone. */
  readonly persist: boolean;
  /** User id that may open it without privileges, or null to leave that as it is. */
  readonly owner: number | null;
  /** The device's MTU is to be the host's too; otherwise the host's is the device's. */
  readonly ownMtu: boolean;
}

export class TapDevice implements NetDeviceOps {
  private readonly options: TapOptions;
  private readonly log: Log;
  private port: TapPort | null = null;
  private ownMtu: boolean;

  constructor(options: TapOptions, log: Log) {
    this.options = options;
    this.log = log;
    this.ownMtu = options.ownMtu;
  }

  open(dev: NetDevice): void {
    if (this.port?.lost) this.close();
    if (this.port !== null) this.port.discard();
    else this.port = this.attach(dev);
    this.port.plug();
  }

  arm(schedule: () => void): void {
    this.port?.arm(schedule);
  }

  poll(budget: number): number {
    return this.port?.receive(budget) ?? 0;
  }

  startXmit(skb: SkBuff): number {
    return this.port?.send(skb) ?? devDropTx(skb, SKB_DROP_REASON_DEV_READY);
  }

  /** The host's end gets the same MTU, wherever it has been moved to. */
  changeMtu(mtu: number): void {
    this.port?.tun.setHostMtu(mtu);
    this.port?.fit(mtu);
    this.ownMtu = true;
  }

  stop(): void {
    this.port?.unplug();
  }

  uninit(): void {
    this.close();
  }

  private attach(dev: NetDevice): TapPort {
    const { options, log } = this;
    const tun = new TunFile(loadLibc(import.meta.url), options.interface, options.mode);
    try {
      if (options.persist) tun.setPersist();
      if (options.owner !== null) tun.setOwner(options.owner);
      const hostMtu = tun.hostMtu();
      if (!this.ownMtu) devSetMtu(dev, hostMtu);
      else if (hostMtu !== dev.mtu) tun.setHostMtu(dev.mtu);
      return new TapPort(tun, dev, log);
    } catch (error) {
      tun.close();
      throw error;
    }
  }

  private close(): void {
    this.port?.close();
    this.port = null;
  }
}
