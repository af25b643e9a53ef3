/** Captures against an independent model: files built here byte by byte, in both byte orders, cut and spoilt everywhere. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SkbHead } from '../skbuff.ts';
import { CaptureError } from './error.ts';
import { CaptureFrame } from './frame.ts';
import { PcapWriter } from './pcap-writer.ts';
import { PcapngWriter } from './pcapng-writer.ts';
import { CaptureReader, type CaptureReaderOptions } from './reader.ts';
import { CAPTURE_END, CAPTURE_FRAME, CAPTURE_MORE } from './window.ts';
import { OutputBuffer } from './writer.ts';

fc.configureGlobal({ seed: 1 });

interface Packet {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly bytes: Uint8Array;
  readonly original: number;
  readonly interfaceId: number;
  readonly direction: number;
  readonly packetId: number;
  readonly comments: readonly string[];
}

function packet(over: Partial<Packet> = {}): Packet {
  const bytes = over.bytes ?? Uint8Array.of(1, 2, 3);
  return { time: 0n, bytes, original: bytes.length, interfaceId: 0, direction: 0, packetId: -1, comments: [], ...over };
}

// --- the model -------------------------------------------------------------------------------------------------------

const word = (value: number, size: number, big: boolean): number[] => {
  const bytes = Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256);
  return big ? bytes.reverse() : bytes;
};

interface PcapShape {
  readonly big: boolean;
  readonly nano: boolean;
  readonly linkType?: number;
}

/** The file, and where each record starts. */
function pcapFile(packets: readonly Packet[], { big, nano, linkType = 1 }: PcapShape): { bytes: Uint8Array; starts: number[] } {
  const out = [
    ...word(nano ? 0xa1b23c4d : 0xa1b2c3d4, 4, big),
    ...word(2, 2, big),
    ...word(4, 2, big),
    ...word(0, 8, big),
    ...word(262144, 4, big),
    ...word(linkType, 4, big),
  ];
  const starts: number[] = [];
  for (const p of packets) {
    starts.push(out.length);
    const fraction = (p.time % 1_000_000_000n) / (nano ? 1n : 1000n);
    out.push(...word(Number(p.time / 1_000_000_000n), 4, big), ...word(Number(fraction), 4, big));
    out.push(...word(p.bytes.length, 4, big), ...word(p.original, 4, big), ...p.bytes);
  }
  return { bytes: Uint8Array.from(out), starts };
}

type OptionList = readonly (readonly [number, readonly number[]])[];

class PcapngModel {
  readonly out: number[] = [];
  readonly starts: number[] = [];
  big: boolean;

  constructor(big: boolean) {
    this.big = big;
  }

  block(type: number, body: readonly number[], options: OptionList = []): this {
    const { big } = this;
    const pad = (bytes: readonly number[]): number[] => [...bytes, ...new Array((4 - (bytes.length % 4)) % 4).fill(0)];
    const list = options.flatMap(([code, value]) => [...word(code, 2, big), ...word(value.length, 2, big), ...pad(value)]);
    const all = [...pad(body), ...list, ...(list.length > 0 ? [0, 0, 0, 0] : [])];
    this.starts.push(this.out.length);
    this.out.push(...word(type, 4, big), ...word(all.length + 12, 4, big), ...all, ...word(all.length + 12, 4, big));
    return this;
  }

  section(options: OptionList = []): this {
    const { big } = this;
    return this.block(
      0x0a0d0d0a,
      [...word(0x1a2b3c4d, 4, big), ...word(1, 2, big), ...word(0, 2, big), ...new Array(8).fill(255)],
      options,
    );
  }

  iface(name: string, options: OptionList = [], linkType = 1, snapLength = 0): this {
    const { big } = this;
    const body = [...word(linkType, 2, big), 0, 0, ...word(snapLength, 4, big)];
    return this.block(1, body, [[2, text(name)], ...options]);
  }

  /** @param ticks the time in the interface's unit; nanoseconds unless told */
  packet(p: Packet, ticks: bigint = p.time): this {
    const { big } = this;
    const options: [number, number[]][] = p.comments.map((c) => [1, text(c)]);
    if (p.direction !== 0) options.push([2, word(p.direction, 4, big)]);
    if (p.packetId >= 0) options.push([5, word(p.packetId, 8, big)]);
    const time = [...word(Number(ticks >> 32n), 4, big), ...word(Number(ticks & 0xffffffffn), 4, big)];
    const sizes = [...word(p.bytes.length, 4, big), ...word(p.original, 4, big)];
    return this.block(6, [...word(p.interfaceId, 4, big), ...time, ...sizes, ...p.bytes], options);
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.out);
  }
}

const text = (s: string): number[] => [...new TextEncoder().encode(s)];

// --- reading, in any pieces ------------------------------------------------------------------------------------------

function snapshot(frame: CaptureFrame): Packet {
  return {
    time: BigInt(frame.seconds) * 1_000_000_000n + BigInt(frame.nanoseconds),
    bytes: frame.head.buf.slice(frame.offset, frame.offset + frame.length),
    original: frame.originalLength,
    interfaceId: frame.interfaceId,
    direction: frame.direction,
    packetId: frame.packetId,
    comments: frame.comments,
  };
}

interface Outcome {
  readonly packets: Packet[];
  readonly error: CaptureError | null;
  readonly reader: CaptureReader;
}

/** Reads `bytes` given in pieces of the lengths in `cuts`, over and over: through `push` and `fill` in turn. */
function read(bytes: Uint8Array, cuts: readonly number[] = [bytes.length + 1], options: CaptureReaderOptions = {}): Outcome {
  const reader = new CaptureReader(options);
  const packets: Packet[] = [];
  let at = 0;
  let turn = 0;
  try {
    for (;;) {
      const got = reader.next();
      if (got === CAPTURE_FRAME) packets.push(snapshot(reader.frame));
      else if (got === CAPTURE_END) return { packets, error: null, reader };
      else {
        expect(got).toBe(CAPTURE_MORE);
        const piece = bytes.subarray(at, at + cuts[turn % cuts.length]);
        if (piece.length === 0) reader.finish();
        else if (turn % 2 === 0) reader.push(piece);
        else {
          const taken = reader.fill((buf, offset, room) => {
            const part = piece.subarray(0, room);
            buf.set(part, offset);
            return part.length;
          });
          at += taken - piece.length;
        }
        at += piece.length;
        turn++;
      }
    }
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return { packets, error, reader };
  }
}

const anyPacket: fc.Arbitrary<Packet> = fc.record({
  time: fc.bigInt({ min: 0n, max: 0xffffffffn * 1_000_000_000n }),
  bytes: fc.uint8Array({ maxLength: 400 }),
  original: fc.nat(3000),
  interfaceId: fc.nat(1),
  direction: fc.nat(2),
  packetId: fc.oneof(fc.constant(-1), fc.maxSafeNat()),
  comments: fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 2 }),
});
const packets = fc.array(anyPacket, { maxLength: 12 }).map((list) => list.map((p) => ({ ...p, original: p.bytes.length + p.original })));
const cuts = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 });

/** What pcap keeps of a packet. */
function asPcap(p: Packet, nano: boolean): Packet {
  return packet({ time: nano ? p.time : p.time - (p.time % 1000n), bytes: p.bytes, original: p.original });
}

function described(p: Packet, frame: CaptureFrame): CaptureFrame {
  // Behind bytes that are not the frame's, at an odd place.
  frame.head = new SkbHead(Uint8Array.of(9, 9, 9, ...p.bytes, 9));
  frame.offset = 3;
  frame.length = p.bytes.length;
  frame.originalLength = p.original;
  frame.seconds = Number(p.time / 1_000_000_000n);
  frame.nanoseconds = Number(p.time % 1_000_000_000n);
  frame.interfaceId = p.interfaceId;
  frame.direction = p.direction;
  frame.packetId = p.packetId;
  frame.comments = p.comments;
  return frame;
}

function collect(write: (out: OutputBuffer) => void, size: number): { bytes: Uint8Array; frames: number } {
  const pieces: number[] = [];
  let frames = 0;
  const out = new OutputBuffer((bytes) => {
    pieces.push(...bytes);
    frames += out.frames;
  }, size);
  write(out);
  out.flush();
  return { bytes: Uint8Array.from(pieces), frames };
}

describe('pcap', () => {
  it('is read in both byte orders and resolutions, from pieces of any size', () => {
    fc.assert(
      fc.property(packets, fc.boolean(), fc.boolean(), cuts, fc.integer({ min: 16, max: 64 }), (list, big, nano, pieces, windowSize) => {
        const { packets: got, error, reader } = read(pcapFile(list, { big, nano }).bytes, pieces, { windowSize });
        expect(error).toBeNull();
        expect(got).toEqual(list.map((p) => asPcap(p, nano)));
        expect(reader.format).toBe(nano ? 'nsecpcap' : 'pcap');
      }),
      { numRuns: 200 },
    );
  });

  it('is written as the model writes it, whatever the size of the buffer', () => {
    fc.assert(
      fc.property(packets, fc.boolean(), fc.integer({ min: 1, max: 5000 }), (list, nano, size) => {
        const frame = new CaptureFrame();
        const made = collect((out) => {
          const writer = new PcapWriter(out, nano);
          writer.begin();
          for (const p of list) writer.write(described(p, frame));
        }, size);
        expect(made.bytes).toEqual(pcapFile(list, { big: false, nano }).bytes);
        expect(made.frames).toBe(list.length);
      }),
      { numRuns: 200 },
    );
  });

  it('cut at any byte names the record that is cut, after giving those before it', () => {
    const list = [packet({ time: 1n }), packet({ bytes: new Uint8Array(60) }), packet({ bytes: new Uint8Array(0) })];
    for (const big of [false, true]) {
      const { bytes, starts } = pcapFile(list, { big, nano: true });
      const ends = [...starts.slice(1), bytes.length];
      for (let cut = 0; cut < bytes.length; cut++) {
        const { packets: got, error } = read(bytes.subarray(0, cut), [7]);
        const whole = ends.filter((end) => end <= cut).length;
        expect(got).toEqual(list.slice(0, whole));
        const boundary = cut === 24 || ends.includes(cut);
        if (boundary) expect(error).toBeNull();
        else {
          expect(error?.code).toBe('truncated');
          expect(error?.offset).toBe(cut < 24 ? 0 : starts[whole]);
          expect(error?.message).toMatch(/^byte \d+: the capture (is empty|ends inside a)/);
        }
      }
    }
  });

  it('with a lying length is garbage at that record', () => {
    const { bytes, starts } = pcapFile([packet(), packet()], { big: false, nano: false });
    new DataView(bytes.buffer).setUint32(starts[1] + 8, 262145, true);
    const { packets: got, error } = read(bytes);
    expect(got).toHaveLength(1);
    expect(error?.message).toBe(`byte ${starts[1]}: no record: it claims a frame of 262145 bytes`);
  });

  it('carries fractions that run over, and frames longer than the original', () => {
    const { bytes, starts } = pcapFile([packet({ time: 5_000_000_000n })], { big: false, nano: false });
    const view = new DataView(bytes.buffer);
    view.setUint32(starts[0] + 4, 2_500_000, true);
    view.setUint32(starts[0] + 12, 1, true);
    expect(read(bytes).packets).toEqual([packet({ time: 7_500_000_000n })]);
  });

  it.each([
    [101, 'RAW'],
    [113, 'LINUX_SLL'],
    [9999, 'link type 9999,'],
  ])('of link type %i is refused by name', (linkType, name) => {
    const { error } = read(pcapFile([packet()], { big: true, nano: false, linkType }).bytes);
    expect(error?.code).toBe('unsupported');
    expect(error?.offset).toBe(20);
    expect(error?.message).toContain(name);
    expect(error?.message).toContain('only 1 (ETHERNET)');
  });
});

describe('pcapng', () => {
  it('is read in both byte orders with interfaces, options and unknown blocks, from pieces of any size', () => {
    fc.assert(
      fc.property(packets, fc.boolean(), cuts, fc.integer({ min: 16, max: 64 }), fc.nat(3000), (list, big, pieces, windowSize, junk) => {
        const model = new PcapngModel(big).section([[4, text('model')]]).block(0xbad, new Array(junk).fill(7));
        model.iface('lan', [[9, [9]]]).iface('', [[9, [9]]]);
        for (const p of list) model.packet(p).block(5, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        const { packets: got, error, reader } = read(model.bytes, pieces, { windowSize });
        expect(error).toBeNull();
        expect(got).toEqual(list);
        expect(reader.format).toBe('pcapng');
        expect(reader.interfaces.map((i) => i.name)).toEqual(['lan', '']);
      }),
      { numRuns: 200 },
    );
  });

  it('is written as the model writes it, whatever the size of the buffer', () => {
    fc.assert(
      fc.property(packets, fc.integer({ min: 1, max: 5000 }), (list, size) => {
        const frame = new CaptureFrame();
        const made = collect((out) => {
          const writer = new PcapngWriter(out);
          writer.begin('packetwalk', 'a section');
          expect(writer.addInterface({ name: 'lan', description: 'inside' })).toBe(0);
          expect(writer.addInterface({ name: 'wän', macAddress: Uint8Array.of(2, 0, 0, 0, 0, 1), comment: 'outside' })).toBe(1);
          for (const p of list) writer.write(described(p, frame));
        }, size);
        const model = new PcapngModel(false).section([
          [4, text('packetwalk')],
          [1, text('a section')],
        ]);
        model.iface('lan', [
          [9, [9]],
          [3, text('inside')],
        ]);
        model.iface('wän', [
          [9, [9]],
          [6, [2, 0, 0, 0, 0, 1]],
          [1, text('outside')],
        ]);
        for (const p of list) model.packet(p);
        expect(made.bytes).toEqual(model.bytes);
        expect(made.frames).toBe(list.length);
      }),
      { numRuns: 200 },
    );
  });

  it('takes any time resolution and offset', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        fc.nat(30),
        fc.boolean(),
        fc.integer(),
        (ticks, exponent, binary, offset) => {
          const perSecond = (binary ? 2n : 10n) ** BigInt(exponent);
          const seconds = ticks / perSecond + BigInt(offset);
          fc.pre(seconds >= 0n && seconds < 1n << 53n);
          const tsoffset = [...new Uint8Array(new BigInt64Array([BigInt(offset)]).buffer)];
          const model = new PcapngModel(false).section().iface('x', [
            [9, [binary ? exponent | 0x80 : exponent]],
            [14, tsoffset],
          ]);
          const nanoseconds = ((ticks % perSecond) * 1_000_000_000n) / perSecond;
          expect(read(model.packet(packet(), ticks).bytes).packets[0].time).toBe(seconds * 1_000_000_000n + nanoseconds);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('counts microseconds when the interface does not say', () => {
    const model = new PcapngModel(true).section().iface('x').packet(packet(), 1_700_000_000_123_456n);
    expect(read(model.bytes).packets[0].time).toBe(1_700_000_000_123_456_000n);
  });

  it('starts interfaces and byte order anew with each section', () => {
    const one = new PcapngModel(true)
      .section()
      .iface('a', [[9, [9]]])
      .packet(packet({ time: 1n }));
    const two = new PcapngModel(false)
      .section()
      .iface('b', [[9, [9]]])
      .packet(packet({ time: 2n }));
    const { packets: got, error, reader } = read(Uint8Array.of(...one.bytes, ...two.bytes), [5]);
    expect(error).toBeNull();
    expect(got.map((p) => p.time)).toEqual([1n, 2n]);
    expect(reader.interfaces).toEqual([expect.objectContaining({ name: 'b', linkType: 1, snapLength: 0 })]);
  });

  it('reads simple and obsolete packet blocks', () => {
    const model = new PcapngModel(false).section().iface('a', [], 1, 4);
    model.block(3, [...word(6, 4, false), 1, 2, 3, 4]);
    model.block(2, [0, 0, 7, 0, ...word(0, 4, false), ...word(9, 4, false), ...word(2, 4, false), ...word(2, 4, false), 5, 6]);
    expect(read(model.bytes).packets).toEqual([
      packet({ bytes: Uint8Array.of(1, 2, 3, 4), original: 6 }),
      packet({ bytes: Uint8Array.of(5, 6), time: 9000n }),
    ]);
  });

  it('gives the frames of one interface when asked, by name or number', () => {
    const model = new PcapngModel(false).section().iface('raw', [], 101).iface('lan');
    model.packet(packet({ interfaceId: 0 })).packet(packet({ interfaceId: 1 }));
    for (const wanted of ['lan', '1']) {
      const { packets: got, error } = read(model.bytes, [9], { interface: wanted });
      expect(error).toBeNull();
      expect(got.map((p) => p.interfaceId)).toEqual([1]);
    }
    expect(read(model.bytes).error?.message).toMatch(/a frame of interface raw: link type 101 \(RAW/);
  });

  it('cut at any byte names the block that is cut, after giving the frames before it', () => {
    const list = [packet({ time: 1n, comments: ['c'] }), packet({ bytes: new Uint8Array(61), packetId: 3, time: 2n })];
    for (const big of [false, true]) {
      const model = new PcapngModel(big).section().iface('x', [[9, [9]]]);
      for (const p of list) model.packet(p);
      const { bytes, starts } = model;
      for (let cut = 0; cut < bytes.length; cut++) {
        const { packets: got, error } = read(bytes.subarray(0, cut), [11]);
        const block = starts.findLast((start) => start <= cut) ?? 0;
        expect(got).toEqual(list.slice(0, Math.max(0, starts.indexOf(block) - 2)));
        if (cut !== 0 && cut === block) expect(error).toBeNull();
        else {
          expect(error?.code).toBe('truncated');
          expect(error?.offset).toBe(block);
        }
      }
    }
  });

  it.each<[string, (m: PcapngModel) => PcapngModel, RegExp]>([
    ['a frame of an unknown interface', (m) => m.packet(packet({ interfaceId: 2 })), /a frame of interface 2, but 1 were described/],
    ['a frame longer than its block', (m) => m.block(6, [...new Array(12).fill(0), 9, 0, 0, 0, 9, 0, 0, 0]), /claims a frame of 9/],
    ['a block that is too short', (m) => m.block(6, [0, 0, 0, 0]), /a packet block of 16 bytes/],
    ['an option longer than its block', (m) => m.block(6, [...new Array(20).fill(0), 1, 0, 99, 0]), /option 1 is longer/],
  ])('with %s is garbage at that block', (_, spoil, message) => {
    const model = spoil(new PcapngModel(false).section().iface('x').packet(packet()));
    const { packets: got, error } = read(model.packet(packet()).bytes);
    expect(got).toHaveLength(1);
    expect(error?.code).toBe('garbage');
    expect(error?.offset).toBe(model.starts[3]);
    expect(error?.message).toMatch(message);
  });
});

describe('what is no capture', () => {
  it.each<[string, number[], RegExp]>([
    ['text', text('hello, world\n'), /^byte 0: neither pcap nor pcapng: it starts with 68656c6c/],
    ['a short text', text('hello'), /^byte 0: neither pcap nor pcapng/],
    ['gzip', [0x1f, 0x8b, 8, 0, 0, 0, 0, 0], /^byte 0: compressed by gzip/],
    ['modified pcap', [0x34, 0xcd, 0xb2, 0xa1, 2, 0, 4, 0], /^byte 0: a modified pcap file/],
    ['nothing', [], /^byte 0: the capture is empty/],
  ])('%s is refused', (_, bytes, message) => {
    expect(read(Uint8Array.from(bytes)).error?.message).toMatch(message);
  });

  it('ends in frames or one CaptureError, never in anything else', () => {
    const ng = new PcapngModel(false).section([[4, text('x')]]).iface('x', [[9, [9]]]);
    for (let i = 0; i < 4; i++) ng.packet(packet({ comments: ['c'], packetId: i, direction: 1 }));
    const good = [ng.bytes, pcapFile([packet(), packet()], { big: true, nano: false }).bytes];
    const spoilt = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...good), spoilt, cuts, (file, changes, pieces) => {
        const bytes = file.slice();
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const { packets: got, error } = read(bytes, pieces, { windowSize: 64 });
        expect(got.length).toBeLessThanOrEqual(4);
        if (error !== null) expect(error.offset).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 3000 },
    );
  });

  it('says the same at each further call', () => {
    const { bytes } = pcapFile([packet()], { big: false, nano: false });
    const { reader, error } = read(bytes.subarray(0, 30));
    expect(error?.offset).toBe(24);
    expect(() => reader.next()).toThrow(/^byte 24: /);
  });
});
