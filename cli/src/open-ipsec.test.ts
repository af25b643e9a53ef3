import { formatPacket, fromHex } from '@packetwalk/framework/testing';
import { describe, expect, it } from 'vitest';
import { openIpsec } from './open-ipsec.ts';

const CIPHER = '000102030405060708090a0b0c0d0e0f';
const SALTED = `${CIPHER}73616c74`;
const SECRET = '000102030405060708090a0b0c0d0e0f10111213';

const KEYS = [
  { spi: 1, crypt: 'AES-GCM', ckey: SALTED },
  { spi: 2, crypt: 'AES-CTR', ckey: SALTED, auth: 'SHA2-256-128', akey: SECRET, mode: 'transport' },
  { spi: 3, crypt: 'NULL', auth: 'HMAC-MD5-96', akey: '00'.repeat(16), mode: 'transport' },
  { spi: 4, crypt: 'AES-CBC', ckey: CIPHER.repeat(2), auth: 'SHA2-512-256', akey: SECRET },
  { spi: 5, auth: 'HMAC-SHA1-96', akey: SECRET, mode: 'transport' },
  { spi: 6, auth: 'SHA2-384-192', akey: SECRET, mode: 'transport' },
] as const;

const UDP = 'udp 1 > 2 / "inside"';
const INSIDE = `ip 10.0.0.2 > 10.1.0.2 id 7 / ${UDP}`;

/** Packets that scapy 2.5 made, and what is inside. */
const PACKETS = [
  [
    'ESP, AES-GCM, tunnel',
    '45000058000000004032f670c0000201c0000202000000010000000100000000000000008e02ee06f91f297937f891bf843afe00214c833302e0d7a953612ca95fbf556a4385f407efd142ef636182bed92792949781f1dd',
    INSIDE,
  ],
  [
    'ESP, AES-CTR, transport',
    '45000044000700004032667d0a0000020a01000200000002000000010001020304050607d092e8320c66752114e4a6b865ff10057168fff6c5bd0f2a6363084fbc92bd6d',
    INSIDE,
  ],
  [
    'ESP, no cipher, transport',
    '4500003800070000403266890a0000020a010002000000030000000100010002000eaa8d696e7369646500116c8d6e7d2a1e3063623fec51',
    INSIDE,
  ],
  [
    'ESP, AES-CBC, tunnel',
    '4500007c000000004032f64cc0000201c0000202000000040000000100000000000000000000000000000000f4bc18d426fd08cc6d88abd6de3efb368fd04700ef33a51dbf770c4763ad7f356b20febf0d3d52284e3bbea0184935ad07912a70b54c0de9e3859f8c10ff0f3f8c4765751462a94806342ad67a625edb',
    INSIDE,
  ],
  [
    'AH, transport',
    '4509003a000700000333a37d0a0000020a010002110400000000000500000001a09c84eda757b0463398b5d300010002000eaa8d696e73696465',
    `ip 10.0.0.2 > 10.1.0.2 ttl 3 id 7 tos 0x9 / ${UDP}`,
  ],
  [
    'AH, options, transport',
    '48000052000700004033c4610a0000020a0100029404000007070400000000011107000000000006000000019f15c1ca9e3100892b4b4019514134ad93ccd28e140fa3b900010002000eaa8d696e73696465',
    `ip 10.0.0.2 > 10.1.0.2 id 7 opts 0x940400000707040000000001 / ${UDP}`,
  ],
] as const;

describe.each(PACKETS)('%s', (_name, hex, inside) => {
  const packet = fromHex(hex) as Uint8Array;

  it('opens', () => {
    const { inner, sequence } = openIpsec(packet, KEYS);
    expect(formatPacket(inner, { from: 'ip' })).toBe(inside);
    expect(sequence).toBe(1);
  });

  it('does not open with a byte changed', () => {
    for (const at of [packet.length - 1, packet.length - 20]) expect(() => openIpsec(packet.with(at, packet[at] ^ 1), KEYS)).toThrow();
  });

  it('does not open without its key, or when it is cut', () => {
    expect(() => openIpsec(packet, [])).toThrow('no key for SPI');
    expect(() => openIpsec(packet.subarray(0, -1), KEYS)).toThrow('shorter or longer');
  });
});

it('checks AH over what stays the same on the way only', () => {
  const packet = fromHex(PACKETS[4][1]) as Uint8Array;
  expect(openIpsec(packet.with(8, 2), KEYS).sequence).toBe(1);
  expect(() => openIpsec(packet.with(15, 9), KEYS)).toThrow('check value');
});
