/** pcap-reader.ts — frames out of a pcap file: micro- or nanoseconds, either byte order. */
import type { CaptureDecoder, CaptureInterface } from './decoder.ts';
import { CaptureError } from './error.ts';
import type { CaptureFrame } from './frame.ts';
import { LINKTYPE_ETHERNET, refusedLinkType } from './link-type.ts';
import {
  PCAP_CAPTURED,
  PCAP_FILE_HEADER,
  PCAP_FRACTION,
  PCAP_LINKTYPE,
  PCAP_LINKTYPE_MASK,
  PCAP_MAGIC_NS,
  PCAP_MAJOR,
  PCAP_MAX_RECORD,
  PCAP_ORIGINAL,
  PCAP_RECORD_HEADER,
  PCAP_SNAPLEN,
} from './pcap.ts';
import { type ByteWindow, CAPTURE_FRAME } from './window.ts';

const SECOND = 1_000_000_000;

export class PcapDecoder implements CaptureDecoder {
  readonly format: string;
  readonly interfaces: readonly CaptureInterface[];
  private readonly window: ByteWindow;
  private readonly littleEndian: boolean;
  /** Nanoseconds in one unit of a record's fraction. */
  private readonly unit: number;

  /** Reads the file header, which is in the window as a whole, magic number checked. */
  constructor(window: ByteWindow, littleEndian: boolean) {
    const { view, pos, offset } = window;
    const nanoseconds = view.getUint32(pos, littleEndian) === PCAP_MAGIC_NS;
    const major = view.getUint16(pos + PCAP_MAJOR, littleEndian);
    if (major !== 2) throw new CaptureError('unsupported', offset, `pcap version ${major}, only 2 can be read`);
    const linkType = view.getUint32(pos + PCAP_LINKTYPE, littleEndian) & PCAP_LINKTYPE_MASK;
    if (linkType !== LINKTYPE_ETHERNET) throw new CaptureError('unsupported', offset + PCAP_LINKTYPE, refusedLinkType(linkType));
    this.format = nanoseconds ? 'nsecpcap' : 'pcap';
    this.interfaces = [{ name: '', linkType, snapLength: view.getUint32(pos + PCAP_SNAPLEN, littleEndian) }];
    this.window = window;
    this.littleEndian = littleEndian;
    this.unit = nanoseconds ? 1 : 1000;
    window.pos += PCAP_FILE_HEADER;
  }

  next(frame: CaptureFrame): number {
    const { window, littleEndian } = this;
    const at = window.pos;
    if (window.end - at < PCAP_RECORD_HEADER) return window.starved(PCAP_RECORD_HEADER, 'record header');
    const { view } = window;
    const captured = view.getUint32(at + PCAP_CAPTURED, littleEndian);
    if (captured > PCAP_MAX_RECORD) throw new CaptureError('garbage', window.offset, `no record: it claims a frame of ${captured} bytes`);
    const size = PCAP_RECORD_HEADER + captured;
    if (window.end - at < size) return window.starved(size, 'record');
    frame.offset = at + PCAP_RECORD_HEADER;
    frame.length = captured;
    frame.originalLength = Math.max(captured, view.getUint32(at + PCAP_ORIGINAL, littleEndian));
    frame.seconds = view.getUint32(at, littleEndian);
    frame.nanoseconds = view.getUint32(at + PCAP_FRACTION, littleEndian) * this.unit;
    // Some writers let the fraction run over.
    if (frame.nanoseconds >= SECOND) carry(frame);
    window.pos = at + size;
    return CAPTURE_FRAME;
  }
}

function carry(frame: CaptureFrame): void {
  frame.seconds += Math.floor(frame.nanoseconds / SECOND);
  frame.nanoseconds %= SECOND;
}
