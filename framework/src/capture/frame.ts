/** frame.ts — one frame of a capture, as readers give it and writers take it. */

/** Which way a frame passed its interface (epb_flags bits 0–1). */
export const CAPTURE_DIRECTION_UNKNOWN = 0;
export const CAPTURE_INBOUND = 1;
export const CAPTURE_OUTBOUND = 2;

const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_VIEW: DataView = new DataView(NO_BYTES.buffer);
const NO_COMMENTS: readonly string[] = [];

/**
 * A frame is described, not held: `buf` belongs to somebody else. Make one object and use it for every frame; nothing
 * is allocated on the way then.
 */
export class CaptureFrame {
  /** The frame is `buf[offset, offset + length)`; `view` shows the same memory. */
  buf: Uint8Array = NO_BYTES;
  view: DataView = NO_VIEW;
  offset = 0;
  length = 0;
  /** Bytes that the frame had on the wire: more than `length` when the capture kept only its start. */
  originalLength = 0;
  /** Time since 1970: whole seconds, and 0 … 999,999,999 nanoseconds. A double cannot hold both in one. */
  seconds = 0;
  nanoseconds = 0;
  /** Index into the interfaces of the capture; always 0 in pcap. */
  interfaceId = 0;
  /** CAPTURE_*; pcapng only, like all that follows. */
  direction: number = CAPTURE_DIRECTION_UNKNOWN;
  /** The same number wherever the same packet was seen (epb_packetid), exact to 2^53; -1 for none. */
  packetId = -1;
  comments: readonly string[] = NO_COMMENTS;

  /** Takes back what the last frame had and the next one may not have. */
  clearOptions(): void {
    this.direction = CAPTURE_DIRECTION_UNKNOWN;
    this.packetId = -1;
    this.comments = NO_COMMENTS;
  }
}
