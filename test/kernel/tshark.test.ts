/** The packet notation against a peer: which checksums are right, and which fields stand where, by tshark's dissectors. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatPacket } from '../../framework/src/testing/packet-notation.ts';
import { readScenario, scenarioNames } from './corpus.ts';

const hasTshark = spawnSync('tshark', ['--version']).status === 0;

/** Whole IPv4 packets whose header says what they are; not those with a source route, whose checksums tshark takes to be for its end. */
const frames = scenarioNames()
  .map((name) => readScenario(name))
  .flatMap(({ scenario, expect: records }) => [...scenario.events, ...records])
  .flatMap((item) => ('frame' in item ? [item.frame] : []))
  .filter(
    (frame) =>
      / \/ ip /.test(formatPacket(frame)) &&
      !/ (ver|ihl|len|mf|frag|doff|opts 0x\w*8[39]) ?/.test(formatPacket(frame).split(' / icmp ')[0]),
  );

/** A capture of the frames: pcap, Ethernet, all at time 0. */
function capture(): Uint8Array {
  const header = new DataView(new ArrayBuffer(24));
  for (const [at, value] of [
    [0, 0xa1b2c3d4],
    [16, 262144],
    [20, 1],
  ])
    header.setUint32(at, value);
  header.setUint32(4, 0x00020004);
  const parts = frames.flatMap((frame) => {
    const record = new DataView(new ArrayBuffer(16));
    record.setUint32(8, frame.length);
    record.setUint32(12, frame.length);
    return [new Uint8Array(record.buffer), frame];
  });
  return Buffer.concat([new Uint8Array(header.buffer), ...parts]);
}

const CHECKS = ['ip', 'udp', 'tcp', 'icmp'] as const;
const FIELDS = [
  'ip.src',
  'ip.dst',
  'ip.ttl',
  'ip.id',
  'ip.dsfield',
  'udp.srcport',
  'tcp.srcport',
  'tcp.seq_raw',
  'icmp.type',
  'icmp.code',
] as const;
type Dissected = Readonly<Record<(typeof FIELDS)[number] | `${(typeof CHECKS)[number]}.checksum.status`, string>>;

function dissect(): Dissected[] {
  const names = [...FIELDS, ...CHECKS.map((protocol) => `${protocol}.checksum.status` as const)];
  const preferences = ['ip', 'udp', 'tcp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);
  const columns = ['-T', 'fields', '-E', 'occurrence=f', '-E', 'separator=|', ...names.flatMap((name) => ['-e', name])];
  const folder = mkdtempSync(join(tmpdir(), 'packets-'));
  try {
    const file = join(folder, 'packets.pcap');
    writeFileSync(file, capture());
    const output = execFileSync('tshark', ['-n', '-r', file, ...preferences, ...columns], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const lines = output.trimEnd().split('\n');
    return lines.map((line) => Object.fromEntries(line.split('|').map((value, i) => [names[i], value])) as Dissected);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** tshark's word for a checksum. */
const BAD = '0';
const GOOD = '1';

describe.skipIf(!hasTshark)('packets in print, and tshark', () => {
  const dissected = hasTshark ? dissect() : [];
  const lines = frames.map((frame) => formatPacket(frame).split(' / '));

  it('sees the same packets', () => {
    expect(dissected.length).toBe(frames.length);
    expect(frames.length).toBeGreaterThan(2000);
  });

  it.each(CHECKS)('agrees on the checksums of %s', (protocol) => {
    let compared = 0;
    for (const [i, layers] of lines.entries()) {
      const layer = layers.slice(0, 4).find((text) => text.startsWith(`${protocol} `));
      const status = dissected[i][`${protocol}.checksum.status`];
      if (layer === undefined || (status !== BAD && status !== GOOD)) continue;
      expect(/ csum /.test(layer) ? BAD : GOOD, layers.join(' / ')).toBe(status);
      compared++;
    }
    expect(compared).toBeGreaterThan(20);
  });

  it('agrees on what stands in the headers', () => {
    for (const [i, layers] of lines.entries()) {
      const field = (layer: string, name: string, usual: string): string =>
        new RegExp(`^${layer} .*\\b${name} (\\S+)`).exec(layers.find((text) => text.startsWith(`${layer} `)) ?? '')?.[1] ?? usual;
      const of = dissected[i];
      const [, source, destination] = /ip (\S+) > (\S+)/.exec(layers.join(' / ')) ?? [];
      expect([source, destination]).toEqual([of['ip.src'], of['ip.dst']]);
      expect(Number(field('ip', 'ttl', '64'))).toBe(Number(of['ip.ttl']));
      expect(Number(field('ip', 'id', '0'))).toBe(Number(of['ip.id']));
      expect(Number(field('ip', 'tos', '0'))).toBe(Number(of['ip.dsfield']));
      if (layers[2]?.startsWith('tcp ')) expect(Number(field('tcp', 'seq', '0'))).toBe(Number(of['tcp.seq_raw']));
      if (layers[2]?.startsWith('udp ') && of['udp.srcport'] !== '') expect(layers[2].split(' ')[1]).toBe(of['udp.srcport']);
    }
  });
});
