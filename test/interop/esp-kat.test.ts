/** Known answers: ESP packets that scapy made and tshark agrees with are opened, and made again to the same bytes. */
import { readFileSync } from 'node:fs';
import { consumeSkb, ipHdrLen } from '@packetwalk/framework';
import { fromHex, TestRouter } from '@packetwalk/framework/testing';
import { describe, expect, it } from 'vitest';
import type { Aead, IvSource } from '../../plugins/xfrm/src/crypto/aead.ts';
import { AEAD_ALGORITHMS, AUTH_ALGORITHMS, algorithmByName, ENC_ALGORITHMS } from '../../plugins/xfrm/src/crypto/algorithms.ts';
import { Authenc } from '../../plugins/xfrm/src/crypto/authenc.ts';
import { Esp } from '../../plugins/xfrm/src/esp.ts';
import { bytesOf, packetOf, protect, unprotect } from '../../plugins/xfrm/src/testing/transforms.ts';

interface KnownAnswer {
  readonly name: string;
  readonly mode: string;
  readonly spi: number;
  readonly seq: number;
  readonly key: string;
  readonly auth: string;
  readonly iv: string;
  readonly plain: string;
  readonly wire: string;
}

const cases: KnownAnswer[] = JSON.parse(readFileSync(new URL('esp-kat.json', import.meta.url), 'utf8'));
const bytes = (hex: string): Uint8Array => fromHex(hex)!;
const { net } = new TestRouter({ plugins: [] });

function aead({ name, key, auth, iv }: KnownAnswer): Aead {
  const given: IvSource = { write: (view, at) => bytes(iv).forEach((byte, i) => void view.setUint8(at + i, byte)) };
  if (name === 'gcm128') return algorithmByName(AEAD_ALGORITHMS, 'rfc4106(gcm(aes))')!.create(bytes(key), 16, false, given);
  const cipher = algorithmByName(ENC_ALGORITHMS, name.startsWith('null') ? 'ecb(cipher_null)' : 'cbc(aes)')!.create(bytes(key));
  const sha1 = name.endsWith('sha1');
  const mac = algorithmByName(AUTH_ALGORITHMS, sha1 ? 'hmac(sha1)' : 'hmac(sha256)')!.create(bytes(auth), sha1 ? 12 : 16);
  return new Authenc(cipher, mac, false, cipher.ivSize === 0 ? null : given);
}

const IP6_HLEN = 40;

/** The packet that goes into the transform: an IPv4 header, which stands for an IPv6 one too, and the payload. */
function unprotected({ mode, plain, wire }: KnownAnswer): Uint8Array {
  const inside = bytes(plain);
  const outside = bytes(wire).slice(0, 20);
  outside[0] = 0x45;
  let payload = inside;
  if (mode === 'transport') payload = inside.subarray(20);
  else if (mode === 'transport6') payload = inside.subarray(IP6_HLEN);
  if (mode === 'transport') outside[9] = inside[9];
  else if (mode === 'transport6') outside[9] = inside[6];
  else outside[9] = mode === 'tunnel46' ? 41 : 4;
  return Uint8Array.from([...outside, ...payload]);
}

describe.each(['transport', 'tunnel', 'tunnel-natt', 'transport6', 'tunnel46'])('%s', (mode) => {
  const answers = cases.filter((c) => c.mode === mode);
  it.each(answers.map((answer) => [`${answer.name} ${answer.seq}`, answer] as const))('%s', (_name, answer) => {
    const encap = mode === 'tunnel-natt' ? { sport: 4500, dport: 4500 } : null;
    const wire = bytes(answer.wire);
    const header = mode === 'transport6' ? IP6_HLEN : 20;
    const plain = unprotected(answer);
    const esp = new Esp(aead(answer), encap, 0);

    const sealed = packetOf(net, plain);
    protect(sealed, esp, { spi: answer.spi, seq: answer.seq, seqHi: 0 });
    expect(Buffer.from(bytesOf(sealed).subarray(20)).toString('hex')).toBe(Buffer.from(wire.subarray(header)).toString('hex'));
    // Above IPv4 the packet is the known one to the last byte but for the header that Linux writes otherwise.
    expect(ipHdrLen(sealed.head.view, sealed.data)).toBe(20);

    expect(unprotect(sealed, esp, 0, encap === null ? 0 : 8)).toBe(plain[9]);
    expect(Buffer.from(bytesOf(sealed).subarray(20))).toEqual(Buffer.from(plain.subarray(20)));
    consumeSkb(sealed);
  });
});

it('there are 75 of them, and no packet is left', () => {
  expect(cases).toHaveLength(75);
  expect(net.pool.inUse).toBe(0);
});
