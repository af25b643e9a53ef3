/** pcapng-option.ts — looks for options in a block of a pcapng file: code, length, value padded to 32 bit. */
import { CaptureError } from './error.ts';
import { OPT_ENDOFOPT, OPTION_HEADER, padded } from './pcapng.ts';

/** The options of one block, from `at` to `end` of `view`. Make one and point it at each block in turn. */
export class OptionCursor {
  /** Where the value of the option found is, and its length. */
  value = 0;
  length = 0;
  private view: DataView = new DataView(new ArrayBuffer(0));
  private littleEndian = true;
  private at = 0;
  private end = 0;
  private start = 0;
  private blockOffset = 0;

  /** @param blockOffset where the block is in the input, for errors */
  point(view: DataView, littleEndian: boolean, start: number, end: number, blockOffset: number): void {
    this.view = view;
    this.littleEndian = littleEndian;
    this.start = start;
    this.at = start;
    this.end = end;
    this.blockOffset = blockOffset;
  }

  /** Back to the first option. */
  rewind(): void {
    this.at = this.start;
  }

  /**
   * Goes to the next option `code` and sets `value` and `length`; false when none is left. One shorter than `shortest`
   * is garbage.
   */
  find(code: number, shortest: number): boolean {
    while (this.at + OPTION_HEADER <= this.end) {
      const { view, littleEndian, at } = this;
      const found = view.getUint16(at, littleEndian);
      const length = view.getUint16(at + 2, littleEndian);
      const value = at + OPTION_HEADER;
      if (found === OPT_ENDOFOPT) break;
      if (value + length > this.end) throw new CaptureError('garbage', this.blockOffset, `option ${found} is longer than its block`);
      this.at = value + padded(length);
      if (found !== code) continue;
      if (length < shortest) throw new CaptureError('garbage', this.blockOffset, `option ${code} has ${length} bytes, not ${shortest}`);
      this.value = value;
      this.length = length;
      return true;
    }
    return false;
  }
}
