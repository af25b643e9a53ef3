/**
 * algorithms.ts — the algorithms by the names that `ip xfrm state` takes, which are the kernel's (cf. Linux
 * net/xfrm/xfrm_algo.c): key sizes, ICV sizes, and how to make one.
 */
import type { Random } from '@packetwalk/framework';
import { type Aead, CounterIv, type IvSource, RandomIv } from './aead.ts';
import { AesCtr } from './aes-ctr.ts';
import { AesGcm } from './aes-gcm.ts';
import { Authenc } from './authenc.ts';
import { Cbc } from './cbc.ts';
import { ChaCha20Poly1305 } from './chacha20-poly1305.ts';
import { type Cipher, NullCipher } from './cipher.ts';
import { Hmac, type Mac, NullMac } from './hmac.ts';

interface Algorithm {
  readonly name: string;
  /** The name before the kernel's crypto API, still taken. */
  readonly compat?: string;
  /** Can a key have this many octets? A salt or nonce at its end counts. */
  takesKey(octets: number): boolean;
}

export interface AeadAlgorithm extends Algorithm {
  /** ICV lengths it can have, in bits. */
  readonly icvBits: readonly number[];
  create(key: Uint8Array, icvSize: number, esn: boolean, iv: IvSource): Aead;
}

export interface AuthAlgorithm extends Algorithm {
  /** Length of the ICV where none is said, and of the whole hash: bits. */
  readonly icvTruncBits: number;
  readonly icvFullBits: number;
  /** @param icvSize octets */
  create(key: Uint8Array, icvSize: number): Mac;
}

export interface EncAlgorithm extends Algorithm {
  create(key: Uint8Array): Cipher;
}

const aes = (octets: number): boolean => octets === 16 || octets === 24 || octets === 32;
const any = (): boolean => true;
const none = (octets: number): boolean => octets === 0;

export const AEAD_ALGORITHMS: readonly AeadAlgorithm[] = [
  {
    name: 'rfc4106(gcm(aes))',
    takesKey: (octets) => aes(octets - 4),
    icvBits: [64, 96, 128],
    create: (key, icvSize, esn, iv) => new AesGcm(key, icvSize, esn, iv),
  },
  {
    name: 'rfc7539esp(chacha20,poly1305)',
    takesKey: (octets) => octets === 36,
    icvBits: [128],
    create: (key, _icvSize, esn, iv) => new ChaCha20Poly1305(key, esn, iv),
  },
];

function hmacOf(hash: string, icvTruncBits: number, icvFullBits: number): AuthAlgorithm {
  const create = (key: Uint8Array, icvSize: number): Mac => new Hmac(hash, key, icvSize);
  // Linux had these before its algorithms had names of this form.
  const compat = hash === 'sha384' || hash === 'sha512' ? {} : { compat: hash };
  return { name: `hmac(${hash})`, ...compat, takesKey: any, icvTruncBits, icvFullBits, create };
}

/** SHA-256 has 96 bits where none are said: Linux had them before RFC 4868 said 128. */
export const AUTH_ALGORITHMS: readonly AuthAlgorithm[] = [
  { name: 'digest_null', takesKey: any, icvTruncBits: 0, icvFullBits: 0, create: () => new NullMac() },
  hmacOf('md5', 96, 128),
  hmacOf('sha1', 96, 160),
  hmacOf('sha256', 96, 256),
  hmacOf('sha384', 192, 384),
  hmacOf('sha512', 256, 512),
];

export const ENC_ALGORITHMS: readonly EncAlgorithm[] = [
  { name: 'ecb(cipher_null)', compat: 'cipher_null', takesKey: none, create: () => new NullCipher() },
  { name: 'cbc(aes)', compat: 'aes', takesKey: aes, create: (key) => new Cbc(`aes-${key.length * 8}-cbc`, key, 16) },
  { name: 'rfc3686(ctr(aes))', takesKey: (octets) => aes(octets - 4), create: (key) => new AesCtr(key) },
];

/** IPComp's; the kernel knows lzs and lzjh by name only. */
export const COMP_ALGORITHMS: readonly string[] = ['deflate'];

/** The algorithm of this name, the kernel's or the older one; undefined when there is none (xfrm_aalg_get_byname and the like). */
export function algorithmByName<A extends Algorithm>(algorithms: readonly A[], name: string): A | undefined {
  return algorithms.find((algorithm) => algorithm.name === name || algorithm.compat === name);
}

/** Where the IVs of an AEAD come from. */
export function aeadIvs(random: Random): IvSource {
  return new CounterIv(random);
}

/** A cipher and a MAC as one, with the IVs that the cipher wants: foretold by nobody for CBC, never twice for a counter. */
export function authenc(cipher: Cipher, mac: Mac, esn: boolean, random: Random): Authenc {
  let iv: IvSource | null = null;
  if (cipher.ivSize > 0) iv = cipher.blockSize > 1 ? new RandomIv(random, cipher.ivSize) : new CounterIv(random);
  return new Authenc(cipher, mac, esn, iv);
}
