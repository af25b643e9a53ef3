/**
 * pcap.ts — what a frame costs from capture to capture, on one core: read by one nic-pcap device, passed on, written by
 * another; the final fsync is in the figure. The forms alternate within each round, with the bare probe of forwarding in
 * memory among them: on a busy machine the ratios say more than the times.
 *
 *   node --import ./test/bench/typescript.mjs test/bench/pcap.ts [--json] [--frames N] [--flows N] [--routes N] [--rounds N]
 *
 *      probe     forwarding in memory, nothing read or written (forward-probe.ts)
 *      read      frames are received and freed
 *      pcap …    the shortest forwarder there is, to a file of that format
 *      router    the whole router: IPv4, ARP, FIB, from pcap to pcap
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import arp from '@packetwalk/arp';
import fibTrie from '@packetwalk/fib-trie';
import {
  CaptureFrame,
  type Clock,
  definePlugin,
  devQueueXmit,
  ETH_HLEN,
  ETH_P_IP,
  formatIpv4,
  type NetDevice,
  OutputBuffer,
  PcapWriter,
  type Plugin,
  Router,
  SeededRandom,
  SkbHead,
  Softirq,
  silentLog,
  skbPush,
  Tracer,
} from '@packetwalk/framework';
import ipv4 from '@packetwalk/ipv4';
import nicPcap from '@packetwalk/nic-pcap';
import { probeForward } from './forward-probe.ts';
import { spread, spreadText } from './median.ts';
import { FRAME_LENGTH, makeFrames, makePrefixes } from './traffic.ts';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    frames: { type: 'string', default: '1000000' },
    flows: { type: 'string', default: '1000' },
    routes: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '7' },
  },
});
const [frames, flows, routes, rounds] = [args.frames, args.flows, args.routes, args.rounds].map(Number);

const LAN_MAC = '02:00:00:00:00:10';

const clock: Clock = {
  virtual: false,
  now: () => performance.now(),
  wallClock: () => Date.now(),
  alarm: () => {},
};

/** Sends what comes in out at `wan`, unchanged. */
const wire: Plugin = definePlugin({
  name: 'wire',
  setup(ctx) {
    let wan: NetDevice;
    ctx.onConfigure(() => {
      wan = ctx.net.needDevice('wan');
    });
    ctx.packetType({
      type: ETH_P_IP,
      func(skb) {
        skbPush(skb, ETH_HLEN);
        skb.dev = wan;
        return devQueueXmit(skb);
      },
    });
  },
});

/** A capture of `count` frames of `list` in turn, a microsecond apart. */
function makeInput(path: string, list: readonly Uint8Array[], count: number): void {
  const pieces: Uint8Array[] = [];
  const writer = new PcapWriter(new OutputBuffer((bytes) => pieces.push(bytes.slice())), false);
  const heads = list.map((bytes) => new SkbHead(bytes));
  const frame = new CaptureFrame();
  frame.length = FRAME_LENGTH;
  frame.originalLength = FRAME_LENGTH;
  writer.begin();
  for (let i = 0; i < count; i++) {
    frame.head = heads[i % heads.length];
    frame.seconds = Math.floor(i / 1e6);
    frame.nanoseconds = (i % 1e6) * 1000;
    writer.write(frame);
  }
  writer.out.flush();
  writeFileSync(path, Buffer.concat(pieces));
}

interface Form {
  readonly plugins: readonly Plugin[];
  /** What `wan` does. */
  readonly wan: object;
  readonly config: object;
}

/** Sends all of in.pcap through a router. */
async function replay({ plugins, wan, config }: Form, folder: string): Promise<void> {
  const softirq = new Softirq(clock, new SeededRandom(1), silentLog);
  const lan = { driver: 'nic-pcap', mac: LAN_MAC, read: 'in.pcap' };
  const router = new Router({
    name: 'bench',
    softirq,
    tracer: new Tracer(),
    log: silentLog,
    plugins: [nicPcap, ...plugins].map((plugin) => ({ id: plugin.name, plugin, options: {} })),
    config: {
      ...config,
      devices: { lan: { ...lan, addresses: ['10.0.0.1/8'] }, wan: { ...wan, driver: 'nic-pcap', addresses: ['192.0.2.1/24'] } },
    },
    baseDir: folder,
  });
  await router.start();
  const input = router.net.needDevice('lan');
  while (softirq.run() || input.ops.exhausted?.(input) === false);
  const counters = [...router.net.metrics.all()].find((group) => group.name === 'nic-pcap');
  await router.stop();
  const written = counters?.values[counters.names.indexOf('written')];
  if ('write' in wan && written !== frames) throw new Error(`${written} frames of ${frames} were written`);
}

const random = new SeededRandom(2007);
const prefixes = makePrefixes(random, routes);
const destinations = Array.from({ length: flows }, () => {
  const { prefix, length } = prefixes[random.below(prefixes.length)];
  return prefix | (random.int32() & ~(-1 << (32 - length)));
});
const list = makeFrames(
  destinations,
  Uint8Array.from(LAN_MAC.split(':'), (byte) => Number.parseInt(byte, 16)),
);
const routing = {
  sysctl: { 'net.ipv4.ip_forward': 1 },
  routes: prefixes.map(({ prefix, length }) => `${formatIpv4(prefix)}/${length} via 192.0.2.2`),
  neighbours: ['192.0.2.2 lladdr 02:00:00:00:0b:02 dev wan'],
};

const FORMS: Readonly<Record<string, Form>> = {
  read: { plugins: [wire], wan: { read: 'empty.pcap' }, config: {} },
  pcap: { plugins: [wire], wan: { write: 'out', format: 'pcap' }, config: {} },
  nsecpcap: { plugins: [wire], wan: { write: 'out', format: 'nsecpcap' }, config: {} },
  pcapng: { plugins: [wire], wan: { write: 'out', format: 'pcapng' }, config: {} },
  router: { plugins: [ipv4, arp, fibTrie], wan: { write: 'out', format: 'pcap' }, config: routing },
};

const folder = mkdtempSync(join(tmpdir(), 'packetwalk-bench-'));

/** Nanoseconds per frame: of the clock, and of this process's own processor time, user and system. */
async function measure(work: () => void | Promise<void>): Promise<{ wall: number; cpu: number }> {
  rmSync(join(folder, 'out'), { force: true });
  const cpu = process.cpuUsage();
  const began = performance.now();
  await work();
  const wall = ((performance.now() - began) * 1e6) / frames;
  const { user, system } = process.cpuUsage(cpu);
  return { wall, cpu: ((user + system) * 1000) / frames };
}

try {
  makeInput(join(folder, 'in.pcap'), list, frames);
  makeInput(join(folder, 'empty.pcap'), list, 0);
  const contenders: [string, () => void | Promise<void>][] = [
    ['probe', () => void probeForward(list, frames)],
    ...Object.entries(FORMS).map(([name, form]): [string, () => Promise<void>] => [name, () => replay(form, folder)]),
  ];
  const found = new Map(contenders.map(([name]) => [name, { wall: [] as number[], cpu: [] as number[] }]));
  // The first round warms up and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, work] of contenders) {
      const { wall, cpu } = await measure(work);
      if (round === 0) continue;
      found.get(name)?.wall.push(wall);
      found.get(name)?.cpu.push(cpu);
    }
  }
  const figures = Object.fromEntries([...found].map(([name, f]) => [name, { wall: spread(f.wall), cpu: spread(f.cpu) }]));
  if (args.json) {
    console.log(JSON.stringify({ frames, flows, routes, rounds, runtime: process.version, figures }));
  } else {
    console.log(`capture to capture: ${frames} frames of ${FRAME_LENGTH} bytes, ${flows} flows, ${routes} routes, ${rounds} rounds`);
    console.log(`${''.padEnd(10)}${'ns/packet: median (min–max)'.padStart(34)}${'processor time'.padStart(34)}`);
    for (const [name, f] of Object.entries(figures)) {
      console.log(`${name.padEnd(10)}${spreadText(f.wall).padStart(34)}${spreadText(f.cpu).padStart(34)}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
