/**
 * reader.ts — reads captures of any size, in pieces of any size: tells the format from the first bytes, then gives frame
 * after frame without allocating.
 *
 * ```ts
 * const reader = new CaptureReader();
 * for (;;) {
 *   const got = reader.next();                    // throws CaptureError with the byte offset
 *   if (got === CAPTURE_FRAME) use(reader.frame); // valid until the next call
 *   else if (got === CAPTURE_END) break;
 *   else if (reader.fill(readInto) === 0) …       // or push(chunk), and finish() at the end of the input
 * }
 * ```
 */
import type { CaptureDecoder, CaptureInterface } from './decoder.ts';
import { CaptureError } from './error.ts';
import { CaptureFrame } from './frame.ts';
import { PCAP_FILE_HEADER, PCAP_MAGIC, PCAP_MAGIC_MODIFIED, PCAP_MAGIC_NS } from './pcap.ts';
import { PcapDecoder } from './pcap-reader.ts';
import { SHB_TYPE } from './pcapng.ts';
import { PcapngDecoder } from './pcapng-reader.ts';
import { ByteWindow, type ReadInto } from './window.ts';

export interface CaptureReaderOptions {
  /** Only frames of this interface of a pcapng file: its name, or its index as a number. Null for all. */
  readonly interface?: string | null;
  /** Bytes held in memory at first; more when a record needs it. */
  readonly windowSize?: number;
}

const NO_INTERFACES: readonly CaptureInterface[] = [];

/** First four bytes, big-endian, of what people mistake for a capture. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [PCAP_MAGIC_MODIFIED, 'a modified pcap file (Kuznetzov), which is not read'],
  [0x34cdb2a1, 'a modified pcap file (Kuznetzov), which is not read'],
  [0x28b52ffd, 'compressed by zstd: decompress it first'],
  [0x04224d18, 'compressed by lz4: decompress it first'],
  [0x736e6f6f, 'a snoop file, which is not read'],
]);
const GZIP = 0x1f8b;

/** Bytes that tell the format. */
const MAGIC = 4;

export class CaptureReader {
  /** The frame that the last `next` found. Its bytes stay where they are until the next call of any method. */
  readonly frame: CaptureFrame = new CaptureFrame();
  private readonly window: ByteWindow;
  private readonly only: string | null;
  private decoder: CaptureDecoder | null = null;

  constructor(options: CaptureReaderOptions = {}) {
    this.window = new ByteWindow(options.windowSize);
    this.frame.head = this.window;
    this.only = options.interface ?? null;
  }

  /** `pcap`, `nsecpcap` or `pcapng`; empty before the first bytes were seen. */
  get format(): string {
    return this.decoder?.format ?? '';
  }

  /** Interfaces described so far in the section that is being read. */
  get interfaces(): readonly CaptureInterface[] {
    return this.decoder?.interfaces ?? NO_INTERFACES;
  }

  /** Bytes of input taken in so far: where a file must be read on. */
  get received(): number {
    return this.window.received;
  }

  /**
   * Goes to the next frame: CAPTURE_FRAME, CAPTURE_MORE when the input given so far has no whole one, CAPTURE_END.
   * Throws CaptureError, and again at each further call: what came before it stands.
   */
  next(): number {
    const { decoder } = this;
    return decoder === null ? this.begin() : decoder.next(this.frame);
  }

  /** Lets `read` put more input into the reader's memory, once; 0 bytes end the input. Returns how many came. */
  fill(read: ReadInto): number {
    return this.window.fill(read);
  }

  /** Gives more input, copied. */
  push(chunk: Uint8Array): void {
    this.window.push(chunk);
  }

  /** No more input comes. */
  finish(): void {
    this.window.ended = true;
  }

  private begin(): number {
    const { window } = this;
    if (window.ended && window.received === 0) throw new CaptureError('truncated', 0, 'the capture is empty');
    if (window.end < MAGIC) return window.starved(MAGIC, 'file header');
    const magic = window.view.getUint32(0, false);
    if (magic === SHB_TYPE) {
      this.decoder = new PcapngDecoder(window, this.only);
      return this.next();
    }
    const littleEndian = isPcapMagic(window.view.getUint32(0, true));
    if (!littleEndian && !isPcapMagic(magic)) throw refusal(magic);
    if (window.end < PCAP_FILE_HEADER) return window.starved(PCAP_FILE_HEADER, 'file header');
    this.decoder = new PcapDecoder(window, littleEndian);
    return this.next();
  }
}

function isPcapMagic(magic: number): boolean {
  return magic === PCAP_MAGIC || magic === PCAP_MAGIC_NS;
}

function refusal(magic: number): CaptureError {
  const known = magic >>> 16 === GZIP ? 'compressed by gzip: decompress it first' : REFUSED.get(magic);
  if (known !== undefined) return new CaptureError('unsupported', 0, known);
  return new CaptureError('garbage', 0, `neither pcap nor pcapng: it starts with ${magic.toString(16).padStart(8, '0')}`);
}
