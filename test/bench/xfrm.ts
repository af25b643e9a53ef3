/**
 * xfrm.ts — what IPsec costs a packet. Finding its policy and its states, with 10 and with 10,000 of them. And the transforms: ESP in place on a packet, trailer, IV and ICV included, next to bare node:crypto
 * over the same number of bytes with an object for each packet, which is how one uses it. Short turns of each within one
 * run, so that a busy moment meets both.
 *
 *   npm run bench:xfrm [-- --json] [--rounds N] [--packets N] [--suite TEXT]
 */
import { parseArgs } from 'node:util';
import { allocSkb, IP_PROTOCOL, type SkBuff, skbPut } from '@packetwalk/framework';
import { TestRouter } from '@packetwalk/framework/testing';
import { Esp } from '../../plugins/xfrm/src/esp.ts';
import { spread, spreadText } from './median.ts';
import { lookupContests } from './xfrm-lookup.ts';
import { BENCH_SUITES, type BenchSuite } from './xfrm-suites.ts';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '99' },
    packets: { type: 'string', default: '400' },
    suite: { type: 'string', default: '' },
  },
});
const [rounds, packets] = [args.rounds, args.packets].map(Number);
const SIZES = [64, 512, 1400];
const IHL = 20;

const { net } = new TestRouter({ plugins: [] });

/** A packet whose payload is `size` octets, with room for ESP; `rewind` makes it that again. */
class Packet {
  readonly skb: SkBuff;
  private readonly size: number;
  private readonly headerLen: number;

  constructor(size: number, headerLen: number) {
    this.skb = allocSkb(net, net.needDevice('lo'), size + 200, 200);
    skbPut(this.skb, size);
    this.size = size;
    this.headerLen = headerLen;
    for (let i = 0; i < size; i++) this.skb.head.buf[200 + i] = i;
  }

  rewind(): SkBuff {
    const { skb } = this;
    skb.data = 200;
    skb.len = this.size;
    skb.networkHeader = 200 - this.headerLen - IHL;
    skb.head.buf[skb.networkHeader + IP_PROTOCOL] = 17;
    return skb;
  }
}

interface Contest {
  readonly suite: string;
  readonly direction: 'encrypt' | 'decrypt';
  readonly size: number;
  ours(count: number): void;
  raw(count: number): void;
}

function contests({ name, create, raw }: BenchSuite): Contest[] {
  const esp = new Esp(create(), null, 0);
  return SIZES.flatMap((size) => {
    const packet = new Packet(size, esp.headerLen);
    const length = (size + 2 + Math.max(4, esp.aead.blockSize) - 1) & -Math.max(4, esp.aead.blockSize);
    const aad = new Uint8Array(8);
    const text = new Uint8Array(length).fill(7);
    const [sealedText, icv] = raw.seal(aad, text);
    const sealed = new Uint8Array(esp.headerLen + length + esp.aead.icvSize);
    esp.output(packet.rewind(), IHL, 1, 1, 0, 0);
    const first = packet.skb.data + IHL;
    sealed.set(packet.skb.head.buf.subarray(first, first + sealed.length));
    return [
      {
        suite: name,
        direction: 'encrypt',
        size,
        ours(count) {
          for (let i = 0; i < count; i++) esp.output(packet.rewind(), IHL, 1, i, 0, 0);
        },
        raw(count) {
          for (let i = 0; i < count; i++) raw.seal(aad, text);
        },
      },
      {
        suite: name,
        direction: 'decrypt',
        size,
        ours(count) {
          const { skb } = packet;
          for (let i = 0; i < count; i++) {
            // What a driver would have put there: 30 to 60 ns of each packet.
            skb.head.buf.set(sealed, first);
            skb.data = first;
            skb.len = sealed.length;
            if (esp.input(skb, 0) !== 17) throw new Error(`${name}: refused its own packet`);
          }
        },
        raw(count) {
          for (let i = 0; i < count; i++) raw.open(aad, sealedText, icv);
        },
      },
    ] satisfies Contest[];
  });
}

/** Nanoseconds of processor time: what else the machine does is no packet's cost. */
function measure(work: (count: number) => void, count: number): number {
  const began = process.cpuUsage();
  work(count);
  const { user, system } = process.cpuUsage(began);
  return ((user + system) * 1000) / count;
}

const figures = BENCH_SUITES.filter(({ name }) => name.includes(args.suite))
  .flatMap(contests)
  .map((contest) => {
    const ours: number[] = [];
    const raw: number[] = [];
    for (let round = -20; round < rounds; round++) {
      const a = measure(contest.ours, packets);
      const b = measure(contest.raw, packets);
      if (round < 0) continue;
      ours.push(a);
      raw.push(b);
    }
    const { suite, direction, size } = contest;
    const gbits = spread(ours.map((ns) => (size * 8) / ns));
    return { suite, direction, size, ns: spread(ours), gbits, raw: spread(raw), ratio: spread(ours.map((ns, i) => ns / raw[i])) };
  });

const SCALES = [10, 100, 1000, 10_000];
const scales = SCALES.map(lookupContests);
const lookups = scales[0].map(({ what }, i) => {
  const found: number[][] = SCALES.map(() => []);
  for (let round = -20; round < rounds; round++) {
    for (const [s, contests] of scales.entries()) {
      const ns = measure((count) => contests[i].run(count), packets * 10);
      if (round >= 0) found[s].push(ns);
    }
  }
  return { what, ns: Object.fromEntries(SCALES.map((size, s) => [size, spread(found[s])])) };
});

const runtime = 'Deno' in globalThis ? 'Deno' : `Node ${process.version}`;
if (args.json) {
  console.log(JSON.stringify({ rounds, packets, runtime, figures, lookups }, null, 2));
} else {
  console.log(`ESP in memory, ${runtime}: ${rounds} rounds of ${packets} packets; median (min–max)`);
  const head = ['suite', 'payload', 'ns/packet', 'Gbit/s', 'node:crypto, ns', 'ours / node:crypto'];
  const widths = [24, 13, 24, 20, 24, 20];
  const row = (cells: readonly string[]): string => cells.map((c, i) => (i < 2 ? c.padEnd(widths[i]) : c.padStart(widths[i]))).join('');
  console.log(row(head));
  for (const f of figures) {
    console.log(
      row([f.suite, `${f.size} ${f.direction}`, spreadText(f.ns, 0), spreadText(f.gbits, 2), spreadText(f.raw, 0), spreadText(f.ratio, 2)]),
    );
  }
  console.log(`\nlookups, ns: median (min–max)`);
  const columns = [24, ...SCALES.map(() => 22)];
  const line = (cells: readonly string[]): string =>
    cells.map((c, i) => (i === 0 ? c.padEnd(columns[i]) : c.padStart(columns[i]))).join('');
  console.log(line(['of so many', ...SCALES.map((n) => n.toLocaleString('en'))]));
  for (const { what, ns } of lookups) console.log(line([what, ...SCALES.map((n) => spreadText(ns[n], 0))]));
}
