/** chacha20-poly1305.ts — ChaCha20-Poly1305 in ESP (RFC 7634). Nonce: 4 octets of salt from the key, 8 of the packet's IV. */
import { HostAead, secretKey } from '@packetwalk/framework/crypto';
import { type Aead, ESP_HLEN, type IvSource, type PacketBytes } from './aead.ts';
import { SaltedNonce } from './salted-nonce.ts';

export class ChaCha20Poly1305 implements Aead {
  readonly ivSize = 8;
  readonly blockSize = 1;
  readonly icvSize = 16;
  private readonly host: HostAead;
  private readonly nonce: SaltedNonce;
  private readonly iv: IvSource;

  /** @param key 32 octets of key and 4 of salt */
  constructor(key: Uint8Array, esn: boolean, iv: IvSource) {
    this.host = new HostAead('chacha20-poly1305', secretKey(key.subarray(0, 32)), 16);
    this.nonce = new SaltedNonce(key.subarray(32), esn);
    this.iv = iv;
  }

  seal({ buf, view }: PacketBytes, esp: number, length: number, seqHi: number): void {
    this.iv.write(view, esp + ESP_HLEN);
    this.nonce.take(view, esp, seqHi);
    this.host.seal(this.nonce.nonce, this.nonce.aad, buf, esp + ESP_HLEN + 8, length);
  }

  open({ buf, view }: PacketBytes, esp: number, length: number, seqHi: number): boolean {
    this.nonce.take(view, esp, seqHi);
    return this.host.open(this.nonce.nonce, this.nonce.aad, buf, esp + ESP_HLEN + 8, length);
  }

  destroy(): void {
    this.nonce.destroy();
  }
}
