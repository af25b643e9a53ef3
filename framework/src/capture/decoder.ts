/** decoder.ts — what each capture format supplies to the reader. */
import type { CaptureFrame } from './frame.ts';

/** A network interface that frames of a capture were taken from. */
export interface CaptureInterface {
  /** Empty when the capture does not say. */
  readonly name: string;
  readonly linkType: number;
  /** Most bytes kept of a frame; 0 for all. */
  readonly snapLength: number;
}

export interface CaptureDecoder {
  /** `pcap`, `nsecpcap` or `pcapng`, as editcap(1) calls them. */
  readonly format: string;
  /** Of the section that is being read: frames name them by index. */
  readonly interfaces: readonly CaptureInterface[];
  /** Describes the next frame in `frame`: CAPTURE_FRAME, CAPTURE_MORE or CAPTURE_END. Throws CaptureError. */
  next(frame: CaptureFrame): number;
}
