/** copy-bytes.ts — moves a frame from one buffer to another without allocating. */

/** Bytes and a view of the same bytes: an SkbHead, a buffer of a reader or writer. */
export interface ViewedBytes {
  readonly buf: Uint8Array;
  readonly view: DataView;
}

/**
 * Up to here words through the views win: 64 bytes cost 29 ns so, 57 by `set(subarray())`, which allocates, and 150 byte
 * by byte; 128 bytes 54 and 58; 1,514 bytes 600 and 86 (Node 20; test/bench/copy-bytes.ts).
 */
const WORDS_PAY = 128;

/** Copies `length` bytes; the two ranges lie in different buffers. */
export function copyBytes(to: ViewedBytes, toOffset: number, from: ViewedBytes, fromOffset: number, length: number): void {
  if (length > WORDS_PAY) {
    to.buf.set(from.buf.subarray(fromOffset, fromOffset + length), toOffset);
    return;
  }
  const target = to.view;
  const source = from.view;
  const words = length & ~3;
  for (let i = 0; i < words; i += 4) target.setInt32(toOffset + i, source.getInt32(fromOffset + i, true), true);
  for (let i = words; i < length; i++) target.setUint8(toOffset + i, source.getUint8(fromOffset + i));
}
