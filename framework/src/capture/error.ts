/** error.ts — why a capture cannot be read on: where the input stopped making sense. */

/** `truncated`: the input ended inside a record. `garbage`: it is no capture, or stops being one. `unsupported`: it is one we refuse. */
export type CaptureErrorCode = 'truncated' | 'garbage' | 'unsupported';

/** Everything before `offset` was read and is good. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  readonly code: CaptureErrorCode;
  /** Bytes from the start of the input to the record or block that is wrong. */
  readonly offset: number;

  /** @param what one line without the offset, which goes in front of it */
  constructor(code: CaptureErrorCode, offset: number, what: string) {
    super(`byte ${offset}: ${what}`);
    this.code = code;
    this.offset = offset;
  }
}
