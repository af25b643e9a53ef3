/** Filters: tcpdump decides which frames of a generated capture each of them takes; errors name the word. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CaptureFrame } from '../capture/frame.ts';
import { PcapWriter } from '../capture/pcap-writer.ts';
import { OutputBuffer } from '../capture/writer.ts';
import { SeededRandom } from '../clock.ts';
import { parsePacket } from '../testing/packet-notation.ts';
import { ETH_P_ARP, ETH_P_IP } from '../wire/ethernet.ts';
import { compileFilter } from './filter.ts';

const INSTALLED = spawnSync('tcpdump', ['--version']).status === 0;
const FRAMES = 600;
const HOSTS = ['10.0.0.1', '10.0.0.2', '10.1.0.1', '192.168.1.7', '224.0.0.5', '255.255.255.255'];
const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:05'];
const PORTS = [22, 53, 80, 443, 1024, 65535];
const random = new SeededRandom(20);
const pick = <T>(from: readonly T[]): T => from[(random.int32() >>> 0) % from.length];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'packetwalk-filter-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function someFrame(): Uint8Array {
  const eth = `eth ${pick(MACS)} > ${pick(MACS)}`;
  const tags = pick(['', '', ` / vlan ${pick([1, 10, 20])}`, ` / vlan ${pick([10, 20])} / vlan ${pick([10, 30])}`]);
  const text = `"${'x'.repeat((random.int32() >>> 0) % 200)}"`;
  const ip = `ip ${pick(HOSTS)} > ${pick(HOSTS)} ttl 64`;
  const upper = pick([
    `${ip} / udp ${pick(PORTS)} > ${pick(PORTS)} / ${text}`,
    `${ip} / tcp ${pick(PORTS)} > ${pick(PORTS)} S / ${text}`,
    `${ip} / icmp echo id 1 seq 1 / ${text}`,
    `${ip} frag 8 proto ${pick([6, 17])} / ${text}`,
    `${ip} proto ${pick([2, 47, 50, 51, 103, 112, 132])} / ${text}`,
  ]);
  const arp = `arp who-has ${pick(HOSTS)} tell ${pick(HOSTS)}`;
  return parsePacket(`${eth}${tags} / ${pick([upper, upper, upper, arp])}`);
}

const PRIMITIVES = [
  () => `host ${pick(HOSTS)}`,
  () => `src ${pick(HOSTS)}`,
  () => `${pick(['src', 'dst', 'src or dst', 'src and dst', 'dst or src'])} host ${pick(HOSTS)}`,
  () => `${pick(['ip', 'arp', 'rarp'])} ${pick(['', 'src ', 'dst '])}host ${pick(HOSTS)}`,
  () =>
    `${pick(['', 'src ', 'dst '])}net ${pick(['10.0.0.0/8', '10.0.0.0/24', '10.0', '10', '192.168.1', '10.1.0.0 mask 255.255.0.0', '0.0.0.0/0'])}`,
  () => `${pick(['', 'tcp ', 'udp ', 'sctp '])}${pick(['', 'src ', 'dst ', 'src and dst '])}port ${pick(PORTS)}`,
  () => `${pick(['', 'tcp ', 'udp '])}${pick(['', 'src '])}portrange ${pick(['20-80', '443-53', '1024-65535', '80'])}`,
  () => pick(['ip', 'ip6', 'arp', 'rarp', 'icmp', 'igmp', 'tcp', 'udp', 'sctp', 'esp', 'ah', 'pim', 'vrrp', 'icmp6']),
  () => `ip proto ${pick(['17', '0x2f', '\\icmp'])}`,
  () => `proto ${pick(['6', '47'])}`,
  () => `ether proto ${pick(['0x806', '\\ip', '0x8100'])}`,
  () => `ether ${pick(['src', 'dst', 'host', 'src or dst', 'src and dst'])} ${pick(MACS)}`,
  () => pick(['ether broadcast', 'broadcast', 'ether multicast', 'multicast', 'ip multicast']),
  () => `${pick(['less', 'greater'])} ${pick([0, 60, 98, 150])}`,
  () => pick(['vlan', 'vlan 10', 'vlan 20']),
  () => `host ${pick(HOSTS)} or ${pick(HOSTS)}`,
  () => `port ${pick(PORTS)} or ${pick(PORTS)}`,
  () => `host (${pick(HOSTS)} or ${pick(HOSTS)})`,
];

function someFilter(depth = 0): string {
  const kind = depth > 3 ? 0 : (random.int32() >>> 0) % 6;
  if (kind === 1) return `not ${someFilter(depth + 1)}`;
  if (kind === 2) return `(${someFilter(depth + 1)})`;
  if (kind > 2) return `${someFilter(depth + 1)} ${pick(['and', 'or', '&&', '||'])} ${someFilter(depth + 1)}`;
  return pick(PRIMITIVES)();
}

/** Writes the frames, each with its number as the time stamp. */
function writeCapture(file: string, frames: readonly Uint8Array[]): void {
  const chunks: Uint8Array[] = [];
  const out = new OutputBuffer((bytes) => chunks.push(bytes.slice()));
  const writer = new PcapWriter(out, false);
  writer.begin();
  const frame = new CaptureFrame();
  for (const [i, bytes] of frames.entries()) {
    frame.head = { buf: bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
    frame.length = bytes.length;
    frame.originalLength = bytes.length;
    frame.seconds = i;
    writer.write(frame);
  }
  out.flush();
  writeFileSync(file, Buffer.concat(chunks));
}

/** Numbers of the frames that tcpdump takes; null when it refuses the filter. */
function askTcpdump(file: string, filter: string): number[] | null {
  const { status, stdout } = spawnSync('tcpdump', ['-r', file, '-nn', '-tt', '-q', filter], { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) return null;
  return stdout.split('\n').flatMap((line) => (/^\d+\.\d{6} /.test(line) ? [Number.parseInt(line, 10)] : []));
}

const take = (filter: string, frames: readonly Uint8Array[]): number[] => {
  const { frame } = compileFilter(filter);
  return frames.flatMap((f, i) => (frame(new DataView(f.buffer, f.byteOffset, f.length), 0, f.length) ? [i] : []));
};

describe.skipIf(!INSTALLED && process.env.CI === undefined)('beside tcpdump', () => {
  it('takes the same frames', () => {
    const frames = Array.from({ length: FRAMES }, someFrame);
    const file = join(folder, 'frames.pcap');
    writeCapture(file, frames);
    let compared = 0;
    let taken = 0;
    for (let i = 0; i < 250; i++) {
      const filter = i < PRIMITIVES.length ? PRIMITIVES[i]() : someFilter();
      const theirs = askTcpdump(file, filter);
      // tcpdump refuses what can match nothing ("expression rejects all packets"), and a value behind a parenthesis.
      if (theirs === null) continue;
      expect(take(filter, frames), filter).toEqual(theirs);
      compared++;
      taken += theirs.length;
    }
    expect(compared).toBeGreaterThan(200);
    expect(taken).toBeGreaterThan(compared * 20);
  });

  it('is refused where tcpdump refuses', () => {
    const file = join(folder, 'one.pcap');
    writeCapture(file, [someFrame()]);
    for (const filter of [
      'host 10.0.0.0/8',
      'dst 10.0.0.0/8',
      'net 10.0.0.1/8',
      'tcp host 10.0.0.1',
      'icmp port 1',
      'port 70000',
      'host',
      '10.0.0.1',
      '(tcp',
      'tcp)',
    ]) {
      expect(askTcpdump(file, filter), filter).toBeNull();
      expect(() => compileFilter(filter), filter).toThrow(/^filter: /);
    }
  });
});

describe('a filter', () => {
  it.each([
    ['hots 10.0.0.1', 'filter: "hots": unknown, did you mean "host"?'],
    ['10.0.0.1', 'filter: "10.0.0.1": say what it is: host 10.0.0.1'],
    ['host 10.0.0.0/8', 'filter: "10.0.0.0/8": a mask goes with net: net 10.0.0.0/8'],
    ['host example.org', 'filter: "example.org": no IPv4 address (names are not looked up)'],
    ['host 02:00:00:00:00:01', 'filter: "02:00:00:00:00:01": a MAC address needs ether in front: ether host 02:00:00:00:00:01'],
    ['net 10.0.0.1/8', 'filter: "10.0.0.1/8": bits are set behind the mask'],
    ['icmp port 1', 'filter: "port": icmp has no ports'],
    ['tcp and', 'filter: something must follow "and"'],
    ['(tcp or udp', 'filter: a parenthesis is not closed'],
    ['tcp)', 'filter: ")": no parenthesis is open'],
    ['tcp udp', 'filter: "udp": and, or missing in front of it'],
    ['tcp[13] & 2 != 0', 'filter: "tcp[13]": bytes by offset are not supported'],
    ['port nowhere', 'filter: "nowhere": no port: 0 to 65535, or the name of a service'],
    ['vlan 5000', 'filter: "5000": a VLAN id is a number from 0 to 4095'],
  ])('%s: %s', (text, message) => {
    expect(() => compileFilter(text)).toThrow(expect.objectContaining({ message, status: 2 }));
  });

  it('names services', () => {
    const dns = parsePacket('eth 02:00:00:00:00:01 > 02:00:00:00:00:02 / ip 10.0.0.1 > 10.0.0.2 / udp 4000 > 53');
    expect(take('udp port domain', [dns])).toEqual([0]);
  });

  it('takes packets without a frame by their network header', () => {
    const packet = parsePacket('ip 10.0.0.1 > 10.0.0.2 / udp 4000 > 53');
    const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
    const at = (text: string, type = ETH_P_IP): boolean => compileFilter(text).network(view, 0, packet.length, type);
    expect([at('udp dst port 53'), at('host 10.0.0.2'), at('not tcp'), at('')]).toEqual([true, true, true, true]);
    expect([at('ether host 02:00:00:00:00:01'), at('vlan'), at('ip', ETH_P_ARP)]).toEqual([false, false, false]);
  });

  it('fails, and does not throw, where the packet ends early', () => {
    const whole = parsePacket('eth 02:00:00:00:00:01 > 02:00:00:00:00:02 / vlan 10 / ip 10.0.0.1 > 10.0.0.2 / udp 4000 > 53');
    const END_OF_PORTS = 42;
    for (let length = 0; length < END_OF_PORTS; length++) {
      const cut = whole.slice(0, length);
      for (const text of ['vlan 10 and udp port 53', 'ether src 02:00:00:00:00:01 and multicast']) expect(take(text, [cut])).toEqual([]);
    }
  });
});
