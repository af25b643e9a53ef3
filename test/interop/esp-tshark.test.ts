/** What the transforms make, opened by tshark: every ICV good, every text the one that went in. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CaptureFrame, consumeSkb, OutputBuffer, PcapWriter, SeededRandom, SkbHead } from '@packetwalk/framework';
import { TestRouter, toHex } from '@packetwalk/framework/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AEAD_ALGORITHMS,
  AUTH_ALGORITHMS,
  aeadIvs,
  algorithmByName,
  authenc,
  ENC_ALGORITHMS,
} from '../../plugins/xfrm/src/crypto/algorithms.ts';
import { Esp, type EspInUdp } from '../../plugins/xfrm/src/esp.ts';
import { bytesOf, ipv4Packet, packetOf, protect } from '../../plugins/xfrm/src/testing/transforms.ts';

/** In CI a tool that is missing is a failure, not a skip. */
const CI = process.env.CI !== undefined;
const INSTALLED = spawnSync('tshark', ['-v']).status === 0;
const SHA1 = 'HMAC-SHA-1-96 [RFC2404]';
const SHA256 = 'HMAC-SHA-256-128 [RFC4868]';

const random = new SeededRandom(4301);
const octets = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random.below(256));
const { net } = new TestRouter({ plugins: [] });

interface Association {
  readonly spi: number;
  readonly esp: Esp;
  readonly tfcpad: number;
  /** Its line of Wireshark's table. */
  readonly line: string;
}

let nextSpi = 0x4000;
function association(esp: Esp, cipher: string, key: Uint8Array, auth: string, authKey: Uint8Array, tfcpad = 0): Association {
  const spi = nextSpi++;
  const hex = (bytes: Uint8Array): string => (bytes.length === 0 ? '' : `0x${toHex(bytes)}`);
  return { spi, esp, tfcpad, line: `"IPv4","*","*","0x${spi.toString(16)}","${cipher}","${hex(key)}","${auth}","${hex(authKey)}"` };
}

function combined(
  enc: string,
  size: number,
  cipher: string,
  mac: string,
  icvSize: number,
  auth: string,
  encap: EspInUdp | null = null,
): Association {
  const key = octets(size);
  const authKey = octets(mac === 'hmac(sha512)' ? 64 : 32);
  const aead = authenc(
    algorithmByName(ENC_ALGORITHMS, enc)!.create(key),
    algorithmByName(AUTH_ALGORITHMS, mac)!.create(authKey, icvSize),
    false,
    random,
  );
  return association(new Esp(aead, encap, 0), cipher, key, auth, authKey);
}

function gcm(size: number, icvSize: number, tfcpad = 0, encap: EspInUdp | null = null): Association {
  const key = octets(size + 4);
  const aead = AEAD_ALGORITHMS[0].create(key, icvSize, false, aeadIvs(random));
  const cipher = `AES-GCM${icvSize === 16 ? ' with 16 octet ICV' : icvSize === 12 ? ' with 12 octet ICV' : ' with 8 octet ICV'} [RFC4106]`;
  return association(new Esp(aead, encap, tfcpad), cipher, key, 'NULL', new Uint8Array(0), tfcpad);
}

const associations: Association[] = [
  combined('cbc(aes)', 16, 'AES-CBC [RFC3602]', 'hmac(sha1)', 12, SHA1),
  combined('cbc(aes)', 24, 'AES-CBC [RFC3602]', 'hmac(sha256)', 16, SHA256),
  combined('cbc(aes)', 32, 'AES-CBC [RFC3602]', 'hmac(sha384)', 24, 'HMAC-SHA-384-192 [RFC4868]'),
  combined('cbc(aes)', 32, 'AES-CBC [RFC3602]', 'hmac(sha512)', 32, 'HMAC-SHA-512-256 [RFC4868]'),
  combined('rfc3686(ctr(aes))', 20, 'AES-CTR [RFC3686]', 'hmac(sha1)', 12, SHA1),
  combined('rfc3686(ctr(aes))', 36, 'AES-CTR [RFC3686]', 'hmac(sha256)', 16, SHA256),
  combined('ecb(cipher_null)', 0, 'NULL', 'hmac(sha1)', 12, SHA1),
  gcm(16, 16),
  gcm(16, 12),
  gcm(16, 8),
  gcm(24, 16),
  gcm(32, 16),
  gcm(16, 16, 400),
  gcm(32, 16, 0, { sport: 4500, dport: 4500 }),
  combined('cbc(aes)', 16, 'AES-CBC [RFC3602]', 'hmac(sha256)', 16, SHA256, { sport: 4500, dport: 4500 }),
];
const SIZES = [1, 40, 63, 64, 500, 517, 1300];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'packetwalk-esp-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** For experiments (RFC 3692): tshark sees plain data in it. */
const IPPROTO_EXPERIMENT = 253;

/** tshark shows the trailer of what it has no dissector for: padding, its length, the protocol. */
function withoutTrailer(line: string): string {
  expect(line.slice(-2)).toBe(IPPROTO_EXPERIMENT.toString(16));
  return line.slice(0, -2 * (Number.parseInt(line.slice(-4, -2), 16) + 2));
}

describe.skipIf(!INSTALLED && !CI)('tshark', () => {
  it('opens what every suite sealed, and finds each ICV good', () => {
    const pieces: Uint8Array[] = [];
    const out = new OutputBuffer((bytes) => pieces.push(bytes.slice()), 4096);
    const writer = new PcapWriter(out, false);
    writer.begin();
    const frame = new CaptureFrame();
    const expected: string[] = [];
    for (const { spi, esp, tfcpad } of associations) {
      for (const [i, size] of SIZES.entries()) {
        const text = octets(size);
        const skb = packetOf(net, ipv4Packet({ protocol: IPPROTO_EXPERIMENT, id: i }, new Uint8Array(0), text));
        protect(skb, esp, { spi, seq: i + 1, seqHi: 0 });
        const packet = bytesOf(skb);
        consumeSkb(skb);
        const bytes = Uint8Array.from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, ...packet]);
        Object.assign(frame, { head: new SkbHead(bytes), length: bytes.length, originalLength: bytes.length });
        writer.write(frame);
        expected.push([`0x${spi.toString(16).padStart(8, '0')}`, i + 1, '1', toHex(text).padEnd(tfcpad * 2, '0')].join('\t'));
      }
    }
    out.flush();
    const file = join(folder, 'esp.pcap');
    writeFileSync(file, Buffer.concat(pieces));
    const table = associations.flatMap(({ line }) => ['-o', `uat:esp_sa:${line}`]);
    const fields = ['esp.spi', 'esp.sequence', 'esp.icv_good', 'data.data'].flatMap((name) => ['-e', name]);
    const { status, stdout } = spawnSync(
      'tshark',
      [
        ...['-n', '-r', file, '-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE', ...table],
        ...['-T', 'fields', '-E', 'occurrence=l', ...fields],
      ],
      { encoding: 'utf8', maxBuffer: 1 << 26 },
    );
    expect(status).toBe(0);
    expect(stdout.trimEnd().split('\n').map(withoutTrailer)).toEqual(expected);
  });
});
