/** hmac.ts — HMAC cut to its first octets (RFC 2104, RFC 2404, RFC 4868), the integrity half of ESP, and all of AH's. */
import { hmac, type SecretKey, secretKey, timingSafeEqual } from '@packetwalk/framework/crypto';

export interface Mac {
  /** Octets of the ICV. */
  readonly icvSize: number;
  /** Writes the ICV of buf[from, to) to `at`; `tail` counts as if it were behind, unless it is null. */
  write(buf: Uint8Array, from: number, to: number, tail: Uint8Array | null, at: number): void;
  /** Is the ICV at icv[at] that of buf[from, to) and `tail`? */
  matches(buf: Uint8Array, from: number, to: number, tail: Uint8Array | null, icv: Uint8Array, at: number): boolean;
  destroy(): void;
}

export class Hmac implements Mac {
  readonly icvSize: number;
  private readonly name: string;
  private readonly key: SecretKey;

  /** @param name of the hash, as OpenSSL says @param icvSize octets */
  constructor(name: string, key: Uint8Array, icvSize: number) {
    this.name = name;
    this.key = secretKey(key);
    this.icvSize = icvSize;
  }

  write(buf: Uint8Array, from: number, to: number, tail: Uint8Array | null, at: number): void {
    const mac = hmac(this.name, this.key, buf.subarray(from, to), tail);
    for (let i = 0; i < this.icvSize; i++) buf[at + i] = mac[i];
  }

  matches(buf: Uint8Array, from: number, to: number, tail: Uint8Array | null, icv: Uint8Array, at: number): boolean {
    const mac = hmac(this.name, this.key, buf.subarray(from, to), tail);
    return timingSafeEqual(mac.subarray(0, this.icvSize), icv.subarray(at, at + this.icvSize));
  }

  destroy(): void {}
}

/** No integrity: `digest_null`. */
export class NullMac implements Mac {
  readonly icvSize = 0;
  write(): void {}
  matches(): boolean {
    return true;
  }
  destroy(): void {}
}
