/**
 * pcap.ts — what a frame costs from capture to capture: read by one nic-pcap device, passed on by the shortest forwarder
 * there is, written by another. Opening, closing and the final fsync are in the figure.
 *
 *   node --conditions=source test/bench/pcap.ts [--json] [--frames N] [--size BYTES] [--rounds N]
 *
 * `read` receives only; `pcap`, `nsecpcap` and `pcapng` receive and write that. The kinds alternate within each round.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  CaptureFrame,
  type Clock,
  definePlugin,
  devQueueXmit,
  ETH_HLEN,
  ETH_P_IP,
  type NetDevice,
  OutputBuffer,
  PcapWriter,
  type Plugin,
  Router,
  SeededRandom,
  Softirq,
  silentLog,
  skbPush,
  Tracer,
} from '@packetwalk/framework';
import nicPcap from '@packetwalk/nic-pcap';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    frames: { type: 'string', default: '1000000' },
    size: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '7' },
  },
});
const frames = Number(args.frames);
const size = Number(args.size);
const rounds = Number(args.rounds);

const clock: Clock = {
  virtual: false,
  now: () => performance.now(),
  wallClock: () => performance.timeOrigin + performance.now(),
  alarm: () => {},
};

/** Sends what comes in at `lan` out at `wan`, unchanged. */
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

/** A capture of `count` frames that differ in their addresses, a microsecond apart. */
function makeInput(path: string, count: number): void {
  const pieces: Uint8Array[] = [];
  const writer = new PcapWriter(new OutputBuffer((bytes) => pieces.push(bytes.slice())), false);
  const frame = new CaptureFrame();
  frame.buf = new Uint8Array(size);
  frame.view = new DataView(frame.buf.buffer);
  frame.length = size;
  frame.originalLength = size;
  frame.view.setUint16(12, ETH_P_IP);
  writer.begin();
  for (let i = 0; i < count; i++) {
    frame.seconds = Math.floor(i / 1e6);
    frame.nanoseconds = (i % 1e6) * 1000;
    frame.view.setUint32(30, i);
    writer.write(frame);
  }
  writer.out.flush();
  writeFileSync(path, Buffer.concat(pieces));
}

/** Nanoseconds per frame. */
interface Sample {
  readonly wall: number;
  /** Processor time of this process, user and system: what other processes do shows less. */
  readonly cpu: number;
}

/** One whole run. */
async function run(folder: string, kind: Kind): Promise<Sample> {
  const write = kind === 'read' ? { read: 'empty.pcap' } : { write: 'out', format: kind };
  const lan = { driver: 'nic-pcap', read: 'in.pcap' };
  const wan = { driver: 'nic-pcap', ...write };
  rmSync(join(folder, 'out'), { force: true });
  const started = performance.now();
  const cpu = process.cpuUsage();
  const softirq = new Softirq(clock, new SeededRandom(1), silentLog);
  const router = new Router({
    name: 'bench',
    softirq,
    tracer: new Tracer(),
    log: silentLog,
    plugins: [
      { id: 'nic-pcap', plugin: nicPcap, options: {} },
      { id: 'wire', plugin: wire, options: {} },
    ],
    config: { devices: { lan, wan } },
    baseDir: folder,
  });
  await router.start();
  const input = router.net.needDevice('lan');
  while (softirq.run() || input.ops.exhausted?.(input) === false);
  await router.stop();
  const wall = ((performance.now() - started) * 1e6) / frames;
  const { user, system } = process.cpuUsage(cpu);
  if (kind !== 'read' && statSync(join(folder, 'out')).size < frames * size) throw new Error(`${kind}: frames are missing`);
  return { wall, cpu: ((user + system) * 1000) / frames };
}

const KINDS = ['read', 'pcap', 'nsecpcap', 'pcapng'] as const;
type Kind = (typeof KINDS)[number];

interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

function figure(samples: readonly number[]): Figure {
  const sorted = samples.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], min: sorted[0], max: sorted[sorted.length - 1] };
}

function cell({ median, min, max }: Figure): string {
  return `${median.toFixed(0).padStart(5)} (${min.toFixed(0)}–${max.toFixed(0)})`.padEnd(18);
}

const folder = mkdtempSync(join(tmpdir(), 'packetwalk-bench-'));
try {
  makeInput(join(folder, 'in.pcap'), frames);
  makeInput(join(folder, 'empty.pcap'), 0);
  const samples = new Map<Kind, Sample[]>(KINDS.map((kind) => [kind, []]));
  // The first round warms up and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const kind of KINDS) {
      const sample = await run(folder, kind);
      if (round > 0) samples.get(kind)?.push(sample);
    }
  }
  const figures = [...samples].map(([kind, list]) => ({
    kind,
    wall: figure(list.map((s) => s.wall)),
    cpu: figure(list.map((s) => s.cpu)),
  }));
  if (args.json) {
    console.log(JSON.stringify({ bench: 'pcap', unit: 'ns/packet', frames, size, rounds, figures }));
  } else {
    console.log(`capture to capture, ${frames} frames of ${size} bytes: ns/packet, median of ${rounds} (min–max)`);
    console.log(`            ${'wall'.padStart(5).padEnd(18)}  ${'cpu'.padStart(5)}`);
    for (const f of figures) console.log(`  ${f.kind.padEnd(9)} ${cell(f.wall)}  ${cell(f.cpu)}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
