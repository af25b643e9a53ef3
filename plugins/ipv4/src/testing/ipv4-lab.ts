/**
 * ipv4-lab.ts — a router with IPv4 in virtual time, on two ports whose stations need no ARP: frames in and out, commands,
 * counters. Stations have the MAC 02:00 and their address.
 */
import {
  allocSkb,
  BufferIo,
  type CounterGroup,
  consumeSkb,
  definePlugin,
  devQueueXmit,
  dropReasonName,
  formatMac,
  IFF_LOOPBACK,
  kfreeSkb,
  type Neighbour,
  NeighTable,
  type Net,
  type NetDevice,
  type NetDeviceOps,
  NUD_FAILED,
  NUD_REACHABLE,
  type Plugin,
  parseIpv4,
  Router,
  type RouterConfig,
  SeededRandom,
  SKB_DROP_REASON_NEIGH_FAILED,
  Softirq,
  silentLog,
  skbBytes,
  skbPush,
  skbPutData,
  splitWords,
  Tracer,
  VirtualClock,
} from '@packetwalk/framework';
import { formatPacket, LinearFib, parsePacket } from '@packetwalk/framework/testing';
import type { Ipv4 } from '../ipv4.ts';
import ipv4Plugin from '../plugin.ts';

/** The MAC of the station with an address. */
function macOf(address: number): Uint8Array {
  return Uint8Array.of(2, 0, address >>> 24, address >>> 16, address >>> 8, address);
}

const station = (ip: string): { mac: string; ip: string } => ({ mac: formatMac(macOf(parseIpv4(ip) as number)), ip });

/** Addresses that packets of tests may name. */
export const NAMES = {
  p0: { mac: '02:00:00:00:00:10', ip: '10.0.0.1' },
  p1: { mac: '02:00:00:00:00:11', ip: '10.1.0.1' },
  a: station('10.0.0.2'),
  b: station('10.1.0.2'),
  gw: station('10.1.0.9'),
} as const;

/** int32 of a dotted quad. */
export function ip(text: string): number {
  const address = parseIpv4(text);
  if (address === null) throw new Error(`${text} is not an address`);
  return address;
}

export interface LabOptions {
  readonly seed?: number;
  readonly mtu?: { readonly p0?: number; readonly p1?: number };
  /** Addresses whose neighbour does not answer. */
  readonly deaf?: readonly string[];
  readonly plugins?: readonly Plugin[];
  /** More of the config. */
  readonly config?: RouterConfig;
}

interface LeftFrame {
  readonly t: number;
  readonly dev: string;
  readonly frame: Uint8Array;
}

export class Ipv4Lab {
  readonly softirq: Softirq;
  readonly tracer: Tracer = new Tracer();
  readonly router: Router;
  /** Frames that left since they were last looked at. */
  left: LeftFrame[] = [];
  /** Next hops that were asked for, in order. */
  readonly resolved: string[] = [];

  constructor(options: LabOptions = {}) {
    this.softirq = new Softirq(new VirtualClock(Date.UTC(2026, 0, 1, 12)), new SeededRandom(options.seed ?? 1), silentLog);
    const plugins = [this.ports(), this.stations(options.deaf ?? []), linearFib, ...(options.plugins ?? []), ipv4Plugin];
    this.router = new Router({
      name: 'r',
      softirq: this.softirq,
      tracer: this.tracer,
      log: silentLog,
      baseDir: '',
      plugins: plugins.map((plugin) => ({ id: plugin.name, plugin, options: {} })),
      config: {
        devices: {
          p0: { driver: 'lab-port', mac: NAMES.p0.mac, mtu: options.mtu?.p0 ?? 1500, addresses: ['10.0.0.1/24'] },
          p1: { driver: 'lab-port', mac: NAMES.p1.mac, mtu: options.mtu?.p1 ?? 1500, addresses: ['10.1.0.1/24'] },
        },
        sysctl: { 'net.ipv4.ip_forward': 1, 'net.ipv4.icmp_ratemask': 0 },
        routes: ['203.0.113.0/24 via 10.1.0.9'],
        ...options.config,
      },
    });
  }

  get net(): Net {
    return this.router.net;
  }

  get ipv4(): Ipv4 {
    return this.net.ipv4 as Ipv4;
  }

  dev(name: string): NetDevice {
    return this.net.needDevice(name);
  }

  /** A frame arrives; what it causes is done before this returns. */
  receive(dev: string, packet: string): void {
    this.receiveBytes(dev, parsePacket(packet, NAMES));
  }

  receiveBytes(dev: string, frame: Uint8Array): void {
    const skb = allocSkb(this.net, this.dev(dev), frame.length);
    skbPutData(skb, frame);
    this.softirq.netifRx(skb);
    this.softirq.runToCompletion();
  }

  /** An IP packet from station a. */
  send(packet: string): void {
    this.receive('p0', `eth a > p0 / ip ${packet}`);
  }

  /** What left since the last call, as `dev packet` without the Ethernet header and the ids that the router chose. */
  out(): string[] {
    const lines = this.left.map(({ dev, frame }) => {
      const packet = formatPacket(frame, { names: NAMES }).replace(/^eth [^/]*\/ /, '');
      return `${dev} ${packet.replace(/^(ip 10\.[01]\.0\.1 > [^/]*?) id \d+/, '$1')}`;
    });
    this.left = [];
    return lines;
  }

  /** The same as bytes of IP packets. */
  packets(): Uint8Array[] {
    const packets = this.left.map(({ frame }) => frame.subarray(14));
    this.left = [];
    return packets;
  }

  advance(ms: number): void {
    this.softirq.advanceTo(this.softirq.clock.now() + ms);
  }

  /** Runs a command line that must succeed. */
  command(line: string): string {
    const io = new BufferIo();
    const status = this.router.commands.run(splitWords(line), io);
    if (status !== 0) throw new Error(`${line}: ${io.stderr}`);
    return io.stdout;
  }

  sysctl(setting: string): void {
    this.command(`sysctl -w net.ipv4.${setting}`);
  }

  /** Drops so far by reason. */
  drops(): Record<string, number> {
    const entries = [...this.net.drops].map((count, reason): [string, number] => [dropReasonName(reason), count]);
    return Object.fromEntries(entries.filter(([, count]) => count > 0));
  }

  /** Counters of a group that are not 0: `Ip`, `IpExt`, `Icmp`, `Udp`, `Tcp`. */
  counters(name: string): Record<string, number> {
    const group = [...this.net.metrics.all()].find((g) => g.name === name) as CounterGroup;
    return Object.fromEntries(group.names.map((n, i): [string, number] => [n, group.values[i]]).filter(([, value]) => value > 0));
  }

  /** Packets in use: 0 when nothing waits anywhere. */
  get inUse(): number {
    return this.softirq.pool.inUse;
  }

  private ports(): Plugin {
    const ops: NetDeviceOps = {
      startXmit: (skb, dev) => {
        this.left.push({ t: this.softirq.clock.now(), dev: dev.name, frame: skbBytes(skb).slice() });
        consumeSkb(skb);
        return 0;
      },
    };
    return definePlugin({ name: 'lab-ports', setup: (ctx) => ctx.driver({ name: 'lab-port', create: () => ({ ops }) }) });
  }

  /** Every address answers at once, but for the deaf ones. */
  private stations(deaf: readonly string[]): Plugin {
    const entries = new Map<string, Neighbour>();
    const resolve = (key: number, dev: NetDevice): Neighbour => {
      const name = `${key}@${dev.name}`;
      const known = entries.get(name);
      if (known !== undefined) return known;
      this.resolved.push(`${formatMac(macOf(key))} ${dev.name}`);
      const answers = !deaf.some((address) => ip(address) === key);
      const ha = (dev.flags & IFF_LOOPBACK) !== 0 ? new Uint8Array(6) : macOf(key);
      const made: Neighbour = {
        key,
        dev,
        ha,
        hh: new Int32Array(4),
        nudState: answers ? NUD_REACHABLE : NUD_FAILED,
        used: 0,
        confirmed: 0,
        updated: 0,
        dead: false,
        output(skb) {
          if (!answers) {
            kfreeSkb(skb, SKB_DROP_REASON_NEIGH_FAILED);
            return -1;
          }
          const mac = skbPush(skb, 14);
          skb.head.buf.set(ha, mac);
          skb.head.buf.set(dev.address, mac + 6);
          skb.head.view.setUint16(mac + 12, skb.protocol);
          return devQueueXmit(skb);
        },
      };
      entries.set(name, made);
      return made;
    };
    const table: NeighTable = {
      resolve,
      lookup: (key, dev) => entries.get(`${key}@${dev.name}`) ?? null,
      eventSend() {},
      update() {},
      confirm() {},
      entries: () => entries.values(),
    };
    return definePlugin({ name: 'lab-stations', provides: [NeighTable], setup: (ctx) => ctx.provide(NeighTable, table) });
  }
}

/** A FIB backend that is a list. */
const linearFib: Plugin = definePlugin({
  name: 'lab-fib',
  setup(ctx) {
    ctx.fibBackend({
      name: 'lab-fib',
      create: () => {
        const fib = new LinearFib();
        return {
          lookup: (address) => fib.lookup(address),
          insert: (prefix, length, value) => fib.insert(prefix, length, value),
          remove: (prefix, length) => fib.remove(prefix, length),
          clear: () => fib.entries.splice(0),
          memory: () => fib.entries.length,
        };
      },
    });
  },
});
