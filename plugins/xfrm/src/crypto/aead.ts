/**
 * aead.ts — what ESP asks of its cryptography (RFC 4303 §3.2): a packet's bytes are sealed and opened where they lie.
 *
 *      esp      esp+8          text                       text+length
 *      +--------+--------------+--------------------------+-----------+
 *      | SPI SN | IV (ivSize)  | text, trailer included   | ICV       |
 *      +--------+--------------+--------------------------+-----------+
 */

/** Memory that a packet lies in: an SkbHead. */
export interface PacketBytes {
  readonly buf: Uint8Array;
  readonly view: DataView;
}

export interface Aead {
  /** Octets of the IV that the packet carries. */
  readonly ivSize: number;
  /** Octets that the cipher takes at a time, 1 for a stream cipher: the text's length is a multiple of it. */
  readonly blockSize: number;
  /** Octets of the ICV; 0: none. */
  readonly icvSize: number;
  /** Writes the IV, encrypts `length` octets of text, writes the ICV. `seqHi`: upper half of an extended sequence number. */
  seal(bytes: PacketBytes, esp: number, length: number, seqHi: number): void;
  /** Checks the ICV, then decrypts; false when it is wrong, and the text is not to be used. */
  open(bytes: PacketBytes, esp: number, length: number, seqHi: number): boolean;
  /** Clears what is known of the keys. The object is not used again. */
  destroy(): void;
}

/** Octets of SPI and sequence number. */
export const ESP_HLEN = 8;

/** Where IVs come from. */
export interface IvSource {
  write(view: DataView, at: number): void;
}

interface Random {
  int32(): number;
}

/**
 * Eight octets that no two packets of one key share (RFC 4106 §3.1, RFC 3686 §3.1, RFC 7634 §2): a counter. It starts
 * anywhere, so that the same key after a restart meets the old IVs with a probability of packets/2^64.
 */
export class CounterIv implements IvSource {
  private high: number;
  private low: number;

  constructor(random: Random) {
    this.high = random.int32();
    this.low = random.int32();
  }

  write(view: DataView, at: number): void {
    view.setInt32(at, this.high);
    view.setInt32(at + 4, this.low);
    this.low = (this.low + 1) | 0;
    if (this.low === 0) this.high = (this.high + 1) | 0;
  }
}

/** Sixteen octets that nobody can foretell, as CBC needs (RFC 3602 §3). */
export class RandomIv implements IvSource {
  private readonly random: Random;
  private readonly size: number;

  constructor(random: Random, size: number) {
    this.random = random;
    this.size = size;
  }

  write(view: DataView, at: number): void {
    for (let i = 0; i < this.size; i += 4) view.setInt32(at + i, this.random.int32());
  }
}
