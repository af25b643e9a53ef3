/**
 * @packetwalk/framework/crypto — the host's cryptography and compression, for IPsec: functions of their arguments, no
 * clock, no random numbers, nothing opened. Names of algorithms are OpenSSL's. See docs/decisions/host-crypto.md.
 */
import {
  type CipherGCM,
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  getCiphers,
  timingSafeEqual as hostTimingSafeEqual,
  type KeyObject,
} from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** A cipher that goes on where its last call ended; no padding, whole blocks at each call. */
export interface BlockCipher {
  /** The same number of bytes, in memory of their own. */
  update(data: Uint8Array): Uint8Array;
}

/** A secret outside of the JavaScript heap; the host clears it when it frees it. `bytes` may be cleared after this. */
export interface SecretKey {
  /** Octets. */
  readonly symmetricKeySize?: number | undefined;
}

export function secretKey(bytes: Uint8Array): SecretKey {
  return createSecretKey(bytes);
}

/** Does the host have this cipher? Deno lacks some with keys of 192 bits. */
export function hasCipher(name: string): boolean {
  return getCiphers().includes(name);
}

/** @param iv null for ECB */
export function blockCipher(name: string, key: SecretKey, iv: Uint8Array | null): BlockCipher {
  return createCipheriv(name, key as KeyObject, iv).setAutoPadding(false);
}

export function blockDecipher(name: string, key: SecretKey, iv: Uint8Array | null): BlockCipher {
  return createDecipheriv(name, key as KeyObject, iv).setAutoPadding(false);
}

/** Authenticated encryption with a nonce a packet (RFC 5116). A host object is made for each packet: there is no resetting one. */
export class HostAead {
  private readonly name: CipherGCMTypes;
  private readonly key: KeyObject;
  private readonly options: { authTagLength: number };
  private readonly tagLength: number;

  constructor(name: string, key: SecretKey, tagLength: number) {
    this.name = name as CipherGCMTypes;
    this.key = key as KeyObject;
    this.options = { authTagLength: tagLength };
    this.tagLength = tagLength;
  }

  /** Encrypts buf[at, at+length) where it is and writes the tag behind it. */
  seal(nonce: Uint8Array, aad: Uint8Array, buf: Uint8Array, at: number, length: number): void {
    const cipher: CipherGCM = createCipheriv(this.name, this.key, nonce, this.options);
    cipher.setAAD(aad);
    buf.set(cipher.update(buf.subarray(at, at + length)), at);
    cipher.final();
    buf.set(cipher.getAuthTag(), at + length);
  }

  /** Decrypts buf[at, at+length) where it is; false, and nothing changed, when the tag behind it is wrong. */
  open(nonce: Uint8Array, aad: Uint8Array, buf: Uint8Array, at: number, length: number): boolean {
    const end = at + length;
    const decipher = createDecipheriv(this.name, this.key, nonce, this.options);
    decipher.setAAD(aad);
    decipher.setAuthTag(buf.subarray(end, end + this.tagLength));
    const text = decipher.update(buf.subarray(at, end));
    try {
      decipher.final();
    } catch {
      return false;
    }
    buf.set(text, at);
    return true;
  }
}

/** HMAC (RFC 2104) of `data`, and of `tail` behind it unless that is null. */
export function hmac(name: string, key: SecretKey, data: Uint8Array, tail: Uint8Array | null): Uint8Array {
  const mac = createHmac(name, key as KeyObject).update(data);
  return (tail === null ? mac : mac.update(tail)).digest();
}

/** Are two byte strings of one length equal? Takes the same time whatever they hold. */
export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean {
  return hostTimingSafeEqual(a, b);
}

/** Raw deflate (RFC 1951) as the kernel's IPComp does it: window 2^11. */
export function deflateRaw(data: Uint8Array): Uint8Array {
  return deflateRawSync(data, { windowBits: 11, memLevel: 8 });
}

/** Undoes raw deflate; null when it is none, is cut short, or comes to more than `limit` bytes. */
export function inflateRaw(data: Uint8Array, limit: number): Uint8Array | null {
  try {
    return inflateRawSync(data, { maxOutputLength: limit });
  } catch {
    return null;
  }
}
