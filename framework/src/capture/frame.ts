/** frame.ts — one frame of a capture, as readers give it and writers take it. */
import type { ViewedBytes } from './copy-bytes.ts';

/** Which way a frame passed its interface (epb_flags bits 0–1). */
export const CAPTURE_DIRECTION_UNKNOWN = 0;
export const CAPTURE_INBOUND = 1;
export const CAPTURE_OUTBOUND = 2;

const NOWHERE: ViewedBytes = { buf: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)) };
const NO_COMMENTS: readonly string[] = [];

/**
 * A frame is described, not held: its memory belongs to somebody else. Make one object and use it for every frame;
 * nothing is allocated on the way then.
 */
export class CaptureFrame {
  /** The frame is `head.buf[offset, offset + length)`: the head of a packet, or what a reader has in memory. */
  head: ViewedBytes = NOWHERE;
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
