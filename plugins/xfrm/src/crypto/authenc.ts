/** authenc.ts — a cipher and a MAC together, encrypt-then-MAC (RFC 4303 §3.3.2; the kernel's authenc and authencesn). */
import { type Aead, ESP_HLEN, type IvSource, type PacketBytes } from './aead.ts';
import type { Cipher } from './cipher.ts';
import type { Mac } from './hmac.ts';

export class Authenc implements Aead {
  readonly ivSize: number;
  readonly blockSize: number;
  readonly icvSize: number;
  private readonly cipher: Cipher;
  private readonly mac: Mac;
  private readonly iv: IvSource | null;
  /** With extended sequence numbers: the upper half, which the ICV covers behind the packet. */
  private readonly tail: Uint8Array | null;
  private readonly tailView: DataView;

  /** @param iv null when the cipher takes none */
  constructor(cipher: Cipher, mac: Mac, esn: boolean, iv: IvSource | null) {
    this.cipher = cipher;
    this.mac = mac;
    this.ivSize = cipher.ivSize;
    this.blockSize = cipher.blockSize;
    this.icvSize = mac.icvSize;
    this.iv = iv;
    const tail = new Uint8Array(4);
    this.tail = esn ? tail : null;
    this.tailView = new DataView(tail.buffer);
  }

  seal(bytes: PacketBytes, esp: number, length: number, seqHi: number): void {
    const text = esp + ESP_HLEN + this.ivSize;
    if (this.iv !== null) this.iv.write(bytes.view, esp + ESP_HLEN);
    this.cipher.encrypt(bytes, text, length);
    this.tailView.setInt32(0, seqHi);
    this.mac.write(bytes.buf, esp, text + length, this.tail, text + length);
  }

  open(bytes: PacketBytes, esp: number, length: number, seqHi: number): boolean {
    const text = esp + ESP_HLEN + this.ivSize;
    this.tailView.setInt32(0, seqHi);
    if (!this.mac.matches(bytes.buf, esp, text + length, this.tail, bytes.buf, text + length)) return false;
    this.cipher.decrypt(bytes, text, length);
    return true;
  }

  destroy(): void {
    this.cipher.destroy();
    this.mac.destroy();
  }
}
