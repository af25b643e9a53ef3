/** Transforms one inside the other come out as they went in; what is damaged is refused, never more than that. */
import { deflateRawSync } from 'node:zlib';
import { consumeSkb, dropReasonName, SeededRandom, skbClone, skbMakeWritable } from '@packetwalk/framework';
import { TestRouter } from '@packetwalk/framework/testing';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Ah } from './ah.ts';
import { AEAD_ALGORITHMS, AUTH_ALGORITHMS, aeadIvs, algorithmByName, authenc, ENC_ALGORITHMS } from './crypto/algorithms.ts';
import { Esp } from './esp.ts';
import { Ipcomp } from './ipcomp.ts';
import { bytesOf, ipv4Packet, type Numbers, packetOf, protect, type Transform, unprotect } from './testing/transforms.ts';

const { net } = new TestRouter({ plugins: [] });
const random = new SeededRandom(50);
afterEach(() => expect(net.pool.inUse).toBe(0));

const key = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random.below(256));
const mac = (name: string, bits: number) => algorithmByName(AUTH_ALGORITHMS, name)!.create(key(24), bits / 8);

function espOf(enc: string, keySize: number, auth: string, bits: number, esn: boolean, tfcpad = 0): Esp {
  return new Esp(authenc(algorithmByName(ENC_ALGORITHMS, enc)!.create(key(keySize)), mac(auth, bits), esn, random), null, tfcpad);
}

function aeadOf(name: string, keySize: number, icvSize: number, esn: boolean): Esp {
  return new Esp(algorithmByName(AEAD_ALGORITHMS, name)!.create(key(keySize), icvSize, esn, aeadIvs(random)), null, 0);
}

/** Made by name, since a failing property shows names. */
const TRANSFORMS: Readonly<Record<string, Transform>> = {
  'esp cbc sha1': espOf('cbc(aes)', 16, 'hmac(sha1)', 96, false),
  'esp cbc sha256 esn': espOf('cbc(aes)', 32, 'hmac(sha256)', 128, true),
  'esp ctr sha512': espOf('rfc3686(ctr(aes))', 20, 'hmac(sha512)', 256, false),
  'esp null sha384': espOf('ecb(cipher_null)', 0, 'hmac(sha384)', 192, false),
  'esp gcm': aeadOf('rfc4106(gcm(aes))', 20, 16, false),
  'esp gcm-8 esn': aeadOf('rfc4106(gcm(aes))', 36, 8, true),
  'esp chacha20': aeadOf('rfc7539esp(chacha20,poly1305)', 36, 16, false),
  'esp gcm tfc': new Esp(AEAD_ALGORITHMS[0].create(key(20), 12, false, aeadIvs(random)), null, 300),
  'ah sha1': new Ah(mac('hmac(sha1)', 96), 20, false, false),
  'ah sha256 esn': new Ah(mac('hmac(sha256)', 128), 32, true, false),
  'ah sha256 align4': new Ah(mac('hmac(sha256)', 128), 32, false, true),
  ipcomp: new Ipcomp(),
};
const names = fc.constantFrom(...Object.keys(TRANSFORMS));
/** Padding for traffic flow confidentiality ends with the IP packet inside: nothing but that may be in it. */
const nestable = names.filter((name) => !name.endsWith('tfc'));
const withIcv = names.filter((name) => name !== 'ipcomp');

/** Options that AH treats in each of its ways, and malformed ones. */
const options = fc.constantFrom(
  [],
  [148, 4, 0, 0],
  [7, 7, 4, 10, 0, 0, 1, 0],
  [131, 7, 8, 192, 0, 2, 2, 0],
  [137, 11, 12, 10, 0, 0, 9, 192, 0, 2, 2, 1],
  [130, 4, 1, 2],
  [68, 8, 5, 0, 1, 2, 3, 4],
  [1, 1, 0, 9],
);
const numbers = fc.record({ spi: fc.integer(), seq: fc.integer(), seqHi: fc.integer() });
const payloads = fc
  .tuple(fc.oneof(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 1400 })), fc.integer(), fc.boolean())
  .map(([size, seed, dull]) => {
    const bytes = new SeededRandom(seed);
    return Uint8Array.from({ length: size }, (_, i) => (dull ? i >> 5 : bytes.below(256)));
  });
const packets = fc
  .record({ options, payload: payloads, tos: fc.nat(255), ttl: fc.integer({ min: 1, max: 255 }), id: fc.nat(65535), df: fc.boolean() })
  .map((p) => ipv4Packet({ ...p, frag: p.df ? 0x4000 : 0 }, Uint8Array.from(p.options), p.payload));

/** Without the length, which padding for traffic flow confidentiality may change. */
function upTo(bytes: Uint8Array, length: number): Buffer {
  const copy = Buffer.from(bytes.subarray(0, length));
  copy.writeUInt16BE(0, 2);
  copy.writeUInt16BE(0, 10);
  return copy;
}

describe('transforms', () => {
  it('one inside the other are undone in reverse', () => {
    fc.assert(
      fc.property(packets, fc.array(fc.tuple(nestable, numbers), { minLength: 1, maxLength: 4 }), (packet, chain) => {
        const skb = packetOf(net, packet);
        const inside: Uint8Array[] = [];
        const done: [Transform, Numbers][] = [];
        for (const [name, n] of chain) {
          const before = bytesOf(skb);
          inside.push(before);
          expect(protect(skb, TRANSFORMS[name], n)).toBe(0);
          // IPComp leaves what it cannot shorten as it is; the receiver's policy knows that.
          if (Buffer.from(bytesOf(skb)).equals(Buffer.from(before))) inside.pop();
          else done.push([TRANSFORMS[name], n]);
        }
        for (const [transform, { seqHi }] of done.reverse()) {
          const before = inside.pop()!;
          expect(unprotect(skb, transform, seqHi)).toBe(before[9]);
          expect(upTo(bytesOf(skb), before.length)).toEqual(upTo(before, before.length));
        }
        consumeSkb(skb);
      }),
      { numRuns: 300 },
    );
  });

  it('with an ICV refuse a packet of which one bit is changed anywhere that counts', () => {
    fc.assert(
      fc.property(packets, withIcv, numbers, fc.nat(), fc.nat(7), (packet, name, n, where, bit) => {
        const transform = TRANSFORMS[name];
        const skb = packetOf(net, packet);
        protect(skb, transform, n);
        const ihl = (packet[0] & 15) * 4;
        skb.head.buf[skb.data + ihl + (where % (skb.len - ihl))] ^= 1 << bit;
        const result = unprotect(skb, transform, n.seqHi);
        // SPI and sequence number of ESP with NULL are covered as all else; the reserved field of AH too.
        expect(result).toBeLessThan(0);
        expect(dropReasonName(-result)).toMatch(/^XFRM_(ESP|AH)_(ICV|LENGTH)$/);
        consumeSkb(skb);
      }),
      { numRuns: 300 },
    );
  });

  it('with extended sequence numbers refuse the right packet of the wrong 2^32', () => {
    for (const name of ['esp cbc sha256 esn', 'esp gcm-8 esn', 'ah sha256 esn']) {
      const skb = packetOf(net, ipv4Packet({}, new Uint8Array(0), key(50)));
      protect(skb, TRANSFORMS[name], { spi: 1, seq: 7, seqHi: 1 });
      const again = packetOf(net, bytesOf(skb));
      expect(dropReasonName(-unprotect(skb, TRANSFORMS[name], 0))).toMatch(/_ICV$/);
      expect(unprotect(again, TRANSFORMS[name], 1)).toBe(17);
      consumeSkb(skb);
      consumeSkb(again);
    }
  });

  it('take any octets for a packet without an exception', () => {
    fc.assert(
      fc.property(names, fc.uint8Array({ maxLength: 300 }), packets, fc.boolean(), (name, noise, packet, cut) => {
        const bytes = cut ? Uint8Array.from([...packet.subarray(0, 20), ...noise]) : packet.slice();
        bytes[0] = cut ? 0x45 : bytes[0];
        const skb = packetOf(net, bytes);
        const result = unprotect(skb, TRANSFORMS[name], 0);
        if (result < 0) expect(dropReasonName(-result)).toMatch(/^XFRM_/);
        consumeSkb(skb);
      }),
      { numRuns: 500 },
    );
  });

  it('take a good packet cut anywhere without an exception', () => {
    for (const [name, transform] of Object.entries(TRANSFORMS)) {
      const skb = packetOf(net, ipv4Packet({}, new Uint8Array(0), new Uint8Array(120)));
      protect(skb, transform, { spi: 1, seq: 1, seqHi: 0 });
      const whole = bytesOf(skb);
      consumeSkb(skb);
      for (let length = 20; length < whole.length; length++) {
        const part = packetOf(net, whole.subarray(0, length));
        const result = unprotect(part, transform, 0);
        expect(result, `${name} cut to ${length}`).toBeLessThan(0);
        consumeSkb(part);
      }
    }
  });
});

describe('ESP', () => {
  const nul = new Esp(
    authenc(
      ENC_ALGORITHMS[0].create(new Uint8Array(0)),
      algorithmByName(AUTH_ALGORITHMS, 'digest_null')!.create(new Uint8Array(0), 0),
      false,
      random,
    ),
    null,
    0,
  );
  const opened = (...text: number[]): number => {
    const skb = packetOf(net, ipv4Packet({ protocol: 50 }, new Uint8Array(0), Uint8Array.from([0, 0, 0, 1, 0, 0, 0, 1, ...text])));
    const result = unprotect(skb, nul, 0);
    const left = skb.len - 20;
    consumeSkb(skb);
    return result < 0 ? result : result * 1000 + left;
  };
  const reason = (result: number): string => dropReasonName(-result);

  it('takes padding off by its length', () => {
    expect(opened(9, 9, 1, 2, 2, 17)).toBe(17002);
    expect(opened(9, 0, 17)).toBe(17001);
  });

  it('refuses padding that leaves nothing', () => {
    expect(reason(opened(1, 2, 2, 17))).toBe('XFRM_ESP_PADDING');
    expect(reason(opened(0, 17))).toBe('XFRM_ESP_PADDING');
    expect(reason(opened(1, 2, 255, 17))).toBe('XFRM_ESP_PADDING');
  });

  it('refuses what is shorter than a trailer', () => {
    expect(reason(opened(17))).toBe('XFRM_ESP_LENGTH');
    expect(reason(opened())).toBe('XFRM_ESP_LENGTH');
  });

  it('drops dummy packets', () => {
    expect(reason(opened(1, 2, 3, 4, 0, 59))).toBe('XFRM_DUMMY');
  });

  it('pads to the length for traffic flow confidentiality, as far as the packet may grow', () => {
    for (const [size, room, expected] of [
      [10, 1480, 300],
      [10, 200, 186],
      [500, 1480, 500],
    ]) {
      const skb = packetOf(net, ipv4Packet({}, new Uint8Array(0), new Uint8Array(size)));
      const transform = TRANSFORMS['esp gcm tfc'] as Esp;
      skb.networkHeader = skb.data - 16;
      skb.head.buf.copyWithin(skb.networkHeader, skb.data, skb.data + 20);
      skb.data += 20;
      skb.len -= 20;
      transform.output(skb, 20, 1, 1, 0, room);
      expect(unprotect(skb, transform, 0)).toBe(17);
      expect(skb.len - 20).toBe(expected);
      consumeSkb(skb);
    }
  });

  it('leaves the bytes of a clone alone once they are its own', () => {
    const skb = packetOf(net, ipv4Packet({}, new Uint8Array(0), key(100)));
    protect(skb, TRANSFORMS['esp gcm'], { spi: 1, seq: 1, seqHi: 0 });
    const clone = skbClone(skb);
    const before = bytesOf(clone);
    skbMakeWritable(skb);
    unprotect(skb, TRANSFORMS['esp gcm'], 0);
    expect(bytesOf(clone)).toEqual(before);
    consumeSkb(clone);
    consumeSkb(skb);
  });

  it('never uses an IV of a counter twice, whatever the sequence numbers', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 1000; i++) {
      const skb = packetOf(net, ipv4Packet({}, new Uint8Array(0), key(8)));
      protect(skb, TRANSFORMS['esp gcm'], { spi: 1, seq: 1, seqHi: 0 });
      seen.add(Buffer.from(bytesOf(skb).subarray(28, 36)).toString('hex'));
      consumeSkb(skb);
    }
    expect(seen.size).toBe(1000);
  });
});

describe('AH', () => {
  it('covers what is immutable of the IP header, and nothing else of it', () => {
    const transform = TRANSFORMS['ah sha1'];
    const change = (at: number): number => {
      const skb = packetOf(net, ipv4Packet({ id: 5 }, Uint8Array.from([148, 4, 0, 0, 7, 7, 4, 1, 2, 3, 4, 0]), key(30)));
      protect(skb, transform, { spi: 1, seq: 1, seqHi: 0 });
      skb.head.buf[skb.data + at] ^= 0x10;
      const result = unprotect(skb, transform, 0);
      consumeSkb(skb);
      return result;
    };
    // TOS, flags and offset, TTL, checksum; the addresses that record route collects.
    for (const at of [1, 6, 7, 8, 10, 11, 27, 28, 30]) expect(change(at), `octet ${at}`).toBe(17);
    // Identification, protocol, addresses, router alert.
    for (const at of [4, 5, 12, 15, 16, 19, 22]) expect(dropReasonName(-change(at)), `octet ${at}`).toBe('XFRM_AH_ICV');
  });

  it('is made for the last hop of a source route', () => {
    const route = Uint8Array.from([131, 7, 4, 10, 0, 0, 9, 0]);
    const skb = packetOf(net, ipv4Packet({}, route, key(30)));
    protect(skb, TRANSFORMS['ah sha1'], { spi: 1, seq: 1, seqHi: 0 });
    // On the way the destination becomes the route's, and the option records where it was.
    skb.head.view.setInt32(skb.data + 16, 0x0a000009);
    skb.head.buf[skb.data + 22] = 8;
    expect(unprotect(skb, TRANSFORMS['ah sha1'], 0)).toBe(17);
    consumeSkb(skb);
  });

  it('refuses malformed options instead of guessing', () => {
    for (const bad of [
      [7, 1, 0, 0],
      [7, 9, 4, 0],
      [131, 3, 4, 0],
      [1, 1, 1, 7],
    ]) {
      const skb = packetOf(net, ipv4Packet({}, Uint8Array.from(bad), key(30)));
      expect(dropReasonName(-protect(skb, TRANSFORMS['ah sha1'], { spi: 1, seq: 1, seqHi: 0 }))).toBe('XFRM_AH_OPTIONS');
      consumeSkb(skb);
    }
  });

  it('pads its header to 8 octets, or to 4', () => {
    expect((TRANSFORMS['ah sha256 esn'] as Ah).headerLen).toBe(32);
    expect((TRANSFORMS['ah sha256 align4'] as Ah).headerLen).toBe(28);
    expect((TRANSFORMS['ah sha1'] as Ah).headerLen).toBe(24);
  });
});

describe('IPComp', () => {
  const compressed = (payload: Uint8Array): Uint8Array => {
    const skb = packetOf(net, ipv4Packet({}, new Uint8Array(0), payload));
    protect(skb, TRANSFORMS.ipcomp, { spi: 0xabcd, seq: 0, seqHi: 0 });
    const bytes = bytesOf(skb);
    consumeSkb(skb);
    return bytes;
  };

  it('compresses what gets shorter, with the lower half of the SPI as CPI', () => {
    const bytes = compressed(new Uint8Array(500));
    expect(bytes.length).toBeLessThan(60);
    expect([bytes[9], ...bytes.subarray(20, 24)]).toEqual([108, 17, 0, 0xab, 0xcd]);
  });

  it('leaves alone what is short, and what does not get shorter', () => {
    expect(compressed(new Uint8Array(89))[9]).toBe(17);
    expect(compressed(new Uint8Array(90))[9]).toBe(108);
    expect(compressed(key(1000))[9]).toBe(17);
  });

  it('stops at 65,400 octets', () => {
    const skb = packetOf(net, ipv4Packet({}, new Uint8Array(0), new Uint8Array(65000)));
    protect(skb, TRANSFORMS.ipcomp, { spi: 1, seq: 0, seqHi: 0 });
    expect(unprotect(skb, TRANSFORMS.ipcomp, 0)).toBe(17);
    expect(skb.len).toBe(65020);
    consumeSkb(skb);
    const bomb = packetOf(
      net,
      ipv4Packet({ protocol: 108 }, new Uint8Array(0), Uint8Array.from([17, 0, 0, 1, ...deflateRawSync(Buffer.alloc(66000))])),
    );
    expect(dropReasonName(-unprotect(bomb, TRANSFORMS.ipcomp, 0))).toBe('XFRM_IPCOMP_DATA');
    consumeSkb(bomb);
  });
});
