/** xfrm-suites.ts — the suites of the IPsec benchmark: each as the plugin does it, and as bare calls of node:crypto. */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { SeededRandom } from '@packetwalk/framework';
import type { Aead } from '../../plugins/xfrm/src/crypto/aead.ts';
import {
  AEAD_ALGORITHMS,
  AUTH_ALGORITHMS,
  aeadIvs,
  algorithmByName,
  authenc,
  ENC_ALGORITHMS,
} from '../../plugins/xfrm/src/crypto/algorithms.ts';

/** Bare cryptography of one packet: text and ICV of a text, and back. Whatever IV, since none of it is compared. */
export interface RawSuite {
  seal(aad: Uint8Array, text: Uint8Array): [Uint8Array, Uint8Array];
  open(aad: Uint8Array, text: Uint8Array, icv: Uint8Array): Uint8Array;
}

export interface BenchSuite {
  readonly name: string;
  create(): Aead;
  readonly raw: RawSuite;
}

const random = new SeededRandom(4303);
const bytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random.below(256));

function rawAead(name: string, key: KeyObject): RawSuite {
  const nonce = bytes(12);
  const options = { authTagLength: 16 };
  return {
    seal(aad, text) {
      const cipher = createCipheriv(name as 'aes-128-gcm', key, nonce, options);
      cipher.setAAD(aad);
      const sealed = cipher.update(text);
      cipher.final();
      return [sealed, cipher.getAuthTag()];
    },
    open(aad, text, icv) {
      const decipher = createDecipheriv(name as 'aes-128-gcm', key, nonce, options);
      decipher.setAAD(aad);
      decipher.setAuthTag(icv);
      const opened = decipher.update(text);
      decipher.final();
      return opened;
    },
  };
}

function rawAuthenc(cipherName: string, key: KeyObject, hash: string, macKey: KeyObject, icvSize: number): RawSuite {
  const iv = bytes(16);
  const mac = (aad: Uint8Array, text: Uint8Array): Uint8Array =>
    createHmac(hash, macKey).update(aad).update(text).digest().subarray(0, icvSize);
  return {
    seal(aad, text) {
      let sealed: Uint8Array = text;
      if (cipherName !== '') {
        const cipher = createCipheriv(cipherName, key, iv).setAutoPadding(false);
        sealed = cipher.update(text);
        cipher.final();
      }
      return [sealed, mac(aad, sealed)];
    },
    open(aad, text, icv) {
      if (!timingSafeEqual(mac(aad, text), icv)) throw new Error('wrong ICV');
      if (cipherName === '') return text;
      const decipher = createDecipheriv(cipherName, key, iv).setAutoPadding(false);
      const opened = decipher.update(text);
      decipher.final();
      return opened;
    },
  };
}

function aead(title: string, name: string, size: number, host: string): BenchSuite {
  const key = bytes(size + 4);
  return {
    name: title,
    create: () => algorithmByName(AEAD_ALGORITHMS, name)!.create(key, 16, false, aeadIvs(random)),
    raw: rawAead(host, createSecretKey(key.subarray(0, size))),
  };
}

function combined(title: string, enc: string, size: number, host: string, hash: string, icvBits: number): BenchSuite {
  const key = bytes(size);
  const macKey = bytes(icvBits >= 192 ? 64 : 32);
  const icvSize = icvBits / 8;
  return {
    name: title,
    create: () =>
      authenc(
        algorithmByName(ENC_ALGORITHMS, enc)!.create(key),
        algorithmByName(AUTH_ALGORITHMS, `hmac(${hash})`)!.create(macKey, icvSize),
        false,
        random,
      ),
    raw: rawAuthenc(
      host,
      createSecretKey(key.length === 0 ? bytes(16) : key.subarray(0, size & ~15)),
      hash,
      createSecretKey(macKey),
      icvSize,
    ),
  };
}

export const BENCH_SUITES: readonly BenchSuite[] = [
  aead('AES-128-GCM', 'rfc4106(gcm(aes))', 16, 'aes-128-gcm'),
  aead('AES-256-GCM', 'rfc4106(gcm(aes))', 32, 'aes-256-gcm'),
  aead('ChaCha20-Poly1305', 'rfc7539esp(chacha20,poly1305)', 32, 'chacha20-poly1305'),
  combined('AES-128-CBC SHA1-96', 'cbc(aes)', 16, 'aes-128-cbc', 'sha1', 96),
  combined('AES-256-CBC SHA256-128', 'cbc(aes)', 32, 'aes-256-cbc', 'sha256', 128),
  combined('AES-256-CBC SHA512-256', 'cbc(aes)', 32, 'aes-256-cbc', 'sha512', 256),
  combined('AES-128-CTR SHA256-128', 'rfc3686(ctr(aes))', 20, 'aes-128-ctr', 'sha256', 128),
  combined('NULL SHA256-128', 'ecb(cipher_null)', 0, '', 'sha256', 128),
];
