/** aes-ctr.ts — AES in counter mode in ESP (RFC 3686). Counter block: 4 octets of nonce from the key, 8 of IV, a counter from 1. */
import { copyBytes } from '@packetwalk/framework';
import { type BlockCipher, blockCipher, secretKey } from '@packetwalk/framework/crypto';
import type { PacketBytes } from './aead.ts';
import type { Cipher } from './cipher.ts';
import { ctrGhash, GHASH_STATE, keystream, memory, memoryView, moduleBytes, TEXT, wipe } from './ctr-ghash.ts';

export class AesCtr implements Cipher {
  readonly ivSize = 8;
  readonly blockSize = 1;
  private readonly ecb: BlockCipher;
  private readonly nonce: Uint8Array;

  /** @param key 16, 24 or 32 octets of key and 4 of nonce */
  constructor(key: Uint8Array) {
    const size = key.length - 4;
    this.ecb = blockCipher(`aes-${size * 8}-ecb`, secretKey(key.subarray(0, size)), null);
    this.nonce = key.slice(size);
  }

  encrypt(bytes: PacketBytes, text: number, length: number): void {
    const { view } = bytes;
    memory.set(this.nonce, GHASH_STATE);
    memoryView.setInt32(GHASH_STATE + 4, view.getInt32(text - 8));
    memoryView.setInt32(GHASH_STATE + 8, view.getInt32(text - 4));
    const blocks = (length + 15) >> 4;
    keystream(this.ecb, blocks, false);
    copyBytes(moduleBytes, TEXT, bytes, text, length);
    ctrGhash.xorKeystream(TEXT, TEXT + (blocks << 4));
    copyBytes(bytes, text, moduleBytes, TEXT, length);
  }

  decrypt(bytes: PacketBytes, text: number, length: number): void {
    this.encrypt(bytes, text, length);
  }

  destroy(): void {
    this.nonce.fill(0);
    wipe();
  }
}
