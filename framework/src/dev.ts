/**
 * dev.ts — frames in and out, devices up and down (cf. Linux net/core/dev.c, net/ethernet/eth.c).
 */
import {
  SKB_DROP_REASON_DEV_HDR,
  SKB_DROP_REASON_DEV_READY,
  SKB_DROP_REASON_OTHERHOST,
  SKB_DROP_REASON_RECURSION_LIMIT,
  SKB_DROP_REASON_UNHANDLED_PROTO,
} from './drop-reason.ts';
import { CommandError } from './errors.ts';
import type { Net } from './net.ts';
import {
  IFF_ALLMULTI,
  IFF_LOWER_UP,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_PROMISC,
  IFF_RUNNING,
  IFF_UP,
  isUp,
  MULTICAST,
  NetDevice,
  type NetDeviceInit,
  type NetDeviceOps,
  RX_BYTES,
  RX_DROPPED,
  RX_HANDLER_ANOTHER,
  RX_HANDLER_CONSUMED,
  RX_NOHANDLER,
  RX_PACKETS,
  type RxHandler,
  setAddress,
  TX_BYTES,
  TX_DROPPED,
  TX_PACKETS,
} from './netdevice.ts';
import { nfResetCt } from './nfct.ts';
import {
  CHECKSUM_NONE,
  CHECKSUM_UNNECESSARY,
  kfreeSkb,
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_LOOPBACK,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  type SkBuff,
} from './skbuff.ts';
import { ETH_HLEN, ETH_P_802_2, ETH_P_802_3, ETH_P_802_3_MIN, ETH_P_IP, ETH_P_IPV6, ETH_TYPE } from './wire/ethernet.ts';

/**
 * Reads the Ethernet header at `skb.data`: protocol and packet type are set, data moves behind it (eth_type_trans).
 * False when the frame is too short for one.
 */
export function ethTypeTrans(skb: SkBuff): boolean {
  if (skb.len < ETH_HLEN) return false;
  const { view } = skb.head;
  const mac = skb.data;
  const { dev } = skb;
  skb.macHeader = mac;
  const hi = view.getUint16(mac);
  const lo = view.getInt32(mac + 2);
  if (hi === dev.macHi && lo === dev.macLo) skb.pktType = PACKET_HOST;
  else if ((hi & 0x100) !== 0) skb.pktType = hi === 0xffff && lo === -1 ? PACKET_BROADCAST : PACKET_MULTICAST;
  else skb.pktType = PACKET_OTHERHOST;
  const type = view.getUint16(mac + ETH_TYPE);
  skb.data = mac + ETH_HLEN;
  skb.len -= ETH_HLEN;
  skb.networkHeader = skb.data;
  if (type >= ETH_P_802_3_MIN) skb.protocol = type;
  else skb.protocol = skb.len >= 2 && view.getUint16(skb.data) === 0xffff ? ETH_P_802_3 : ETH_P_802_2;
  return true;
}

/**
 * Tells the protocol of a packet that came without a link-layer header by its version field, as TUN devices and IP tunnels
 * do (ip_tunnel_parse_protocol). False when it is neither IPv4 nor IPv6.
 */
export function ipTypeTrans(skb: SkBuff): boolean {
  const version = skb.len === 0 ? 0 : skb.head.view.getUint8(skb.data) >> 4;
  skb.macHeader = skb.data;
  skb.networkHeader = skb.data;
  skb.protocol = version === 4 ? ETH_P_IP : ETH_P_IPV6;
  return version === 4 || version === 6;
}

/**
 * A frame has arrived at `skb.dev`, data at its link-layer header: receive handlers first, then the protocol
 * (netif_receive_skb). The packet is gone afterwards.
 */
export function netifReceiveSkb(skb: SkBuff): number {
  const { dev, net } = skb;
  net.softirq.inflight = skb;
  if ((dev.flags & IFF_UP) === 0) {
    kfreeSkb(skb, SKB_DROP_REASON_DEV_READY);
    return -1;
  }
  const { stats } = dev;
  stats[RX_PACKETS]++;
  stats[RX_BYTES] += skb.len;
  if (net.timestampUsers !== 0 && skb.tstamp === 0) skb.tstamp = net.softirq.clock.wallClock();
  skb.iif = dev.ifindex;
  if (net.tracer.filter !== null && skb.trace === 0 && net.tracer.filter(skb)) skb.trace = net.tracer.id();
  if (dev.taps.length !== 0) runTaps(dev, skb, false);
  if (dev.hardHeaderLen === 0 ? !ipTypeTrans(skb) : !ethTypeTrans(skb)) {
    kfreeSkb(skb, SKB_DROP_REASON_DEV_HDR);
    return -1;
  }
  if (skb.pktType === PACKET_MULTICAST) stats[MULTICAST]++;
  return netifReceiveSkbCore(skb);
}

/**
 * Brings a packet that was sent, data at its network header, back in by the backlog for this router's own listeners. It
 * keeps its route; nobody counts it at the device (dev_loopback_xmit).
 */
export function devLoopbackXmit(skb: SkBuff): void {
  skb.pktType = PACKET_LOOPBACK;
  if (skb.ipSummed === CHECKSUM_NONE) skb.ipSummed = CHECKSUM_UNNECESSARY;
  skb.net.softirq.netifRx(skb);
}

/** @internal a packet of {@link devLoopbackXmit} arrives */
export function netifReceiveLoopback(skb: SkBuff): number {
  const { dev, net } = skb;
  net.softirq.inflight = skb;
  if ((dev.flags & IFF_UP) === 0) {
    kfreeSkb(skb, SKB_DROP_REASON_DEV_READY);
    return -1;
  }
  skb.iif = dev.ifindex;
  return netifReceiveSkbCore(skb);
}

/** The part behind the Ethernet header: also the way in for frames that an upper device (a bridge) delivers again. */
export function netifReceiveSkbCore(skb: SkBuff): number {
  const { net } = skb;
  if (skb.trace !== 0) net.tracer.stage(skb, 'netifReceiveSkb');
  for (;;) {
    const handler = skb.dev.rxHandler;
    if (handler === null) break;
    const verdict = handler(skb);
    if (verdict === RX_HANDLER_CONSUMED) return 0;
    if (verdict !== RX_HANDLER_ANOTHER) break;
  }
  skb.networkHeader = skb.data;
  const { protocol, dev } = skb;
  const func = protocol === ETH_P_IP ? net.ipPacketType : net.ptypes.get(protocol);
  if (func != null) return func(skb, dev);
  dev.stats[RX_NOHANDLER]++;
  kfreeSkb(skb, skb.pktType === PACKET_OTHERHOST ? SKB_DROP_REASON_OTHERHOST : SKB_DROP_REASON_UNHANDLED_PROTO);
  return -1;
}

function runTaps(dev: NetDevice, skb: SkBuff, outgoing: boolean): void {
  for (const tap of dev.taps) tap(skb, outgoing);
}

// A stack of virtual devices may end in a loop (a bridge port on its own VLAN): the kernel stops at 8 (XMIT_RECURSION_LIMIT).
const XMIT_RECURSION_LIMIT = 8;
let xmitDepth = 0;

/** Sends a frame, data at its link-layer header, by `skb.dev` (dev_queue_xmit). The packet is gone afterwards. */
export function devQueueXmit(skb: SkBuff): number {
  const { dev } = skb;
  if (skb.trace !== 0) skb.net.tracer.stage(skb, 'devQueueXmit', `dev ${dev.name}, ${skb.len} bytes`);
  if ((dev.flags & IFF_UP) === 0) {
    kfreeSkb(skb, SKB_DROP_REASON_DEV_READY);
    return -1;
  }
  if (!dev.carrier) {
    // Without carrier the queueing discipline is noop_qdisc, which counts and frees.
    dev.stats[TX_DROPPED]++;
    kfreeSkb(skb, SKB_DROP_REASON_DEV_READY);
    return -1;
  }
  if (xmitDepth >= XMIT_RECURSION_LIMIT) {
    kfreeSkb(skb, SKB_DROP_REASON_RECURSION_LIMIT);
    return -1;
  }
  const { stats } = dev;
  stats[TX_PACKETS]++;
  stats[TX_BYTES] += skb.len;
  if (dev.taps.length !== 0) runTaps(dev, skb, true);
  xmitDepth++;
  try {
    return dev.ops.startXmit(skb, dev);
  } finally {
    xmitDepth--;
  }
}

/** Makes and registers a device (alloc_netdev, register_netdevice). */
export function registerNetdev(net: Net, ops: NetDeviceOps, init: NetDeviceInit): NetDevice {
  checkDevName(init.name);
  if (net.device(init.name) !== undefined) throw new CommandError('RTNETLINK answers: File exists', 2);
  const dev = new NetDevice(net, net.nextIfindex(), ops, init);
  dev.registered = true;
  net.link(dev);
  net.notifier.emit('netdev:register', dev);
  return dev;
}

/** Longest device name and the characters it may have (dev_valid_name). */
export const IFNAMSIZ = 16;

export function isDevName(name: string): boolean {
  return name.length > 0 && name.length < IFNAMSIZ && name !== '.' && name !== '..' && !/[\s/:]/.test(name);
}

export function checkDevName(name: string): void {
  if (!isDevName(name)) {
    throw new CommandError(`"${name}" is not a valid ifname`, 255);
  }
}

/** Takes a device down and out of its router (unregister_netdevice). */
export function unregisterNetdev(dev: NetDevice): void {
  devClose(dev);
  dev.registered = false;
  const { net } = dev;
  net.notifier.emit('netdev:unregister', dev);
  net.softirq.purge(dev);
  net.unlink(dev);
  dev.ops.uninit?.(dev);
}

/** Brings a device up (dev_open). Throws what the driver throws, with nothing changed. */
export function devOpen(dev: NetDevice): void {
  if (isUp(dev)) return;
  dev.ops.open?.(dev);
  dev.flags |= IFF_UP;
  dev.qdisc = 'noqueue';
  syncOperstate(dev);
  dev.ops.arm?.(() => dev.net.softirq.napiSchedule(dev), dev);
  dev.net.notifier.emit('netdev:up', dev);
}

/** Takes a device down (dev_close). */
export function devClose(dev: NetDevice): void {
  if (!isUp(dev)) return;
  const { notifier, softirq } = dev.net;
  notifier.emit('netdev:goingDown', dev);
  dev.flags &= ~(IFF_UP | IFF_RUNNING | IFF_LOWER_UP);
  softirq.purge(dev);
  dev.ops.stop?.(dev);
  notifier.emit('netdev:down', dev);
}

function syncOperstate(dev: NetDevice): void {
  if (isUp(dev) && dev.carrier) dev.flags |= IFF_RUNNING | IFF_LOWER_UP;
  else dev.flags &= ~(IFF_RUNNING | IFF_LOWER_UP);
}

/** The link came or went (netif_carrier_on/off). */
export function devSetCarrier(dev: NetDevice, carrier: boolean): void {
  if (dev.carrier === carrier) return;
  dev.carrier = carrier;
  syncOperstate(dev);
  if (isUp(dev)) dev.net.notifier.emit('netdev:change', dev);
}

/** Changes the MTU (dev_set_mtu); `Invalid argument` outside the driver's range. */
export function devSetMtu(dev: NetDevice, mtu: number): void {
  if (mtu === dev.mtu) return;
  if (mtu < dev.minMtu || (dev.maxMtu !== 0 && mtu > dev.maxMtu)) {
    const bound = mtu < dev.minMtu ? 'mtu less than device minimum' : 'mtu greater than device maximum';
    throw new CommandError(`Error: ${bound}.`, 2);
  }
  dev.ops.changeMtu?.(mtu, dev);
  dev.mtu = mtu;
  dev.net.notifier.emit('netdev:changeMtu', dev);
}

/** Changes the MAC address (dev_set_mac_address); group and all-zero addresses are refused. */
export function devSetMacAddress(dev: NetDevice, address: Uint8Array): void {
  if ((address[0] & 1) !== 0 || address.every((b) => b === 0))
    throw new CommandError('RTNETLINK answers: Cannot assign requested address', 2);
  dev.ops.setMacAddress?.(address, dev);
  setAddress(dev, address);
  dev.net.notifier.emit('netdev:changeAddress', dev);
}

export function devChangeName(dev: NetDevice, name: string): void {
  checkDevName(name);
  if (dev.net.device(name) !== undefined) throw new CommandError('RTNETLINK answers: File exists', 2);
  const old = dev.name;
  dev.net.relink(dev, name);
  dev.net.notifier.emit('netdev:changeName', dev, old);
}

/** Wants (1) or no longer wants (-1) every frame; the flag follows the count (dev_set_promiscuity). */
export function devSetPromiscuity(dev: NetDevice, by: number): void {
  dev.promiscuity += by;
  const flags = dev.promiscuity > 0 ? dev.flags | IFF_PROMISC : dev.flags & ~IFF_PROMISC;
  if (flags !== dev.flags) {
    dev.flags = flags;
    dev.ops.setRxMode?.(dev);
    dev.net.notifier.emit('netdev:changeFlags', dev, IFF_PROMISC);
  }
}

export function devSetAllmulti(dev: NetDevice, by: number): void {
  dev.allmulti += by;
  const flags = dev.allmulti > 0 ? dev.flags | IFF_ALLMULTI : dev.flags & ~IFF_ALLMULTI;
  if (flags !== dev.flags) {
    dev.flags = flags;
    dev.ops.setRxMode?.(dev);
    dev.net.notifier.emit('netdev:changeFlags', dev, IFF_ALLMULTI);
  }
}

/** ARP on the device, on or off. */
export function devSetNoarp(dev: NetDevice, noarp: boolean): void {
  const flags = noarp ? dev.flags | IFF_NOARP : dev.flags & ~IFF_NOARP;
  if (flags === dev.flags) return;
  dev.flags = flags;
  dev.net.notifier.emit('netdev:changeFlags', dev, IFF_NOARP);
}

/** Multicast on the device, on or off. */
export function devSetMulticast(dev: NetDevice, on: boolean): void {
  const flags = on ? dev.flags | IFF_MULTICAST : dev.flags & ~IFF_MULTICAST;
  if (flags === dev.flags) return;
  dev.flags = flags;
  dev.net.notifier.emit('netdev:changeFlags', dev, IFF_MULTICAST);
}

/** Puts a receive handler on the device; `Device or resource busy` when there is one (netdev_rx_handler_register). */
export function devSetRxHandler(dev: NetDevice, handler: RxHandler, data: object): void {
  if (dev.rxHandler !== null) throw new CommandError('RTNETLINK answers: Device or resource busy', 2);
  dev.rxHandler = handler;
  dev.rxHandlerData = data;
}

export function devClearRxHandler(dev: NetDevice): void {
  dev.rxHandler = null;
  dev.rxHandlerData = null;
}

/** Frees a frame that a driver cannot send, and counts it at the device. */
export function devDropTx(skb: SkBuff, reason: number): number {
  skb.dev.stats[TX_DROPPED]++;
  kfreeSkb(skb, reason);
  return 0;
}

/** Frees a received frame before the protocols saw it, and counts it at the device. */
export function devDropRx(skb: SkBuff, reason: number): void {
  skb.dev.stats[RX_DROPPED]++;
  kfreeSkb(skb, reason);
}

/**
 * Passes a frame to another device as if it came over a wire: what belongs to the sending router is wiped
 * (skb_scrub_packet), the trace id stays. It arrives through the backlog, so cables never recurse.
 */
export function devForwardSkb(skb: SkBuff, to: NetDevice): void {
  if (!isUp(to)) {
    kfreeSkb(skb, SKB_DROP_REASON_DEV_READY);
    return;
  }
  skb.dst = null;
  skb.neighbour = null;
  skb.mark = 0;
  skb.priority = 0;
  nfResetCt(skb);
  skb.secPath = null;
  skb.nfBridge = null;
  skb.tstamp = 0;
  skb.ext = null;
  skb.cb0 = 0;
  skb.cb1 = 0;
  skb.cb2 = 0;
  skb.cb3 = 0;
  skb.net = to.net;
  skb.dev = to;
  to.net.softirq.netifRx(skb);
}
