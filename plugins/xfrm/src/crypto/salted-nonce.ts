/** salted-nonce.ts — nonce and additional data of AEAD in ESP, the same in RFC 4106 §4–5 and RFC 7634 §2. */
import { ESP_HLEN } from './aead.ts';
import { AAD, GHASH_STATE, memoryView } from './ctr-ghash.ts';

export class SaltedNonce {
  /** Salt and IV. */
  readonly nonce: Uint8Array = new Uint8Array(12);
  /** SPI and sequence number, extended or not. */
  readonly aad: Uint8Array;
  private readonly nonceView: DataView = new DataView(this.nonce.buffer);
  private readonly aadView: DataView;

  constructor(salt: Uint8Array, esn: boolean) {
    this.nonce.set(salt);
    this.aad = new Uint8Array(esn ? 12 : 8);
    this.aadView = new DataView(this.aad.buffer);
  }

  /** Fills both in for the packet at `esp`. */
  take(view: DataView, esp: number, seqHi: number): void {
    this.nonceView.setInt32(4, view.getInt32(esp + ESP_HLEN));
    this.nonceView.setInt32(8, view.getInt32(esp + ESP_HLEN + 4));
    this.aadView.setInt32(0, view.getInt32(esp));
    if (this.aad.length === 12) this.aadView.setInt32(4, seqHi);
    this.aadView.setInt32(this.aad.length - 4, view.getInt32(esp + 4));
  }

  /** The nonce where counter blocks are made from it. */
  toState(): void {
    for (let i = 0; i < 12; i += 4) memoryView.setInt32(GHASH_STATE + i, this.nonceView.getInt32(i));
  }

  /** The additional data as a block for GHASH. */
  toAad(): void {
    const { length } = this.aad;
    for (let i = 0; i < length; i += 4) memoryView.setInt32(AAD + i, this.aadView.getInt32(i));
    for (let i = length; i < 16; i += 4) memoryView.setInt32(AAD + i, 0);
  }

  destroy(): void {
    this.nonce.fill(0);
    this.aad.fill(0);
  }
}
