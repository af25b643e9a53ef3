/** net.ts — one router's networking state: devices, hooks, protocols, counters (cf. Linux struct net). */

import { DROP_REASON_MAX } from './drop-reason.ts';
import { CommandError } from './errors.ts';
import type { Log } from './log.ts';
import { type CounterGroup, Metrics } from './metrics.ts';
import type { NetDevice } from './netdevice.ts';
import { NfHooks } from './netfilter.ts';
import { createNotifier, type Notifier } from './notifier.ts';
import type { Conntrack } from './services/conntrack.ts';
import type { Xfrm } from './services/xfrm.ts';
import type { SkBuff, SkbPool } from './skbuff.ts';
import { ICMP_MIB, IP_MIB, IPEXT_MIB, TCP_MIB, UDP_MIB } from './snmp.ts';
import type { Softirq } from './softirq.ts';
import { SysctlTree } from './sysctl.ts';
import type { Tracer } from './trace.ts';
import { ETH_P_ALL } from './wire/ethernet.ts';

/** Receives frames of one EtherType; `skb.data` is behind the link-layer header (packet_type). */
export type PacketTypeHandler = (skb: SkBuff, dev: NetDevice) => number;

export interface PacketType {
  /** EtherType, or ETH_P_ALL. */
  readonly type: number;
  readonly func: PacketTypeHandler;
}

export class Net {
  declare readonly name: string;
  declare readonly softirq: Softirq;
  declare readonly pool: SkbPool;
  declare readonly log: Log;
  readonly nf: NfHooks = new NfHooks();
  readonly notifier: Notifier = createNotifier();
  readonly sysctl: SysctlTree = new SysctlTree();
  readonly metrics: Metrics = new Metrics();
  declare readonly tracer: Tracer;
  /** Drops by reason. */
  readonly drops: Float64Array = new Float64Array(DROP_REASON_MAX);
  declare readonly ipMib: Float64Array;
  declare readonly ipExtMib: Float64Array;
  declare readonly icmpMib: Float64Array;
  declare readonly udpMib: Float64Array;
  declare readonly tcpMib: Float64Array;
  /** Ifindex 0 is unused. */
  readonly devByIndex: (NetDevice | null)[] = [null];
  private readonly devByName = new Map<string, NetDevice>();
  /** One handler an EtherType; the common one is held apart so that the path compares instead of hashing. */
  readonly ptypes: Map<number, PacketTypeHandler> = new Map();
  ipPacketType: PacketTypeHandler | null = null;
  /**
   * What the IPv4 plugin keeps for this router, null without it. The path gets there from a packet by two loads; the
   * type belongs to the plugin, and others use its services.
   */
  ipv4: object | null = null;
  /** What tracks connections here, null without such a plugin. */
  conntrack: Conntrack | null = null;
  /** IPsec policies and transforms, null without such a plugin. */
  xfrm: Xfrm | null = null;
  /** How many want receive time stamps (net_enable_timestamp). */
  timestampUsers = 0;

  constructor(name: string, softirq: Softirq, log: Log, tracer: Tracer) {
    this.name = name;
    this.softirq = softirq;
    this.pool = softirq.pool;
    this.log = log;
    this.tracer = tracer;
    const values = (group: CounterGroup): Float64Array => group.values;
    this.ipMib = values(this.metrics.group('Ip', IP_MIB));
    this.ipExtMib = values(this.metrics.group('IpExt', IPEXT_MIB));
    this.icmpMib = values(this.metrics.group('Icmp', ICMP_MIB));
    this.udpMib = values(this.metrics.group('Udp', UDP_MIB));
    this.tcpMib = values(this.metrics.group('Tcp', TCP_MIB));
  }

  /** Registers a packet type; returns its undo. A second one for the same EtherType is a mistake. */
  addPacketType(ptype: PacketType): () => void {
    if (this.ptypes.has(ptype.type)) throw new Error(`packet type 0x${ptype.type.toString(16)} is registered twice`);
    if (ptype.type === ETH_P_ALL) throw new Error('to hear every frame, add a device tap');
    this.ptypes.set(ptype.type, ptype.func);
    if (ptype.type === 0x0800) this.ipPacketType = ptype.func;
    return () => {
      this.ptypes.delete(ptype.type);
      if (ptype.type === 0x0800) this.ipPacketType = null;
    };
  }

  device(name: string): NetDevice | undefined {
    return this.devByName.get(name);
  }

  /** The device of that name; throws what iproute2 says when there is none. */
  needDevice(name: string): NetDevice {
    const dev = this.devByName.get(name);
    if (dev === undefined) throw new CommandError(`Cannot find device "${name}"`);
    return dev;
  }

  /** All devices by rising ifindex. */
  devices(): NetDevice[] {
    return this.devByIndex.filter((d): d is NetDevice => d !== null);
  }

  /** @internal for dev.ts */
  link(dev: NetDevice): void {
    this.devByIndex[dev.ifindex] = dev;
    this.devByName.set(dev.name, dev);
  }

  /** @internal for dev.ts */
  unlink(dev: NetDevice): void {
    this.devByIndex[dev.ifindex] = null;
    this.devByName.delete(dev.name);
  }

  /** @internal for dev.ts */
  relink(dev: NetDevice, name: string): void {
    this.devByName.delete(dev.name);
    dev.name = name;
    this.devByName.set(name, dev);
  }

  /** @internal the next ifindex: they rise and are not used again */
  nextIfindex(): number {
    return this.devByIndex.length;
  }
}
