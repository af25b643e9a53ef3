/** Devices between captures, in virtual time: `lan` receives, a plugin of the test passes on, `wan` writes. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  allocSkb,
  CAPTURE_END,
  CAPTURE_FRAME,
  CaptureFrame,
  CaptureReader,
  composeSchema,
  definePlugin,
  devClose,
  devOpen,
  devQueueXmit,
  ETH_HLEN,
  ETH_P_IP,
  lineLog,
  type NetDevice,
  OutputBuffer,
  PcapngWriter,
  PcapWriter,
  type Plugin,
  parseConfig,
  Router,
  type RouterConfig,
  RX_DROPPED,
  RX_PACKETS,
  type SchemaObject,
  SeededRandom,
  SKB_DROP_REASON_LINK_LOSS,
  SkbHead,
  Softirq,
  skbPush,
  skbPutData,
  Tracer,
  TX_ERRORS,
  VirtualClock,
  validateConfig,
} from '@packetwalk/framework';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import nicPcap from './plugin.ts';

fc.configureGlobal({ seed: 1 });

const ROOT = process.getuid?.() === 0;
/** In CI a test that cannot run is a failure, not a skip. */
const CI = process.env.CI !== undefined;
/** 2023-11-14T22:13:20Z */
const EPOCH = 1_700_000_000_000;

interface Frame {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly bytes: Uint8Array;
}

interface Record extends Frame {
  readonly direction: number;
  readonly packetId: number;
}

const ms = (n: number): bigint => BigInt(Math.round(n * 1e6));

/** An IPv4 frame as far as this driver looks: the EtherType is right, and `tag` is in it. */
function ipFrame(tag: number, time = 0n, length = 60): Frame {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint16(12, ETH_P_IP);
  view.setUint32(14, tag);
  return { time, bytes };
}

function tagOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(14);
}

interface Description extends Frame {
  readonly interfaceId?: number;
  readonly original?: number;
}

function encode(frames: readonly Description[], format: string, interfaces: readonly string[] = ['eth0']): Uint8Array {
  const pieces: Uint8Array[] = [];
  const out = new OutputBuffer((bytes) => pieces.push(bytes.slice()));
  const writer = format === 'pcapng' ? new PcapngWriter(out) : new PcapWriter(out, format === 'nsecpcap');
  writer.begin('test');
  if (writer instanceof PcapngWriter) for (const name of interfaces) writer.addInterface({ name });
  const frame = new CaptureFrame();
  for (const f of frames) {
    frame.head = new SkbHead(f.bytes);
    frame.length = f.bytes.length;
    frame.originalLength = f.original ?? f.bytes.length;
    frame.seconds = Number(f.time / 1_000_000_000n);
    frame.nanoseconds = Number(f.time % 1_000_000_000n);
    frame.interfaceId = f.interfaceId ?? 0;
    writer.write(frame);
  }
  out.flush();
  return Buffer.concat(pieces);
}

function decode(bytes: Uint8Array): Record[] {
  const reader = new CaptureReader();
  reader.push(bytes);
  reader.finish();
  const records: Record[] = [];
  for (let got = reader.next(); got !== CAPTURE_END; got = reader.next()) {
    expect(got).toBe(CAPTURE_FRAME);
    const { head, offset, length, seconds, nanoseconds, direction, packetId } = reader.frame;
    const time = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
    records.push({ time, bytes: head.buf.slice(offset, offset + length), direction, packetId });
  }
  return records;
}

let folder: string;
let log: string[];
let routers: Router[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'packetwalk-pcap-'));
  log = [];
  routers = [];
});

afterEach(async () => {
  for (const router of routers) await router.stop();
  rmSync(folder, { recursive: true });
});

const at = (name: string): string => join(folder, name);
const put = (name: string, bytes: Uint8Array): void => writeFileSync(at(name), bytes);
const written = (name: string): Record[] => decode(readFileSync(at(name)));

interface Bench {
  readonly router: Router;
  readonly softirq: Softirq;
  readonly tracer: Tracer;
  /** What IPv4 was given: its tag, the device, the time in ms. */
  readonly arrivals: { tag: number; dev: string; t: number }[];
  readonly dev: (name: string) => NetDevice;
  readonly counters: () => { [name: string]: number };
  /** Sends a frame by a device, as if the router had made it. */
  readonly send: (dev: string, bytes: Uint8Array) => void;
}

/** A router of these devices whose plugin sends every frame that arrives at `lan` out at `wan`, if there is one. */
function bench(devices: { [name: string]: { [key: string]: unknown } }): Bench {
  const arrivals: Bench['arrivals'] = [];
  const clock = new VirtualClock(EPOCH);
  const softirq = new Softirq(
    clock,
    new SeededRandom(1),
    lineLog((line) => log.push(line)),
  );
  const tracer = new Tracer();
  const wire: Plugin = definePlugin({
    name: 'wire',
    setup(ctx) {
      ctx.packetType({
        type: ETH_P_IP,
        func(skb, dev) {
          skbPush(skb, ETH_HLEN);
          arrivals.push({ tag: skb.head.view.getUint32(skb.data + ETH_HLEN), dev: dev.name, t: softirq.jiffies });
          skb.dev = ctx.net.device('wan') ?? dev;
          return devQueueXmit(skb);
        },
      });
    },
  });
  const router = new Router({
    name: 'r',
    softirq,
    tracer,
    log: softirq.log,
    plugins: [nicPcap, wire].map((plugin) => ({ id: plugin.name, plugin, options: {} })),
    config: { devices: Object.fromEntries(Object.entries(devices).map(([k, v]) => [k, { driver: 'nic-pcap', ...v }])) } as RouterConfig,
    baseDir: folder,
  });
  routers.push(router);
  const dev = (name: string): NetDevice => router.net.needDevice(name);
  const group = [...router.net.metrics.all()].find((g) => g.name === 'nic-pcap');
  return {
    router,
    softirq,
    tracer,
    arrivals,
    dev,
    counters() {
      return Object.fromEntries((group?.names ?? []).map((name, i) => [name, group?.values[i] ?? 0]));
    },
    send(name, bytes) {
      const skb = allocSkb(router.net, dev(name), bytes.length);
      skbPutData(skb, bytes);
      devQueueXmit(skb);
    },
  };
}

describe('receiving', () => {
  it.each(['pcap', 'nsecpcap', 'pcapng'])('every frame of a %s file arrives, in order, and leaves as it is', async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 18, max: 1514 }), { maxLength: 200 }), async (lengths) => {
        const frames = lengths.map((length, i) => ipFrame(i, ms(i), length));
        put('in', encode(frames, format));
        const { router, softirq, dev, counters } = bench({ lan: { read: 'in' }, wan: { write: 'out', format } });
        softirq.runToCompletion();
        expect(dev('lan').stats[RX_PACKETS]).toBe(frames.length);
        expect(counters()).toMatchObject({ read: frames.length, tooLong: 0, cut: 0, lost: 0 });
        await router.stop();
        const got = written('out');
        expect(got.map((r) => [...r.bytes])).toEqual(frames.map((f) => [...f.bytes]));
        expect(softirq.pool.inUse).toBe(0);
      }),
      { numRuns: 15 },
    );
  });

  it('says when there is nothing left to receive', () => {
    put('in.pcap', encode([ipFrame(1)], 'pcap'));
    const { softirq, dev } = bench({ lan: { read: 'in.pcap' }, wan: { write: 'out.pcap' } });
    const exhausted = (name: string): boolean | undefined => dev(name).ops.exhausted?.(dev(name));
    expect([exhausted('lan'), exhausted('wan')]).toEqual([false, undefined]);
    expect(dev('wan').ops.poll).toBeUndefined();
    softirq.runToCompletion();
    expect(exhausted('lan')).toBe(true);
    expect(log).toContain('info: r: lan: in.pcap: read to the end, 1 frames');
  });

  it('gives what is before the end of a truncated file, then one error with the offset', () => {
    put('in.pcap', encode([ipFrame(1), ipFrame(2), ipFrame(3)], 'pcap'));
    const third = 24 + 2 * (16 + 60);
    truncateSync(at('in.pcap'), third + 30);
    const { softirq, arrivals, dev } = bench({ lan: { read: 'in.pcap' } });
    softirq.runToCompletion();
    expect(arrivals.map((a) => a.tag)).toEqual([1, 2]);
    expect(log.filter((line) => line.startsWith('error'))).toEqual([
      `error: r: lan: in.pcap: byte ${third}: the capture ends inside a record: 30 of 76 bytes are there; 2 frames were read before`,
    ]);
    expect(dev('lan').ops.exhausted?.(dev('lan'))).toBe(true);
  });

  it.each<[string, string, RegExp]>([
    ['is no capture', 'hello, world', /devices\.lan: in\.pcap: byte 0: neither pcap nor pcapng/],
    ['is empty', '', /devices\.lan: in\.pcap: byte 0: the capture is empty/],
  ])('a file that %s keeps the router from starting', (_, text, message) => {
    put('in.pcap', Buffer.from(text));
    expect(() => bench({ lan: { read: 'in.pcap' } })).toThrow(message);
  });

  it('a file that is not there keeps the router from starting', () => {
    expect(() => bench({ lan: { read: 'no/in.pcap' } })).toThrow('devices.lan: cannot read no/in.pcap: no such file or directory');
  });

  it('drops and counts what no wire of its MTU carries, tags apart, and what was not captured whole', () => {
    const long = [1514, 1518, 1519, 9000].map((length) => ipFrame(length, 0n, length));
    put('in.pcap', encode([...long, { ...ipFrame(7), original: 61 }, ipFrame(8)], 'pcap'));
    const { softirq, arrivals, dev, counters, router } = bench({ lan: { read: 'in.pcap' } });
    softirq.runToCompletion();
    expect(arrivals.map((a) => a.tag)).toEqual([1514, 1518, 8]);
    expect(counters()).toMatchObject({ read: 6, tooLong: 2, cut: 1 });
    expect(dev('lan').stats[RX_DROPPED]).toBe(3);
    expect(router.net.drops[SKB_DROP_REASON_LINK_LOSS]).toBe(2);
    expect(softirq.pool.inUse).toBe(0);
  });

  it('takes one interface of several', () => {
    const frames = [0, 1, 1, 0].map((interfaceId, tag) => ({ ...ipFrame(tag), interfaceId }));
    put('in.pcapng', encode(frames, 'pcapng', ['eth0', 'eth1']));
    const { softirq, arrivals } = bench({
      one: { read: 'in.pcapng', interface: 'eth1' },
      none: { read: 'in.pcapng', interface: 'eth7' },
    });
    softirq.runToCompletion();
    expect(arrivals.map((a) => a.tag)).toEqual([1, 2]);
    expect(log).toContain('warn: r: none: in.pcapng: there is no frame of interface eth7');
  });

  it('goes on where it was after the device was down', () => {
    put(
      'in.pcap',
      encode(
        Array.from({ length: 100 }, (_, i) => ipFrame(i)),
        'pcap',
      ),
    );
    const { softirq, arrivals, dev } = bench({ lan: { read: 'in.pcap' } });
    softirq.run(64);
    devClose(dev('lan'));
    softirq.runToCompletion();
    expect(arrivals).toHaveLength(64);
    devOpen(dev('lan'));
    softirq.runToCompletion();
    expect(arrivals.map((a) => a.tag)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('waits for a pipe, and ends with it', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const bytes = encode([ipFrame(1), ipFrame(2)], 'pcapng');
    const { softirq, arrivals, dev } = bench({ lan: { read: 'pipe' } });
    softirq.attach(() => softirq.runToCompletion());
    softirq.runToCompletion();
    // A shell writes the pipe: half a frame at a time, waiting in between until it was looked at.
    put('part1', bytes.subarray(0, bytes.length - 30));
    put('part2', bytes.subarray(bytes.length - 30));
    execFileSync('sh', ['-c', 'exec 3<>pipe; cat part1 >&3; mkfifo go; (read x <go; cat part2 >&3) & '], { cwd: folder, stdio: 'ignore' });
    await vi.waitFor(() => expect(arrivals.map((a) => a.tag)).toEqual([1]), 5000);
    expect(dev('lan').ops.exhausted?.(dev('lan'))).toBe(false);
    writeFileSync(at('go'), 'x\n');
    await vi.waitFor(() => expect(dev('lan').ops.exhausted?.(dev('lan'))).toBe(true), 5000);
    expect(arrivals.map((a) => a.tag)).toEqual([1, 2]);
    softirq.detach();
  });
});

describe('replay', () => {
  it('by time stamps brings each frame at its distance from the first of all captures', () => {
    put('lan.pcap', encode([ipFrame(1, ms(5000)), ipFrame(3, ms(5030.5)), ipFrame(4, ms(5030.5))], 'pcap'));
    put('wan.pcap', encode([ipFrame(2, ms(5010)), ipFrame(5, ms(6000)), ipFrame(6, ms(5500))], 'pcap'));
    const { softirq, arrivals } = bench({
      lan: { read: 'lan.pcap', replay: 'timestamps' },
      wan: { read: 'wan.pcap', replay: 'timestamps' },
    });
    softirq.advanceTo(2000);
    expect(arrivals).toEqual([
      { tag: 1, dev: 'lan', t: 0 },
      { tag: 2, dev: 'wan', t: 10 },
      { tag: 3, dev: 'lan', t: 30.5 },
      { tag: 4, dev: 'lan', t: 30.5 },
      { tag: 5, dev: 'wan', t: 1000 },
      // A time stamp that goes back is due at once.
      { tag: 6, dev: 'wan', t: 1000 },
    ]);
  });

  it('as fast as possible keeps the order of time between captures', () => {
    const gap = fc.nat(3);
    fc.assert(
      fc.property(fc.array(gap, { maxLength: 150 }), fc.array(gap, { maxLength: 150 }), fc.array(gap, { maxLength: 9 }), (...gaps) => {
        const all = gaps.flatMap((list, device) => {
          let time = 0;
          return list.map((step) => {
            time += step;
            return { device, time };
          });
        });
        gaps.forEach((_, d) => {
          const own = all.flatMap((f, tag) => (f.device === d ? [ipFrame(tag, ms(f.time))] : []));
          put(`${d}.pcap`, encode(own, 'pcap'));
        });
        const { softirq, arrivals } = bench(Object.fromEntries(gaps.map((_, d) => [`dev${d}`, { read: `${d}.pcap` }])));
        softirq.runToCompletion();
        expect(arrivals).toHaveLength(all.length);
        const times = arrivals.map((a) => all[a.tag].time);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
      { numRuns: 30 },
    );
  });

  it('does not wait for a capture whose device is down', () => {
    put('a.pcap', encode([ipFrame(1, ms(1))], 'pcap'));
    put('b.pcap', encode([ipFrame(2, ms(2))], 'pcap'));
    const { softirq, arrivals, dev } = bench({ a: { read: 'a.pcap' }, b: { read: 'b.pcap' } });
    devClose(dev('a'));
    softirq.runToCompletion();
    expect(arrivals.map((x) => x.tag)).toEqual([2]);
    devOpen(dev('a'));
    softirq.runToCompletion();
    expect(arrivals.map((x) => x.tag)).toEqual([2, 1]);
  });
});

describe('sending', () => {
  it('writes the wall clock of the router, in the resolution of the format', async () => {
    const { router, softirq, send } = bench({
      us: { write: 'us.pcap' },
      ns: { write: 'ns', format: 'nsecpcap' },
      ng: { write: 'ng.pcapng' },
    });
    softirq.advanceTo(1234.567891);
    for (const name of ['us', 'ns', 'ng']) send(name, ipFrame(1).bytes);
    await router.stop();
    const exact = written('ns')[0].time - BigInt(EPOCH) * 1_000_000n;
    // The clock counts milliseconds in a double: a quarter of a microsecond is what it can tell.
    expect(Math.abs(Number(exact) - 1_234_567_891)).toBeLessThan(250);
    expect(written('ng.pcapng')[0].time - BigInt(EPOCH) * 1_000_000n).toBe(exact);
    expect(written('us.pcap')[0].time - BigInt(EPOCH) * 1_000_000n).toBe(exact - (exact % 1000n));
  });

  it('writes direction and the id of a traced packet to pcapng', async () => {
    put('in.pcap', encode([ipFrame(1), ipFrame(2)], 'pcap'));
    const { router, softirq, tracer } = bench({ lan: { read: 'in.pcap' }, wan: { write: 'out.pcapng' } });
    tracer.filter = (skb) => skb.head.view.getUint32(skb.data + ETH_HLEN) === 2;
    softirq.runToCompletion();
    await router.stop();
    expect(written('out.pcapng').map((r) => [r.direction, r.packetId])).toEqual([
      [2, -1],
      [2, 1],
    ]);
  });

  it('counts a frame as written when the file has it, a second after it was sent at the latest', () => {
    const { softirq, counters, send } = bench({ wan: { write: 'out.pcap' } });
    softirq.runToCompletion();
    send('wan', ipFrame(1).bytes);
    softirq.advanceTo(999);
    expect(counters().written).toBe(0);
    expect(written('out.pcap')).toEqual([]);
    softirq.advanceTo(1000);
    expect(counters().written).toBe(1);
    expect(written('out.pcap')).toHaveLength(1);
  });

  it('has counted no more than the file holds at any moment', () => {
    const { counters, send } = bench({ wan: { write: 'out.pcap' } });
    const { bytes } = ipFrame(1, 0n, 1514);
    let seen = 0;
    for (let i = 0; i < 1000; i++) {
      send('wan', bytes);
      const now = counters().written;
      expect(statSync(at('out.pcap')).size).toBe(now === 0 ? 0 : 24 + now * (16 + 1514));
      seen = Math.max(seen, now);
    }
    expect(seen).toBeGreaterThan(800);
  });

  it.each(['pcap', 'pcapng'])('goes on with the same %s file after the device was down', async (format) => {
    const { router, dev, send } = bench({ wan: { write: 'out', format } });
    send('wan', ipFrame(1).bytes);
    devClose(dev('wan'));
    expect(written('out')).toHaveLength(1);
    devOpen(dev('wan'));
    send('wan', ipFrame(2).bytes);
    await router.stop();
    expect(written('out').map((r) => tagOf(r.bytes))).toEqual([1, 2]);
  });

  it('leaves nothing of an older file behind, once it runs', async () => {
    put(
      'out.pcap',
      encode(
        [1, 2, 3].map((tag) => ipFrame(tag)),
        'pcap',
      ),
    );
    const { router, softirq } = bench({ wan: { write: 'out.pcap' } });
    expect(written('out.pcap')).toHaveLength(3);
    softirq.runToCompletion();
    expect(written('out.pcap')).toEqual([]);
    await router.stop();
    expect(written('out.pcap')).toEqual([]);
  });

  it('leaves an older file alone when the router does not start', () => {
    put('out.pcap', encode([ipFrame(1)], 'pcap'));
    expect(() => bench({ wan: { write: 'out.pcap' }, lan: { read: 'none.pcap' } })).toThrow('no such file');
    expect(written('out.pcap')).toHaveLength(1);
    expect(log).toEqual([]);
  });

  it('loses what the system refuses: counted, told once, and the router lives', () => {
    const { softirq, counters, send, dev, router } = bench({ wan: { write: '/dev/full' } });
    for (let i = 0; i < 3; i++) send('wan', ipFrame(i).bytes);
    softirq.runToCompletion();
    send('wan', ipFrame(4).bytes);
    expect(counters()).toMatchObject({ written: 0, lost: 4 });
    expect(dev('wan').stats[TX_ERRORS]).toBe(4);
    expect(log).toEqual(['error: r: wan: /dev/full: no space left on device; 0 frames were written before']);
    expect(router.net.drops.reduce((a, b) => a + b)).toBe(1);
    expect(softirq.pool.inUse).toBe(0);
  });

  it.skipIf(!ROOT && !CI)('takes back half a write: a full disk holds whole frames, as many as were counted', async () => {
    mkdirSync(at('small'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', at('small')]);
    try {
      const { router, counters, send } = bench({ wan: { write: 'small/out.pcap' } });
      for (let i = 0; i < 1000; i++) send('wan', ipFrame(i, 0n, 1514).bytes);
      await router.stop();
      const { written: count, lost } = counters();
      expect(count + lost).toBe(1000);
      expect(lost).toBeGreaterThan(300);
      expect(written('small/out.pcap').map((r) => tagOf(r.bytes))).toEqual(Array.from({ length: count }, (_, i) => i));
    } finally {
      execFileSync('umount', [at('small')]);
    }
  });

  it('gives a pipe each burst at once', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    execFileSync('sh', ['-c', 'cat pipe >copy &'], { cwd: folder, stdio: 'ignore' });
    const { softirq, send } = bench({ wan: { write: 'pipe' } });
    send('wan', ipFrame(1).bytes);
    softirq.runToCompletion();
    await vi.waitFor(() => expect(written('copy')).toHaveLength(1), 5000);
  });

  it('without a capture to write, what is sent is gone', () => {
    put('in.pcap', encode([ipFrame(1)], 'pcap'));
    const { softirq, arrivals } = bench({ lan: { read: 'in.pcap' } });
    softirq.runToCompletion();
    expect(arrivals).toHaveLength(1);
    expect(softirq.pool.inUse).toBe(0);
  });

  it.each<[string, { [name: string]: { [key: string]: string } }, RegExp]>([
    [
      'one that it reads',
      { lan: { read: 'in.pcap', write: 'in.pcap' } },
      /devices\.lan: in\.pcap is being read by another device, or by this one/,
    ],
    ['one that another reads', { lan: { read: 'in.pcap' }, wan: { write: './in.pcap' } }, /devices\.wan: .* is being read by another/],
    [
      'one that another writes',
      { lan: { write: 'o.pcap' }, wan: { write: 'o.pcap' } },
      /devices\.wan: o\.pcap is being written by another device/,
    ],
    ['one in no folder', { wan: { write: 'no/o.pcap' } }, /devices\.wan: cannot open no\/o\.pcap: no such file or directory/],
  ])('refuses to write %s, and touches nothing', (_, devices, message) => {
    const input = encode([ipFrame(1)], 'pcap');
    put('in.pcap', input);
    expect(() => bench(devices)).toThrow(message);
    expect(readFileSync(at('in.pcap'))).toEqual(Buffer.from(input));
    // Nothing is left claimed: the same file serves the next router.
    expect(() => bench({ lan: { read: 'in.pcap' }, wan: { write: 'o.pcap' } })).not.toThrow();
  });
});

describe('config', () => {
  const check = (device: string): string[] => {
    const doc = parseConfig(`plugins: [nic-pcap]\ndevices:\n  lan: {driver: nic-pcap, ${device}}\n`, 'r.yaml');
    const { schema } = driverOf(nicPcap);
    return validateConfig(doc, composeSchema({ drivers: new Map([['nic-pcap', { schema }]]) })).map((issue) => doc.format(issue));
  };

  it.each(['read: a.pcap', 'write: "-"', 'read: a, write: b, format: nsecpcap, replay: timestamps, interface: "0"'])(
    '%s is good',
    (device) => {
      expect(check(device)).toEqual([]);
    },
  );

  it.each(['mtu: 1500', 'read: ""', 'read: a, format: pcap', 'write: a, replay: fast', 'write: a, format: cap', 'read: a, loop: 2'])(
    '%s is refused with its place',
    (device) => {
      expect(check(device)).toEqual([expect.stringMatching(/^r\.yaml:3:\d+: devices\.lan/)]);
    },
  );

  it('is checked without opening anything', () => {
    const config = { devices: { lan: { driver: 'nic-pcap', read: 'none.pcap', write: 'none/out.pcap' } } } as RouterConfig;
    const softirq = new Softirq(
      new VirtualClock(),
      new SeededRandom(1),
      lineLog((line) => log.push(line)),
    );
    const plugins = [{ id: 'nic-pcap', plugin: nicPcap, options: {} }];
    routers.push(new Router({ name: 'r', softirq, tracer: new Tracer(), log: softirq.log, plugins, config, baseDir: folder, dry: true }));
    expect(log).toEqual([]);
  });
});

/** The driver that a plugin registers. */
function driverOf(plugin: Plugin): { schema: SchemaObject } {
  const drivers: { schema: SchemaObject }[] = [];
  plugin.setup({ dropReason: () => 0, driver: (d: { schema: SchemaObject }) => drivers.push(d) } as never, {});
  return drivers[0];
}
