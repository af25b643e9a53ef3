/** pcapng-option.ts — goes through the options of a block of a pcapng file: code, length, value padded to 32 bit. */
import { CaptureError } from './error.ts';
import { OPT_ENDOFOPT, OPTION_HEADER, padded } from './pcapng.ts';

/** The options of one block. Make one and point it at each block in turn. */
export class OptionCursor {
  code = 0;
  /** Where the value is in the view, and its length. */
  value = 0;
  length = 0;
  private view: DataView = new DataView(new ArrayBuffer(0));
  private littleEndian = true;
  private at = 0;
  private end = 0;
  private blockOffset = 0;

  /**
   * Starts at `start`, ends at `end` of `view` at the latest.
   * @param blockOffset where the block is in the input, for errors
   */
  point(view: DataView, littleEndian: boolean, start: number, end: number, blockOffset: number): void {
    this.view = view;
    this.littleEndian = littleEndian;
    this.at = start;
    this.end = end;
    this.blockOffset = blockOffset;
  }

  /** Goes to the next option; false when there is none. One that does not fit its block is garbage. */
  next(): boolean {
    const { view, littleEndian, at, end } = this;
    if (at + OPTION_HEADER > end) return false;
    this.code = view.getUint16(at, littleEndian);
    this.length = view.getUint16(at + 2, littleEndian);
    this.value = at + OPTION_HEADER;
    this.at = this.value + padded(this.length);
    if (this.code === OPT_ENDOFOPT) return false;
    if (this.at > end) throw new CaptureError('garbage', this.blockOffset, `option ${this.code} is longer than its block`);
    return true;
  }

  /** Says where the value is, which must have `bytes` bytes at least. */
  need(bytes: number): number {
    if (this.length >= bytes) return this.value;
    throw new CaptureError('garbage', this.blockOffset, `option ${this.code} has ${this.length} bytes, not ${bytes}`);
  }
}
