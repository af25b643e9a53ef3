/**
 * cbc.ts — CBC in ESP (RFC 3602, RFC 2451). One cipher object of the host's is kept for a key and goes on where the packet
 * before ended; a new one for each packet would cost 3 µs. What CBC does to a first block is C = E(P ⊕ IV), and what the
 * object does is E(P' ⊕ C'), C' being the last block that it saw: so P' = P ⊕ IV ⊕ C'. Decryption likewise.
 */
import { type BlockCipher, blockCipher, blockDecipher, hasCipher, type SecretKey, secretKey } from '@packetwalk/framework/crypto';
import type { PacketBytes } from './aead.ts';
import type { Cipher } from './cipher.ts';

export class Cbc implements Cipher {
  readonly ivSize: number;
  readonly blockSize: number;
  private readonly encipher: BlockCipher;
  private readonly decipher: BlockCipher;
  /** Last block of ciphertext that each object saw; at first their IV. */
  private readonly enciphered: Int32Array;
  private readonly deciphered: Int32Array;

  /** @param name as OpenSSL says, `aes-128-cbc` @param blockSize octets of a block and of the IV */
  constructor(name: string, key: Uint8Array, blockSize: number) {
    const secret = secretKey(key);
    const zeros = new Uint8Array(blockSize);
    this.ivSize = blockSize;
    this.blockSize = blockSize;
    const host = hasCipher(name);
    this.encipher = host ? blockCipher(name, secret, zeros) : new EcbChain(name, secret, blockSize);
    this.decipher = host ? blockDecipher(name, secret, zeros) : new EcbUnchain(name, secret, blockSize);
    this.enciphered = new Int32Array(blockSize >> 2);
    this.deciphered = new Int32Array(blockSize >> 2);
  }

  encrypt({ buf, view }: PacketBytes, text: number, length: number): void {
    const { enciphered, blockSize } = this;
    const iv = text - blockSize;
    for (let i = 0; i < blockSize; i += 4) view.setInt32(text + i, view.getInt32(text + i) ^ view.getInt32(iv + i) ^ enciphered[i >> 2]);
    buf.set(this.encipher.update(buf.subarray(text, text + length)), text);
    const last = text + length - blockSize;
    for (let i = 0; i < blockSize; i += 4) enciphered[i >> 2] = view.getInt32(last + i);
  }

  decrypt({ buf, view }: PacketBytes, text: number, length: number): void {
    const { deciphered, blockSize } = this;
    const plain = this.decipher.update(buf.subarray(text, text + length));
    const last = text + length - blockSize;
    const iv = text - blockSize;
    // The IV's place, which nobody needs any more, takes what the first block lacks: the last block is about to be written over.
    for (let i = 0; i < blockSize; i += 4) {
      view.setInt32(iv + i, view.getInt32(iv + i) ^ deciphered[i >> 2]);
      deciphered[i >> 2] = view.getInt32(last + i);
    }
    buf.set(plain, text);
    for (let i = 0; i < blockSize; i += 4) view.setInt32(text + i, view.getInt32(text + i) ^ view.getInt32(iv + i));
  }

  destroy(): void {
    this.enciphered.fill(0);
    this.deciphered.fill(0);
  }
}

/** CBC encryption from ECB, a call for each block, for a host that has no CBC with this key size. Slow. */
export class EcbChain implements BlockCipher {
  private readonly ecb: BlockCipher;
  private readonly block: Uint8Array;

  constructor(name: string, key: SecretKey, blockSize: number) {
    this.ecb = blockCipher(name.replace('cbc', 'ecb'), key, null);
    this.block = new Uint8Array(blockSize);
  }

  update(data: Uint8Array): Uint8Array {
    const { block, ecb } = this;
    const result = new Uint8Array(data.length);
    for (let at = 0; at < data.length; at += block.length) {
      for (let i = 0; i < block.length; i++) block[i] ^= data[at + i];
      block.set(ecb.update(block));
      result.set(block, at);
    }
    return result;
  }
}

/** CBC decryption from ECB. */
export class EcbUnchain implements BlockCipher {
  private readonly ecb: BlockCipher;
  private readonly last: Uint8Array;

  constructor(name: string, key: SecretKey, blockSize: number) {
    this.ecb = blockDecipher(name.replace('cbc', 'ecb'), key, null);
    this.last = new Uint8Array(blockSize);
  }

  update(data: Uint8Array): Uint8Array {
    const { last } = this;
    const result = this.ecb.update(data);
    for (let i = 0; i < last.length; i++) result[i] ^= last[i];
    for (let i = last.length; i < data.length; i++) result[i] ^= data[i - last.length];
    last.set(data.subarray(data.length - last.length));
    return result;
  }
}
