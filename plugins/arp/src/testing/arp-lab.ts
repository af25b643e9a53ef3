/** arp-lab.ts — a router with ARP and a fake IPv4 in virtual time: frames in and out, commands, packets to next hops. */
import {
  allocSkb,
  BufferIo,
  consumeSkb,
  definePlugin,
  ETH_P_ARP,
  ETH_P_IP,
  ETH_TYPE,
  NeighTable,
  type NetDevice,
  type NetDeviceInit,
  type NetDeviceOps,
  NUD_NONE,
  type Plugin,
  parseCidr,
  parseIpv4,
  Router,
  SeededRandom,
  Softirq,
  silentLog,
  skbBytes,
  skbPutData,
  splitWords,
  Tracer,
  VirtualClock,
} from '@packetwalk/framework';
import { formatPacket, parsePacket } from '@packetwalk/framework/testing';
import type { NeighbourEntry } from '../neighbour-entry.ts';
import type { NeighbourTable } from '../neighbour-table.ts';
import { nudStateNames } from '../nud-names.ts';
import arpPlugin from '../plugin.ts';
import { type FakeIpv4, fakeIpv4 } from './fake-ipv4.ts';

/** A frame that left. */
export interface LeftFrame {
  readonly t: number;
  readonly dev: string;
  readonly frame: Uint8Array;
}

export interface LabOptions {
  /** Section `neighbours:`. */
  readonly neighbours?: readonly string[];
  readonly seed?: number;
  /** What the devices are besides plain Ethernet, by name. */
  readonly devices?: Readonly<Record<string, Partial<NetDeviceInit>>>;
}

/** Addresses that packets of tests may name. */
export const NAMES = {
  p0: { mac: '02:00:00:00:00:10', ip: '10.0.0.1' },
  p1: { mac: '02:00:00:00:00:11', ip: '10.1.0.1' },
  a: { mac: '02:00:00:00:0a:02', ip: '10.0.0.2' },
  b: { mac: '02:00:00:00:0b:02', ip: '10.1.0.2' },
  c: { mac: '02:00:00:00:0b:03', ip: '10.1.0.3' },
} as const;

const PORTS: readonly [string, string, string][] = [
  ['p0', NAMES.p0.mac, '10.0.0.1/24'],
  ['p1', NAMES.p1.mac, '10.1.0.1/24'],
];

export function ip(text: string): number {
  const address = parseIpv4(text);
  if (address === null) throw new Error(`${text} is not an address`);
  return address;
}

export class ArpLab {
  /** Warnings in the log. */
  readonly warnings: string[] = [];
  readonly softirq: Softirq = new Softirq(new VirtualClock(), new SeededRandom(1), silentLog);
  readonly tracer: Tracer = new Tracer();
  readonly router: Router;
  ipv4!: FakeIpv4;
  /** Frames that left since they were last looked at. */
  private left: LeftFrame[] = [];
  private id = 0;

  constructor(options: LabOptions = {}) {
    const driver: Plugin = definePlugin({
      name: 'lab-ports',
      setup: (ctx) => ctx.driver({ name: 'lab-port', create: ({ name }) => ({ ops: this.ops(), init: options.devices?.[name] ?? {} }) }),
    });
    const use = (ipv4: FakeIpv4): void => {
      this.ipv4 = ipv4;
    };
    const plugins = [driver, fakeIpv4(use), this.addresses(), arpPlugin].map((plugin) => ({ id: plugin.name, plugin, options: {} }));
    this.router = new Router({
      name: 'r',
      softirq: this.softirq,
      tracer: this.tracer,
      log: { ...silentLog, warn: (text) => this.warnings.push(text) },
      baseDir: '',
      plugins,
      config: {
        devices: Object.fromEntries(PORTS.map(([name, mac]) => [name, { driver: 'lab-port', mac }])),
        neighbours: options.neighbours ?? [],
      },
    });
  }

  get tbl(): NeighbourTable {
    return this.router.service(NeighTable) as NeighbourTable;
  }

  get stats(): Readonly<Record<string, number>> {
    const group = [...this.router.net.metrics.all()].find(({ name }) => name === 'arp');
    return Object.fromEntries(group?.names.map((name, i) => [name, group.values[i]]) ?? []);
  }

  dev(name: string): NetDevice {
    return this.router.net.needDevice(name);
  }

  /** The entry, which must be there. */
  neigh(address: string, dev: string): NeighbourEntry {
    const neigh = this.tbl.find(ip(address), this.dev(dev));
    if (neigh === null) throw new Error(`no neighbour ${address} on ${dev}`);
    return neigh;
  }

  /** State by name; `NONE` for NUD_NONE, null when there is no entry. */
  state(address: string, dev: string): string | null {
    const neigh = this.tbl.find(ip(address), this.dev(dev));
    if (neigh === null) return null;
    return neigh.nudState === NUD_NONE ? 'NONE' : nudStateNames(neigh.nudState).join(',');
  }

  /** A frame arrives; what it causes is done before this returns. */
  receive(dev: string, packet: string): void {
    this.receiveBytes(dev, parsePacket(packet, NAMES));
  }

  receiveBytes(dev: string, frame: Uint8Array): void {
    const skb = allocSkb(this.router.net, this.dev(dev), frame.length);
    skbPutData(skb, frame);
    this.softirq.netifRx(skb);
    this.softirq.runToCompletion();
  }

  /** IPv4 sends a packet to a next hop; its id, by which it can be told apart. `bytes` is its length with the header. */
  send(address: string, dev: string, from = '10.0.0.2', bytes = 28, trace = false): number {
    const id = ++this.id;
    const head = parsePacket(`ip ${from} > ${address} id ${id} / udp 1 > 2`);
    const packet = new Uint8Array(Math.max(bytes, head.length));
    packet.set(head);
    const skb = allocSkb(this.router.net, this.dev(dev), packet.length);
    skbPutData(skb, packet);
    skb.protocol = ETH_P_IP;
    if (trace) skb.trace = this.tracer.id();
    const neigh = this.tbl.resolve(ip(address), this.dev(dev));
    if (neigh === null) consumeSkb(skb);
    else neigh.output(skb, neigh);
    return id;
  }

  /** What left since the last call, as `t dev packet`; payloads of IP packets are cut to their header. */
  out(): string[] {
    const lines = this.left.map(({ t, dev, frame }) => `${t} ${dev} ${shortened(formatPacket(frame, { names: NAMES }))}`);
    this.left = [];
    return lines;
  }

  /** Frames that left since the last call, without ARP. */
  frames(): LeftFrame[] {
    const frames = this.left.filter(({ frame }) => frame[ETH_TYPE + 1] !== (ETH_P_ARP & 0xff));
    this.left = [];
    return frames;
  }

  /** Forgets what left. */
  clear(): void {
    this.left = [];
  }

  advance(ms: number): void {
    this.softirq.advanceTo(this.softirq.clock.now() + ms);
  }

  /** Runs a command line; what it printed, and its status when that is not 0. */
  command(line: string): string {
    const io = new BufferIo();
    const status = this.router.commands.run(splitWords(line), io);
    return io.stdout + io.stderr + (status === 0 ? '' : `-> ${String(status)}\n`);
  }

  /** Packets in use: 0 when nothing waits anywhere. */
  get inUse(): number {
    return this.softirq.pool.inUse;
  }

  private addresses(): Plugin {
    return definePlugin({
      name: 'lab-addresses',
      setup: (ctx) => {
        ctx.onConfigure(() => {
          for (const [name, , cidr] of PORTS) {
            const { address, length } = parseCidr(cidr) as { address: number; length: number };
            this.ipv4.addAddress(ctx.net.needDevice(name), { local: address, prefixlen: length });
          }
        });
      },
    });
  }

  private ops(): NetDeviceOps {
    return {
      startXmit: (skb, dev) => {
        this.left.push({ t: this.softirq.clock.now(), dev: dev.name, frame: skbBytes(skb).slice() });
        consumeSkb(skb);
        return 0;
      },
    };
  }
}

/** `eth p1 > b / ip 10.0.0.2 > 10.1.0.2 id 7` without what is behind the id. */
function shortened(packet: string): string {
  return packet.replace(/(\/ ip .* id \d+).*/, '$1');
}
