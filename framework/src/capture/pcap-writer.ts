/** pcap-writer.ts — frames into a pcap file, little-endian, with micro- or nanoseconds. */
import { copyBytes } from './copy-bytes.ts';
import type { CaptureFrame } from './frame.ts';
import { LINKTYPE_ETHERNET } from './link-type.ts';
import {
  PCAP_CAPTURED,
  PCAP_FILE_HEADER,
  PCAP_FRACTION,
  PCAP_LINKTYPE,
  PCAP_MAGIC,
  PCAP_MAGIC_NS,
  PCAP_MAJOR,
  PCAP_MAX_RECORD,
  PCAP_MINOR,
  PCAP_ORIGINAL,
  PCAP_RECORD_HEADER,
  PCAP_SNAPLEN,
} from './pcap.ts';
import type { CaptureWriter, OutputBuffer } from './writer.ts';

export class PcapWriter implements CaptureWriter {
  readonly out: OutputBuffer;
  private readonly nanoseconds: boolean;

  /** @param nanoseconds write nanoseconds: other tools than libpcap's and Wireshark's may not know such files */
  constructor(out: OutputBuffer, nanoseconds: boolean) {
    this.out = out;
    this.nanoseconds = nanoseconds;
  }

  /** Writes the file header: first, unless the file has one. */
  begin(): void {
    const at = this.out.take(PCAP_FILE_HEADER);
    const { view } = this.out;
    view.setUint32(at, this.nanoseconds ? PCAP_MAGIC_NS : PCAP_MAGIC, true);
    view.setUint16(at + PCAP_MAJOR, 2, true);
    view.setUint16(at + PCAP_MINOR, 4, true);
    // Time zone and accuracy: always 0.
    view.setUint32(at + 8, 0, true);
    view.setUint32(at + 12, 0, true);
    view.setUint32(at + PCAP_SNAPLEN, PCAP_MAX_RECORD, true);
    view.setUint32(at + PCAP_LINKTYPE, LINKTYPE_ETHERNET, true);
  }

  write(frame: CaptureFrame): void {
    const { out } = this;
    const { length } = frame;
    const at = out.take(PCAP_RECORD_HEADER + length);
    const { view } = out;
    view.setUint32(at, frame.seconds, true);
    view.setUint32(at + PCAP_FRACTION, this.nanoseconds ? frame.nanoseconds : (frame.nanoseconds / 1000) | 0, true);
    view.setUint32(at + PCAP_CAPTURED, length, true);
    view.setUint32(at + PCAP_ORIGINAL, frame.originalLength, true);
    copyBytes(out, at + PCAP_RECORD_HEADER, frame.head, frame.offset, length);
    out.frames++;
  }
}
