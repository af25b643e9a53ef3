/** aes-gcm.ts — AES-GCM in ESP (RFC 4106; NIST SP 800-38D). Nonce: 4 octets of salt from the key, 8 of the packet's IV. */
import { copyBytes } from '@packetwalk/framework';
import { type BlockCipher, blockCipher, HostAead, hasCipher, secretKey, timingSafeEqual } from '@packetwalk/framework/crypto';
import { type Aead, ESP_HLEN, type IvSource, type PacketBytes } from './aead.ts';
import { AAD, ctrGhash, GHASH_KEY, GHASH_STATE, KEYSTREAM, keystream, memory, memoryView, moduleBytes, TEXT, wipe } from './ctr-ghash.ts';
import { SaltedNonce } from './salted-nonce.ts';

/**
 * Text up to here is sealed with ECB and GHASH: at 64 octets 1.6 µs instead of the 4.5 of an object of the host's for
 * each packet, at 512 octets about the same (Node 20; npm run bench:xfrm).
 */
const SHORT = 512;

export class AesGcm implements Aead {
  readonly ivSize = 8;
  readonly blockSize = 1;
  readonly icvSize: number;
  private readonly ecb: BlockCipher;
  /** Null when the host has no such cipher: everything counts as short then. */
  private readonly host: HostAead | null;
  private readonly nonce: SaltedNonce;
  private readonly iv: IvSource;
  /** H, the encryption of zeros. */
  private readonly hashKey: DataView;
  private readonly tag: Uint8Array = new Uint8Array(16);
  private readonly tagView: DataView = new DataView(this.tag.buffer);
  private readonly received: Uint8Array = new Uint8Array(16);

  /** @param key 16, 24 or 32 octets of key and 4 of salt @param icvSize 8, 12 or 16 octets @param esn extended sequence numbers */
  constructor(key: Uint8Array, icvSize: number, esn: boolean, iv: IvSource) {
    const size = key.length - 4;
    const secret = secretKey(key.subarray(0, size));
    this.icvSize = icvSize;
    this.ecb = blockCipher(`aes-${size * 8}-ecb`, secret, null);
    const name = `aes-${size * 8}-gcm`;
    this.host = hasCipher(name) ? new HostAead(name, secret, icvSize) : null;
    const zeros = this.ecb.update(new Uint8Array(16));
    this.hashKey = new DataView(zeros.buffer, zeros.byteOffset, 16);
    this.nonce = new SaltedNonce(key.subarray(size), esn);
    this.iv = iv;
  }

  seal(bytes: PacketBytes, esp: number, length: number, seqHi: number): void {
    const { view } = bytes;
    this.iv.write(view, esp + ESP_HLEN);
    this.nonce.take(view, esp, seqHi);
    const text = esp + ESP_HLEN + 8;
    if (length > SHORT && this.host !== null) {
      this.host.seal(this.nonce.nonce, this.nonce.aad, bytes.buf, text, length);
      return;
    }
    const end = this.load(bytes, text, length);
    ctrGhash.xorKeystream(TEXT, end);
    copyBytes(bytes, text, moduleBytes, TEXT, length);
    this.hash(length, end);
    const { icvSize } = this;
    for (let i = 0; i < icvSize; i += 4) view.setInt32(text + length + i, this.tagView.getInt32(i));
  }

  open(bytes: PacketBytes, esp: number, length: number, seqHi: number): boolean {
    this.nonce.take(bytes.view, esp, seqHi);
    const text = esp + ESP_HLEN + 8;
    if (length > SHORT && this.host !== null) return this.host.open(this.nonce.nonce, this.nonce.aad, bytes.buf, text, length);
    const end = this.load(bytes, text, length);
    this.hash(length, end);
    const { tag, received, icvSize } = this;
    for (let i = 0; i < icvSize; i++) received[i] = bytes.buf[text + length + i];
    for (let i = icvSize; i < 16; i++) tag[i] = 0;
    if (!timingSafeEqual(tag, received)) return false;
    ctrGhash.xorKeystream(TEXT, end);
    copyBytes(bytes, text, moduleBytes, TEXT, length);
    return true;
  }

  /** Text and keystream into the module's memory; returns the end of the text's last block. */
  private load(bytes: PacketBytes, text: number, length: number): number {
    const blocks = (length + 15) >> 4;
    this.nonce.toState();
    keystream(this.ecb, blocks + 1, true);
    copyBytes(moduleBytes, TEXT, bytes, text, length);
    return TEXT + (blocks << 4);
  }

  /** The tag of additional data, ciphertext and lengths. */
  private hash(length: number, end: number): void {
    for (let at = TEXT + length; at < end; at++) memory[at] = 0;
    for (let i = 0; i < 16; i += 4) {
      memoryView.setInt32(GHASH_KEY + i, this.hashKey.getInt32(i));
      memoryView.setInt32(GHASH_STATE + i, 0);
    }
    this.nonce.toAad();
    memoryView.setInt32(end, 0);
    memoryView.setInt32(end + 4, this.nonce.aad.length << 3);
    memoryView.setInt32(end + 8, 0);
    memoryView.setInt32(end + 12, length << 3);
    ctrGhash.ghash(AAD, end + 16);
    for (let i = 0; i < 16; i += 4) this.tagView.setInt32(i, memoryView.getInt32(GHASH_STATE + i) ^ memoryView.getInt32(KEYSTREAM + i));
  }

  destroy(): void {
    for (let i = 0; i < 16; i++) this.hashKey.setUint8(i, 0);
    this.tag.fill(0);
    this.nonce.destroy();
    wipe();
  }
}
