/**
 * window.ts — the part of a capture that is in memory, so that captures larger than memory can be read.
 *
 *      0          pos                    end              buf.length
 *      +-----------+----------------------+------------------+
 *      | read      | unread               | room             |
 *      +-----------+----------------------+------------------+
 */
import type { ViewedBytes } from './copy-bytes.ts';
import { CaptureError } from './error.ts';

/** What `next` of a reader answers. */
export const CAPTURE_FRAME = 1;
/** The input given so far ends inside a record: give more, or say that there is none. */
export const CAPTURE_MORE = 0;
export const CAPTURE_END = -1;

/** Puts at most `length` bytes at `buf[at]`, returns how many; 0 means that the input is over. */
export type ReadInto = (buf: Uint8Array, at: number, length: number) => number;

/** 80 MB are read in 16 ms of processor time so, in 17 with half of it; with twice as much they need 54 (Linux 6.18, ext4). */
const WINDOW_SIZE = 128 * 1024;

export class ByteWindow implements ViewedBytes {
  buf: Uint8Array;
  view: DataView;
  pos = 0;
  end = 0;
  /** Nothing comes behind `end`. */
  ended = false;
  /** Bytes of the input before `buf[0]`. */
  private before = 0;
  /** Bytes that must fit from `pos` on: the record that was found incomplete. */
  private wanted = 0;

  constructor(size: number = WINDOW_SIZE) {
    this.buf = new Uint8Array(size);
    this.view = new DataView(this.buf.buffer);
  }

  /** Where `pos` is in the input. */
  get offset(): number {
    return this.before + this.pos;
  }

  /** How many bytes of input came in so far. */
  get received(): number {
    return this.before + this.end;
  }

  /** Makes room and lets `read` fill it, once. Frames read before are gone from the buffer. */
  fill(read: ReadInto): number {
    this.makeRoom(Math.max(this.wanted, this.end - this.pos + 1));
    const bytes = read(this.buf, this.end, this.buf.length - this.end);
    if (bytes === 0) this.ended = true;
    this.end += bytes;
    return bytes;
  }

  /** Appends a copy of `chunk`, of any size. */
  push(chunk: Uint8Array): void {
    this.makeRoom(this.end - this.pos + chunk.length);
    this.buf.set(chunk, this.end);
    this.end += chunk.length;
  }

  /**
   * The answer of a reader that finds fewer than `bytes` unread ones: more input, or the end if the input ended
   * between two records. Inside one, that is an error.
   */
  starved(bytes: number, what: string): number {
    if (!this.ended) {
      this.wanted = bytes;
      return CAPTURE_MORE;
    }
    const left = this.end - this.pos;
    if (left === 0) return CAPTURE_END;
    throw new CaptureError('truncated', this.offset, `the capture ends inside a ${what}: ${left} of ${bytes} bytes are there`);
  }

  /** Moves what is unread to the front, so that `bytes` in all fit from there. */
  private makeRoom(bytes: number): void {
    const unread = this.end - this.pos;
    const old = this.buf;
    if (bytes > old.length) {
      this.buf = new Uint8Array(2 ** Math.ceil(Math.log2(bytes)));
      this.view = new DataView(this.buf.buffer);
      this.buf.set(old.subarray(this.pos, this.end));
    } else {
      old.copyWithin(0, this.pos, this.end);
    }
    this.before += this.pos;
    this.pos = 0;
    this.end = unread;
    this.wanted = 0;
  }
}
