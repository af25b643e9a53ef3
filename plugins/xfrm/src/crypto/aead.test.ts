/** Every suite gives what node:crypto gives, byte for byte, in whatever order packets come; damage is seen. */
import { createCipheriv, createHmac, getCiphers } from 'node:crypto';
import { SeededRandom } from '@packetwalk/framework';
import { type BlockCipher, blockCipher, blockDecipher, secretKey } from '@packetwalk/framework/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Aead, ESP_HLEN, type IvSource } from './aead.ts';
import { AEAD_ALGORITHMS, AUTH_ALGORITHMS, algorithmByName, ENC_ALGORITHMS } from './algorithms.ts';
import { Authenc } from './authenc.ts';
import { EcbChain, EcbUnchain } from './cbc.ts';
import { memory } from './ctr-ghash.ts';

/** The IV that a test wants. */
class GivenIv implements IvSource {
  bytes: Uint8Array = new Uint8Array(0);
  write(view: DataView, at: number): void {
    for (let i = 0; i < this.bytes.length; i++) view.setUint8(at + i, this.bytes[i]);
  }
}

interface Suite {
  readonly name: string;
  readonly ivSize: number;
  readonly blockSize: number;
  create(key: Uint8Array, esn: boolean, iv: IvSource): Aead;
  readonly keySize: number;
  /** Text and ICV as node:crypto has them; undefined when it lacks the cipher (Deno, keys of 192 bits). */
  readonly seal: SealedByHost | undefined;
}

type SealedByHost = (key: Uint8Array, iv: Uint8Array, head: Uint8Array, seqHi: number, esn: boolean, text: Uint8Array) => Buffer;

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

function aead(name: string, bits: number, icvBits: number): Suite {
  const algorithm = algorithmByName(AEAD_ALGORITHMS, name)!;
  const host = name.includes('gcm') ? `aes-${bits}-gcm` : 'chacha20-poly1305';
  const seal: SealedByHost = (key, iv, head, seqHi, esn, text) => {
    const nonce = Buffer.concat([key.subarray(-4), iv]);
    const cipher = createCipheriv(host as 'aes-128-gcm', key.subarray(0, -4), nonce, { authTagLength: icvBits / 8 });
    cipher.setAAD(esn ? Buffer.concat([head.subarray(0, 4), uint32(seqHi), head.subarray(4)]) : head);
    return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  };
  return {
    name: `${name} ${bits} icv ${icvBits}`,
    ivSize: 8,
    blockSize: 1,
    keySize: bits / 8 + 4,
    create: (key, esn, iv) => algorithm.create(key, icvBits / 8, esn, iv),
    seal: getCiphers().includes(host) ? seal : undefined,
  };
}

function authenc(enc: string, bits: number, auth: string, icvBits: number): Suite {
  const cipher = algorithmByName(ENC_ALGORITHMS, enc)!;
  const mac = algorithmByName(AUTH_ALGORITHMS, auth)!;
  const macKeySize = 20;
  const host = enc === 'cbc(aes)' ? `aes-${bits}-cbc` : `aes-${bits - 32}-ctr`;
  const encrypt = (key: Uint8Array, iv: Uint8Array, text: Uint8Array): Buffer => {
    if (bits === 0) return Buffer.from(text);
    const ctr = host.endsWith('ctr');
    const cipher = ctr
      ? createCipheriv(host, key.subarray(0, -4), Buffer.concat([key.subarray(-4), iv, uint32(1)]))
      : createCipheriv(host, key, iv);
    return cipher.setAutoPadding(false).update(text);
  };
  const seal: SealedByHost = (key, iv, head, seqHi, esn, text) => {
    const ciphertext = encrypt(key.subarray(macKeySize), iv, text);
    if (icvBits === 0) return ciphertext;
    const mac = createHmac(/\((.*)\)/.exec(auth)![1], key.subarray(0, macKeySize))
      .update(head)
      .update(iv)
      .update(ciphertext);
    if (esn) mac.update(uint32(seqHi));
    return Buffer.concat([ciphertext, mac.digest().subarray(0, icvBits / 8)]);
  };
  const made = cipher.create(new Uint8Array(bits / 8));
  return {
    name: `${enc} ${bits} ${auth} ${icvBits}`,
    ivSize: made.ivSize,
    blockSize: made.blockSize,
    keySize: bits / 8 + macKeySize,
    create: (key, esn, iv) =>
      new Authenc(cipher.create(key.subarray(macKeySize)), mac.create(key.subarray(0, macKeySize), icvBits / 8), esn, iv),
    seal: bits === 0 || getCiphers().includes(host) ? seal : undefined,
  };
}

const SUITES: Suite[] = [
  ...[128, 192, 256].flatMap((bits) => [64, 96, 128].map((icv) => aead('rfc4106(gcm(aes))', bits, icv))),
  aead('rfc7539esp(chacha20,poly1305)', 256, 128),
  ...[128, 192, 256].map((bits) => authenc('cbc(aes)', bits, 'hmac(sha1)', 96)),
  authenc('cbc(aes)', 256, 'hmac(sha256)', 128),
  authenc('cbc(aes)', 128, 'hmac(sha256)', 96),
  authenc('cbc(aes)', 256, 'hmac(sha384)', 192),
  authenc('cbc(aes)', 256, 'hmac(sha512)', 256),
  ...[160, 224, 288].map((bits) => authenc('rfc3686(ctr(aes))', bits, 'hmac(sha1)', 96)),
  authenc('ecb(cipher_null)', 0, 'hmac(sha256)', 128),
  authenc('ecb(cipher_null)', 0, 'digest_null', 0),
  authenc('cbc(aes)', 128, 'digest_null', 0),
];

const ESP = 3;

function packet(suite: Suite, icvSize: number, head: Uint8Array, iv: Uint8Array, rest: Uint8Array) {
  const buf = new Uint8Array(ESP + ESP_HLEN + suite.ivSize + rest.length + icvSize + 5).fill(0xee);
  buf.set(head, ESP);
  buf.set(iv, ESP + ESP_HLEN);
  buf.set(rest, ESP + ESP_HLEN + suite.ivSize);
  return { buf, view: new DataView(buf.buffer) };
}

/** Text of whole blocks, short and long. */
const texts = (block: number): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constantFrom(511, 512, 513, 1400, 2047, 2048, 2049, 5000)), fc.integer())
    .map(([size, seed]) => {
      const random = new SeededRandom(seed);
      return Uint8Array.from({ length: Math.max(block, size - (size % block)) }, () => random.below(256));
    });

describe.each(SUITES)('$name', (suite) => {
  const bytes = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });
  const packets = fc.array(fc.tuple(bytes(8), bytes(suite.ivSize), fc.integer(), texts(suite.blockSize), fc.boolean()), {
    minLength: 1,
    maxLength: 4,
  });

  it('seals as node:crypto does, and opens what it sealed, one packet after the other', () => {
    fc.assert(
      fc.property(bytes(suite.keySize), fc.boolean(), packets, (key, esn, list) => {
        const given = new GivenIv();
        const sealer = suite.create(key, esn, given);
        const opener = suite.create(key, esn, given);
        for (const [head, iv, seqHi, text, both] of list) {
          given.bytes = iv;
          const p = packet(suite, sealer.icvSize, head, new Uint8Array(suite.ivSize), text);
          sealer.seal(p, ESP, text.length, seqHi);
          const sealed = suite.seal?.(key, iv, head, seqHi, esn, text);
          if (sealed !== undefined) expect(Buffer.from(p.buf)).toEqual(Buffer.from(packet(suite, 0, head, iv, sealed).buf));
          const end = ESP + ESP_HLEN + suite.ivSize + text.length;
          if (sealer.icvSize > 0) {
            const damaged = { buf: p.buf.slice(), view: new DataView(new ArrayBuffer(0)) };
            damaged.view = new DataView(damaged.buf.buffer);
            damaged.buf[both ? ESP + ESP_HLEN + suite.ivSize : end + sealer.icvSize - 1] ^= 1;
            expect(opener.open(damaged, ESP, text.length, seqHi)).toBe(false);
            if (esn) expect(opener.open({ ...p, buf: p.buf }, ESP, text.length, seqHi ^ 1)).toBe(false);
          }
          // The sealing object opens too: its two directions do not disturb each other.
          const object = both ? opener : sealer;
          expect(object.open(p, ESP, text.length, seqHi)).toBe(true);
          expect(Buffer.from(p.buf.subarray(ESP + ESP_HLEN + suite.ivSize, end))).toEqual(Buffer.from(text));
          expect(p.buf.subarray(0, ESP)).toEqual(new Uint8Array(ESP).fill(0xee));
          expect(p.buf.subarray(-5)).toEqual(new Uint8Array(5).fill(0xee));
        }
        sealer.destroy();
        opener.destroy();
      }),
      { numRuns: 25 },
    );
  });
});

it('CBC out of ECB is CBC', () => {
  const key = secretKey(new Uint8Array(16).fill(5));
  const pair = (name: string): [BlockCipher, BlockCipher] => [
    blockCipher(name, key, new Uint8Array(16)),
    blockDecipher(name, key, new Uint8Array(16)),
  ];
  const [encipher, decipher] = pair('aes-128-cbc');
  const chain = new EcbChain('aes-128-cbc', key, 16);
  const unchain = new EcbUnchain('aes-128-cbc', key, 16);
  fc.assert(
    fc.property(texts(16), (text) => {
      const encrypted = encipher.update(text);
      expect(Buffer.from(chain.update(text))).toEqual(Buffer.from(encrypted));
      expect(Buffer.from(unchain.update(encrypted))).toEqual(Buffer.from(text));
      expect(Buffer.from(decipher.update(encrypted))).toEqual(Buffer.from(text));
    }),
    { numRuns: 30 },
  );
});

it('nothing of a packet is left in the module when a key goes', () => {
  const algorithm = AEAD_ALGORITHMS[0];
  const aes = algorithm.create(new Uint8Array(20).fill(7), 16, false, new GivenIv());
  const p = { buf: new Uint8Array(200), view: new DataView(new ArrayBuffer(0)) };
  p.view = new DataView(p.buf.buffer);
  aes.seal(p, 0, 64, 0);
  expect(memory.some((byte) => byte !== 0)).toBe(true);
  aes.destroy();
  expect(memory.every((byte) => byte === 0)).toBe(true);
});
