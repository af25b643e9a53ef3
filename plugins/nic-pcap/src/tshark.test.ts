/** The tools of the field as judges: what we write opens in tshark without complaint, what they write is read as they read it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CAPTURE_END,
  CAPTURE_FRAME,
  CAPTURE_INBOUND,
  CAPTURE_OUTBOUND,
  CaptureFrame,
  CaptureReader,
  OutputBuffer,
  PcapngWriter,
  PcapWriter,
  SeededRandom,
  SkbHead,
} from '@packetwalk/framework';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** In CI a tool that is missing is a failure, not a skip. */
const CI = process.env.CI !== undefined;
const INSTALLED = ['tshark', 'capinfos', 'editcap', 'mergecap'].every((tool) => spawnSync(tool, ['-v']).status === 0);

/** What tshark is asked for of each frame, and what we say. */
const FIELDS = ['frame.time_epoch', 'frame.cap_len', 'frame.len', 'eth.src', 'udp.srcport'];
const PCAPNG_FIELDS = [...FIELDS, 'frame.interface_name', 'frame.packet_flags_direction', 'frame.packet_id', 'frame.comment'];

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'packetwalk-tshark-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a tool; anything on standard error but the warning to root is a complaint. */
function run(tool: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  const complaint = stderr.replace(/^Running as user "root".*\n/, '');
  expect([status, complaint], `${tool} ${args.join(' ')}`).toEqual([0, '']);
  return stdout;
}

function tshark(file: string, fields: readonly string[]): string[][] {
  const text = run('tshark', '-n', '-r', file, '-T', 'fields', '-E', 'occurrence=a', ...fields.flatMap((f) => ['-e', f]));
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'));
}

/** UDP packets of many sizes; some cut by a snap length, some with comments and ids. */
function* frames(count: number): Generator<CaptureFrame> {
  const random = new SeededRandom(7);
  const frame = new CaptureFrame();
  for (let i = 0; i < count; i++) {
    const length = 42 + random.below(i % 10 === 0 ? 1473 : 60);
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    bytes.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0]);
    view.setUint16(16, length - 14);
    bytes.set([64, 17], 22);
    view.setUint16(34, 1024 + (i % 60000));
    view.setUint16(36, 9);
    view.setUint16(38, length - 34);
    Object.assign(frame, { head: new SkbHead(bytes), length, originalLength: length + (i % 7 === 0 ? 100 : 0) });
    frame.seconds = 1_700_000_000 + Math.floor(i / 3);
    frame.nanoseconds = random.below(1_000_000_000);
    frame.interfaceId = i % 2;
    frame.direction = [0, CAPTURE_INBOUND, CAPTURE_OUTBOUND][i % 3];
    frame.packetId = i % 4 === 0 ? -1 : i * 0x10000001;
    frame.comments = i % 5 === 0 ? [`frame ${i}: größer`] : [];
    yield frame;
  }
}

const INTERFACES = ['lan', 'wan'];

function write(file: string, format: string, count: number): void {
  const pieces: Uint8Array[] = [];
  const out = new OutputBuffer((bytes) => pieces.push(bytes.slice()), 4096);
  const writer = format === 'pcapng' ? new PcapngWriter(out) : new PcapWriter(out, format === 'nsecpcap');
  writer.begin('packetwalk', 'written by a test');
  if (writer instanceof PcapngWriter) {
    for (const name of INTERFACES) writer.addInterface({ name, description: `the ${name}`, macAddress: Uint8Array.of(2, 0, 0, 0, 0, 1) });
  }
  for (const frame of frames(count)) writer.write(frame);
  out.flush();
  writeFileSync(file, Buffer.concat(pieces));
}

const hex = (n: number): string => n.toString(16).padStart(2, '0');

/** A frame as tshark would show it. */
function shown(frame: CaptureFrame, fields: readonly string[], names: readonly string[], decimals: number): string[] {
  const { head, offset, length } = frame;
  const fraction = String(frame.nanoseconds).padStart(9, '0').slice(0, decimals).padEnd(9, '0');
  const all = [
    `${frame.seconds}.${fraction}`,
    String(length),
    String(frame.originalLength),
    Array.from(head.buf.subarray(offset + 6, offset + 12), hex).join(':'),
    String(head.view.getUint16(offset + 34)),
    names[frame.interfaceId],
    frame.direction === 0 ? '' : `0x${frame.direction.toString(16).padStart(8, '0')}`,
    frame.packetId < 0 ? '' : String(frame.packetId),
    frame.comments.join(','),
  ];
  return all.slice(0, fields.length);
}

/** The frames of a file, as our reader sees them. */
function read(file: string, fields: readonly string[]): string[][] {
  const reader = new CaptureReader();
  reader.push(readFileSync(file));
  reader.finish();
  const rows: string[][] = [];
  for (let got = reader.next(); got !== CAPTURE_END; got = reader.next()) {
    expect(got).toBe(CAPTURE_FRAME);
    const names = reader.interfaces.map((i) => i.name);
    rows.push(shown(reader.frame, fields, names, 9));
  }
  return rows;
}

describe.skipIf(!INSTALLED && !CI)('what we write', () => {
  it.each([
    ['pcap', 6, FIELDS],
    ['nsecpcap', 9, FIELDS],
    ['pcapng', 9, PCAPNG_FIELDS],
  ] as const)('as %s is read by tshark, field by field', (format, decimals, fields) => {
    const file = at(`ours.${format}`);
    write(file, format, 500);
    expect(tshark(file, fields)).toEqual(Array.from(frames(500), (f) => shown(f, fields, INTERFACES, decimals)));
    expect(read(file, fields)).toEqual(tshark(file, fields));
  });

  it('is what capinfos expects', () => {
    write(at('info.pcapng'), 'pcapng', 20);
    const text = run('capinfos', '-M', at('info.pcapng'));
    for (const line of [
      /File type: +.*pcapng$/m,
      /File encapsulation: +ether/,
      /File timestamp precision: +nanoseconds \(9\)/,
      /Number of packets: +20$/m,
      /Capture application: +packetwalk/,
      /Capture comment: +written by a test/,
      /Number of interfaces in file: 2/,
      /Name = lan/,
      /Description = the wan/,
      /Time precision = nanoseconds \(9\)/,
    ]) {
      expect(text).toMatch(line);
    }
  });
});

describe.skipIf(!INSTALLED && !CI)('what others write', () => {
  it.each(['pcap', 'nsecpcap', 'pcapng'])('editcap as %s is read as tshark reads it', (format) => {
    write(at('from.pcapng'), 'pcapng', 300);
    const file = at(`editcap.${format}`);
    run('editcap', '-F', format, at('from.pcapng'), file);
    const fields = format === 'pcapng' ? PCAPNG_FIELDS : FIELDS;
    expect(read(file, fields)).toEqual(tshark(file, fields));
  });

  it('mergecap with the interfaces of several files is read as tshark reads it', () => {
    write(at('one.pcapng'), 'pcapng', 100);
    write(at('two.nsecpcap'), 'nsecpcap', 100);
    run('mergecap', '-w', at('merged.pcapng'), at('one.pcapng'), at('two.nsecpcap'));
    const merged = tshark(at('merged.pcapng'), FIELDS);
    expect(merged).toHaveLength(200);
    expect(read(at('merged.pcapng'), FIELDS)).toEqual(merged);
  });

  it('two sections in one file are read as tshark reads them', () => {
    write(at('first.pcapng'), 'pcapng', 10);
    execFileSync('sh', ['-c', 'cat first.pcapng first.pcapng >both.pcapng'], { cwd: folder });
    expect(read(at('both.pcapng'), FIELDS)).toEqual(tshark(at('both.pcapng'), FIELDS));
  });

  it('a modified pcap is refused by its name', () => {
    write(at('plain.pcap'), 'pcap', 3);
    run('editcap', '-F', 'modpcap', at('plain.pcap'), at('modified.pcap'));
    expect(() => read(at('modified.pcap'), FIELDS)).toThrow('byte 0: a modified pcap file');
  });
});
