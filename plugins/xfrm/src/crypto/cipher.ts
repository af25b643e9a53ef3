/** cipher.ts — encryption without authentication, half of a combined transform (crypto_skcipher). */
import type { PacketBytes } from './aead.ts';

export interface Cipher {
  /** Octets of the IV, which lies right in front of the text. */
  readonly ivSize: number;
  readonly blockSize: number;
  /** Encrypts [text, text+length) where it is, with the IV in front of it. */
  encrypt(bytes: PacketBytes, text: number, length: number): void;
  decrypt(bytes: PacketBytes, text: number, length: number): void;
  destroy(): void;
}

/** No encryption (RFC 2410). */
export class NullCipher implements Cipher {
  readonly ivSize = 0;
  readonly blockSize = 1;
  encrypt(): void {}
  decrypt(): void {}
  destroy(): void {}
}
