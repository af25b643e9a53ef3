/** netdevice.ts — network devices and what a driver supplies (cf. Linux include/linux/netdevice.h). */

import type { Net } from './net.ts';
import type { InDevice } from './services/inetdevice.ts';
import type { SkBuff } from './skbuff.ts';
import { ARPHRD_ETHER, ARPHRD_IPGRE, ARPHRD_TUNNEL } from './wire/arp.ts';
import { ETH_ALEN, ETH_DATA_LEN, ETH_HLEN, ETH_MAX_MTU, ETH_MIN_MTU } from './wire/ethernet.ts';

/** Device flags (netdevice(7)). */
export const IFF_UP = 0x1;
export const IFF_BROADCAST = 0x2;
export const IFF_LOOPBACK = 0x8;
export const IFF_POINTOPOINT = 0x10;
export const IFF_RUNNING = 0x40;
export const IFF_NOARP = 0x80;
export const IFF_PROMISC = 0x100;
export const IFF_ALLMULTI = 0x200;
export const IFF_MASTER = 0x400;
export const IFF_SLAVE = 0x800;
export const IFF_MULTICAST = 0x1000;
/** Carrier is there (what `ip` prints as LOWER_UP). */
export const IFF_LOWER_UP = 0x10000;

/** Frames that a device's queue holds, unless told (DEFAULT_TX_QUEUE_LEN). */
export const DEFAULT_TX_QUEUE_LEN = 1000;

/** Features a driver may have. */
export const NETIF_F_HW_CSUM = 0x1;
export const NETIF_F_TSO = 0x2;
export const NETIF_F_USO = 0x4;
/** Delivers received frames with a verified or partial checksum marked in `ipSummed`. */
export const NETIF_F_RXCSUM = 0x8;

/** Indexes into {@link NetDevice.stats} (rtnl_link_stats64). */
export const RX_PACKETS = 0;
export const TX_PACKETS = 1;
export const RX_BYTES = 2;
export const TX_BYTES = 3;
export const RX_ERRORS = 4;
export const TX_ERRORS = 5;
export const RX_DROPPED = 6;
export const TX_DROPPED = 7;
export const MULTICAST = 8;
export const RX_NOHANDLER = 9;
export const COLLISIONS = 10;
export const RX_CRC_ERRORS = 11;
export const RX_FIFO_ERRORS = 12;
export const RX_FRAME_ERRORS = 13;
export const TX_CARRIER_ERRORS = 14;
export const TX_FIFO_ERRORS = 15;
const STATS = 16;

/** What startXmit returns: the driver has the packet. */
export const NETDEV_TX_OK = 0;

/** Verdicts of a receive handler (rx_handler_result_t). */
export const RX_HANDLER_CONSUMED = 0;
/** Look again: `skb.dev` has changed. */
export const RX_HANDLER_ANOTHER = 1;
export const RX_HANDLER_PASS = 3;

/** Takes each frame before the protocols do: a bridge, a bond (rx_handler_func_t). */
export type RxHandler = (skb: SkBuff) => number;

/**
 * What a driver supplies, one object a device (net_device_ops). Only `startXmit` is needed; a driver that receives
 * has `poll` and `arm` too.
 */
export interface NetDeviceOps {
  /** The device goes up. May open files and sockets; throws what went wrong in one line. */
  open?(dev: NetDevice): void;
  /** The device goes down: everything that `open` took is given back. */
  stop?(dev: NetDevice): void;
  /**
   * Sends the frame from `skb.data`, MAC header included. The packet is the driver's from here on: it frees it with
   * `consumeSkb` when it was sent and `kfreeSkb` with a reason when not.
   */
  startXmit(skb: SkBuff, dev: NetDevice): number;
  /** All frames of a burst were given to startXmit: send what was collected. */
  flush?(dev: NetDevice): void;
  /** Receives at most `budget` frames through `netifReceiveSkb`; returns how many. Fewer than `budget`: none are left. */
  poll?(budget: number, dev: NetDevice): number;
  /** Wake: call `schedule` once whenever there may be frames to poll. Called after `open`. */
  arm?(schedule: () => void, dev: NetDevice): void;
  /**
   * True when the device will never receive again: its capture has been read to the end. A run is over when that is
   * so of every device that polls; one that polls and has no such end leaves this out, and the run goes on.
   */
  exhausted?(dev: NetDevice): boolean;
  /** How much of what it will ever receive it has received, 0 … 1; null when nobody knows. For people who wait. */
  progress?(dev: NetDevice): number | null;
  /** The MTU is about to change; throws when the device cannot. */
  changeMtu?(mtu: number, dev: NetDevice): void;
  setMacAddress?(address: Uint8Array, dev: NetDevice): void;
  /** Promiscuity or multicast lists changed. */
  setRxMode?(dev: NetDevice): void;
  /** The device leaves the router for good. */
  uninit?(dev: NetDevice): void;
}

/** Builds link-layer headers (header_ops). */
export interface HeaderOps {
  /** Puts a header in front: `daddr` and `saddr` are 6 bytes; null means the device's own for saddr. */
  create(skb: SkBuff, dev: NetDevice, type: number, daddr: Uint8Array, saddr: Uint8Array | null): void;
}

/** What a driver's `create` says about the device it makes; the framework adds the rest. */
export interface NetDeviceInit {
  readonly name: string;
  /** Driver or link kind, as `ip -d link` shows it. */
  readonly kind: string;
  readonly address?: Uint8Array;
  readonly mtu?: number;
  readonly minMtu?: number;
  /** 0: any. */
  readonly maxMtu?: number;
  readonly flags?: number;
  /** ARPHRD_*; Ethernet unless told. */
  readonly type?: number;
  readonly hardHeaderLen?: number;
  readonly features?: number;
  /** False for a device that starts without link. */
  readonly carrier?: boolean;
  /** Ifindex of the device it stands on (`eth0.10@eth0`). */
  readonly link?: NetDevice;
  readonly txqueuelen?: number;
}

export class NetDevice {
  declare readonly net: Net;
  declare name: string;
  declare readonly kind: string;
  declare readonly ifindex: number;
  declare readonly ops: NetDeviceOps;
  declare readonly type: number;
  declare readonly hardHeaderLen: number;
  declare readonly minMtu: number;
  declare readonly maxMtu: number;
  declare mtu: number;
  /** IFF_*; RUNNING and LOWER_UP follow `carrier`. */
  declare flags: number;
  declare features: number;
  /** The MAC address, as bytes and as the path compares it. Change it with `devSetMacAddress`. */
  declare readonly address: Uint8Array;
  /** Bytes of its link-layer addresses: 6, of IPv4 tunnels 4. */
  declare readonly addrLen: number;
  declare macHi: number;
  declare macLo: number;
  declare readonly broadcast: Uint8Array;
  declare carrier: boolean;
  /** How many want every frame. */
  declare promiscuity: number;
  declare allmulti: number;
  declare txqueuelen: number;
  /** Queueing discipline, as listings name it: a device keeps the one that it got when it first came up. */
  declare qdisc: 'noop' | 'noqueue';
  /** Interface group (`ip link set DEV group N`). */
  declare group: number;
  /** `ip link set DEV alias TEXT`. */
  declare alias: string;
  declare rxHandler: RxHandler | null;
  /** What the receive handler keeps for this device: a bridge port, say. */
  declare rxHandlerData: object | null;
  /** Upper device this one is enslaved to. */
  declare master: NetDevice | null;
  /** The device it stands on, or null. */
  declare link: NetDevice | null;
  /** IPv4's part: addresses and per-device sysctls; null when IPv4 does not use the device. */
  declare inDev: InDevice | null;
  declare readonly stats: Float64Array;
  /** VLAN devices on top, by VLAN id; null when there are none. */
  declare vlans: Map<number, NetDevice> | null;
  /** Who hears frames as they pass (captures); empty in ordinary running. */
  declare readonly taps: DeviceTap[];
  /** The device has been made but not removed. */
  declare registered: boolean;
  /** It is in the poll list. */
  declare napiScheduled: boolean;
  declare headerOps: HeaderOps | null;
  /** Where the config defines it (`router.yaml:7:3`), or empty. */
  declare origin: string;

  constructor(net: Net, ifindex: number, ops: NetDeviceOps, init: NetDeviceInit) {
    this.net = net;
    this.name = init.name;
    this.kind = init.kind;
    this.ifindex = ifindex;
    this.ops = ops;
    this.type = init.type ?? ARPHRD_ETHER;
    this.hardHeaderLen = init.hardHeaderLen ?? ETH_HLEN;
    this.minMtu = init.minMtu ?? ETH_MIN_MTU;
    this.maxMtu = init.maxMtu ?? ETH_MAX_MTU;
    this.mtu = init.mtu ?? ETH_DATA_LEN;
    this.flags = init.flags ?? IFF_BROADCAST | IFF_MULTICAST;
    this.features = init.features ?? 0;
    this.address = new Uint8Array(ETH_ALEN);
    this.addrLen = this.type === ARPHRD_TUNNEL || this.type === ARPHRD_IPGRE ? 4 : ETH_ALEN;
    this.macHi = 0;
    this.macLo = 0;
    this.broadcast = new Uint8Array(ETH_ALEN).fill(this.type === ARPHRD_ETHER ? 255 : 0);
    this.carrier = init.carrier ?? true;
    this.promiscuity = 0;
    this.allmulti = 0;
    this.txqueuelen = init.txqueuelen ?? DEFAULT_TX_QUEUE_LEN;
    this.qdisc = 'noop';
    this.group = 0;
    this.alias = '';
    this.rxHandler = null;
    this.rxHandlerData = null;
    this.master = null;
    this.link = init.link ?? null;
    this.inDev = null;
    this.stats = new Float64Array(STATS);
    this.vlans = null;
    this.taps = [];
    this.registered = false;
    this.napiScheduled = false;
    this.headerOps = null;
    this.origin = '';
    if (init.address !== undefined) setAddress(this, init.address);
  }
}

/** Hears the frames of a device; `outgoing` tells the direction. It must not change the packet, but for its trace id, or keep it. */
export type DeviceTap = (skb: SkBuff, outgoing: boolean) => void;

/** Writes the address in all its forms; `devSetMacAddress` is the way to change a registered device. */
export function setAddress(dev: NetDevice, address: Uint8Array): void {
  dev.address.set(address);
  dev.macHi = (address[0] << 8) | address[1];
  dev.macLo = (address[2] << 24) | (address[3] << 16) | (address[4] << 8) | address[5];
}

export function isUp(dev: NetDevice): boolean {
  return (dev.flags & IFF_UP) !== 0;
}
