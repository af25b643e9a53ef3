import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from './hex.ts';
import { formatPacket, parsePacket } from './packet-notation.ts';
import { PacketSyntaxError } from './packet-words.ts';

const NAMES = {
  a: { mac: '02:00:00:00:0a:02', ip: '10.0.0.2' },
  p0: { mac: '02:00:00:00:00:10' },
};

/** Text that prints as it was written. */
const LINES = [
  'eth a > p0 / ip 10.0.0.2 > 10.1.0.2 id 7 / udp 1000 > 2000 / "first: ARP comes before it"',
  'eth a > broadcast / arp who-has 10.0.0.1 tell 10.0.0.2',
  'eth p0 > a / arp reply 10.0.0.1 is-at p0 tell 10.0.0.2 / pad 0x00*18',
  'eth a > broadcast / arp op 3 10.0.0.2 > 10.0.0.1 tha 00:00:00:00:00:00',
  'eth a > p0 / vlan 5 prio 3 dei / vlan 6 / ip 10.0.0.2 > 10.1.0.2 ttl 1 / icmp echo id 1 seq 2 / "x"*12',
  'eth a > p0 / vlan 5 tpid 0x88a8 / ip 10.0.0.2 > 10.1.0.2 / icmp echo',
  'eth a > p0 / ip 10.0.0.2 > 10.1.0.2 tos 0xb8 df / tcp 1 > 2 PA seq 9 ack 8 win 512 opts 0x020405b4 / "data"',
  'eth a > p0 / ip 10.0.0.2 > 10.1.0.2 id 9 mf / udp 1 > 2 len 2008 csum 0x3c6c / ramp 0..792',
  'eth a > p0 / ip 10.0.0.2 > 10.1.0.2 id 9 mf frag 800 proto udp / ramp 38..838',
  'eth a > p0 / ip 10.0.0.2 > 10.1.0.2 opts 0x07070400000000 / udp 1 > 2 csum 0x0',
  'eth a > p0 / ip 10.0.0.2 > 10.1.0.2 ver 5 len 19 csum 0x1 / udp 1 > 2',
  'eth p0 > a / ip 10.0.0.1 > 10.0.0.2 tos 0xc0 / icmp frag-needed mtu 1400 / ip 10.0.0.2 > 10.1.0.2 ttl 63 df len 1500 / udp 1 > 2 len 1480 csum 0x0',
  'eth p0 > a / ip 10.0.0.1 > 10.0.0.2 / icmp redirect-host gw 10.0.0.9 / ip 10.0.0.2 > 10.1.0.2 / tcp 1 > 2 S',
  'eth p0 > a / ip 10.0.0.1 > 10.0.0.2 / icmp parameter-problem ptr 22 / ip 10.0.0.2 > 10.1.0.2 / tcp 1 > 2 none doff 3',
  'eth p0 > a / ip 10.0.0.1 > 10.0.0.2 / icmp timestamp-reply id 1 seq 2 orig 3 recv 4 xmit 5',
  'eth p0 > a / ip 10.0.0.1 > 10.0.0.2 / icmp type 42 code 7 rest 0x00010002 csum 0xffff',
  'eth p0 > a / ip 1.2.3.4 > 5.6.7.8 / ip 10.0.0.2 > 10.1.0.2 / icmp echo-reply',
  'eth p0 > a / ip 1.2.3.4 > 5.6.7.8 / gre sum key 7 seq 1 / ip 10.0.0.2 > 10.1.0.2 / icmp echo-reply / 0x00ff',
  'eth p0 > a / ip 1.2.3.4 > 5.6.7.8 / gre type 0x1234',
  'eth a > 01:80:c2:00:00:00 802.3 / 0x424203 / pad 0x00*43',
  'eth a > p0 type 0x9000 / "loopback \\"test\\" \\\\"',
  'eth a > p0 type 0x0800 / 0x4500',
  '0x0200',
  '0x',
];

describe('packet notation', () => {
  it.each(LINES)('prints as it was written: %s', (line) => {
    expect(formatPacket(parsePacket(line, NAMES), { names: NAMES })).toBe(line.replace('07070400000000 ', '0707040000000000 '));
  });

  // The bytes are those that scapy 2.5 makes of the same fields.
  it.each([
    ['ip 10.0.0.2 > 10.1.0.2 id 7 / udp 1000 > 2000 / "hello"', '08004500002100070000401166c10a0000020a01000203e807d0000d9c4568656c6c6f'],
    [
      'vlan 5 / ip 10.0.0.2 > 10.1.0.2 ttl 9 df / tcp 1 > 2 SA seq 3 ack 4 win 512 opts 0x020405b4 / "odd"',
      '8100000508004500002f0000400009065dc50a0000020a01000200010002000000030000000460120200aea00000020405b46f6464',
    ],
    [
      'ip 10.0.0.2 > 10.1.0.2 id 1 opts 0x070f04 0x00*12 / icmp echo id 1 seq 2 / "echo"',
      '08004900003000010000400157b90a0000020a010002070f040000000000000000000000000008002a2a000100026563686f',
    ],
    [
      'ip 10.0.0.2 > 10.1.0.2 id 1 / gre sum key 7 seq 8 / ip 1.1.1.1 > 2.2.2.2 / icmp echo id 1 seq 1',
      '08004500004000010000402f668a0a0000020a010002b000080047f0000000000007000000084500001c00000000400174dc01010101020202020800f7fd00010001',
    ],
  ])('computes lengths and checksums: %s', (line, hex) => {
    expect(toHex(parsePacket(`eth a > p0 / ${line}`, NAMES))).toBe(`020000000010020000000a02${hex}`);
  });

  it('takes names for addresses, glued arrows and numbers in hexadecimal', () => {
    const spaced = parsePacket('eth a > p0 / ip 10.0.0.2 > 10.1.0.2 ttl 16 / udp 1 > 2', NAMES);
    expect(parsePacket('eth a>p0/ip a>10.1.0.2 ttl 0x10/udp 1>2', NAMES)).toEqual(spaced);
  });

  it('starts at the IP header when told', () => {
    const line = 'ip 10.0.0.2 > 10.1.0.2 / icmp echo id 1 / "abc"';
    expect(formatPacket(parsePacket(line), { from: 'ip' })).toBe(line);
  });

  it.each([
    ['eth a > p9 / ip', 'column 9: the destination must be a MAC address or one of a, p0, not "p9"'],
    ['eth a p0', 'column 7: ">" is missing here'],
    ['eth a > p0 / ip 10.0.0.2 > 10.1.0.2 tll 3 / udp 1 > 2', 'column 37: ip has no "tll" (it has ttl, id, tos,'],
    ['eth a > p0 / ip 10.0.0.2 > 10.1.0.2 ttl 256 / udp 1 > 2', 'column 41: ttl must be a number of 0 to 255, not "256"'],
    ['eth a > p0 / "raw"', 'column 12: eth needs a type (or 802.3)'],
    ['eth a > p0 / ip 1.2.3.4 > 5.6.7.8 / "raw"', 'column 35: ip needs a proto'],
    ['eth a > p0 / ip 1.2.3.4 > 5.6.7.8 frag 12 / "raw"', 'column 40: frag is an offset in bytes, a multiple of 8'],
    ['eth a > p0 / ip 1.2.3.4 > 5.6.7.8 / sctp 1 > 2', 'column 37: "sctp" is not what can follow here (eth, vlan, arp,'],
    ['eth a > p0 / ip 1.2.3.4 > 5.6.7.8 / udp 1 > 2 / "a" / udp 1 > 2', 'column 55: "udp" is not what can follow here (pad)'],
    ['eth a > p0 / ip 1.2.3.4 > 5.6.7.8 / icmp echo mtu 3', 'column 47: icmp echo has no "mtu" (it has id, seq, rest, csum)'],
    ['udp 1 > 2', 'column 10: the checksum needs an ip layer in front'],
    ['eth a > p0 type 1 / "open', 'column 21: the string does not end'],
    ['eth a > p0 type 1 / "\\q"', 'column 22: unknown escape \\q'],
    ['eth a > p0 type 1 / "x"*65535 "x"*65535 "x"*65535', 'the payload is longer than'],
    ['eth a > p0 type 1 / pad 0x00 / "x"', 'column 30: nothing follows pad'],
    ['', 'column 1: a layer is missing here'],
  ])('says what is wrong with %s', (line, message) => {
    expect(() => parsePacket(line, NAMES)).toThrow(PacketSyntaxError);
    expect(() => parsePacket(line, NAMES)).toThrow(message);
  });
});

describe('every frame prints to text that parses back to it', () => {
  const roundTrips = (bytes: Uint8Array, from: 'eth' | 'ip' = 'eth'): void => {
    const text = formatPacket(bytes, { from, names: NAMES });
    expect(toHex(parsePacket(text, NAMES)), text).toBe(toHex(bytes));
  };

  it('random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom('eth' as const, 'ip' as const), roundTrips), {
      numRuns: 2000,
    });
  });

  it('frames with bytes changed, cut off and added', () => {
    const frames = LINES.map((line) => parsePacket(line, NAMES)).filter((frame) => frame.length > 0);
    const edits = fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...frames), edits, fc.nat(60), fc.uint8Array({ maxLength: 20 }), (frame, changes, cut, more) => {
        const bytes = Uint8Array.from([...frame.subarray(0, Math.max(0, frame.length - cut)), ...more]);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        roundTrips(bytes);
      }),
      { numRuns: 5000 },
    );
  });

  it('payloads of runs, ramps and text', () => {
    const piece = fc.oneof(
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(40))
        .map(([unit, times]) => Array.from({ length: times }, () => [...unit]).flat()),
      fc.tuple(fc.nat(250), fc.nat(600)).map(([from, length]) => Array.from({ length }, (_, i) => (from + i) % 251)),
      fc.string({ maxLength: 20 }).map((text) => [...new TextEncoder().encode(text)]),
    );
    const header = fromHex('02000000001002000000' + '0a029000') as Uint8Array;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => roundTrips(Uint8Array.from([...header, ...pieces.flat()]))),
      { numRuns: 1000 },
    );
  });
});
