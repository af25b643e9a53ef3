/** pcapng-writer.ts — frames into a pcapng file: one section, little-endian, nanoseconds. */
import { copyBytes } from './copy-bytes.ts';
import { CAPTURE_DIRECTION_UNKNOWN, type CaptureFrame } from './frame.ts';
import { LINKTYPE_ETHERNET } from './link-type.ts';
import {
  BLOCK_TOTAL,
  BYTE_ORDER_MAGIC,
  EPB_CAPTURED,
  EPB_DATA,
  EPB_FLAGS,
  EPB_INTERFACE,
  EPB_ORIGINAL,
  EPB_PACKETID,
  EPB_TIME_HIGH,
  EPB_TYPE,
  IDB_LINKTYPE,
  IDB_OPTIONS,
  IDB_SNAPLEN,
  IDB_TYPE,
  IF_DESCRIPTION,
  IF_MACADDR,
  IF_NAME,
  IF_TSRESOL,
  OPT_COMMENT,
  OPT_ENDOFOPT,
  OPTION_HEADER,
  OPTION_MAX,
  padded,
  SHB_BYTE_ORDER,
  SHB_MAJOR,
  SHB_MINOR,
  SHB_OPTIONS,
  SHB_SECTION_LENGTH,
  SHB_TYPE,
  SHB_USERAPPL,
} from './pcapng.ts';
import { putNanosecondTicks } from './tick.ts';
import type { CaptureWriter, OutputBuffer } from './writer.ts';

/** An interface of a capture to be written; texts are cut at 65,535 bytes of UTF-8. */
export interface PcapngInterface {
  readonly name: string;
  readonly description?: string;
  /** 6 bytes. */
  readonly macAddress?: Uint8Array;
  readonly comment?: string;
}

type Option = readonly [code: number, value: Uint8Array];

const NO_TEXTS: readonly Uint8Array[] = [];
const NANOSECONDS: Uint8Array = Uint8Array.of(9);
/** The total length at the end of a block. */
const TRAILER = 4;
const FLAGS_SIZE: number = OPTION_HEADER + 4;
const PACKETID_SIZE: number = OPTION_HEADER + 8;
const WORD = 0x100000000;

export class PcapngWriter implements CaptureWriter {
  readonly out: OutputBuffer;
  private interfaces = 0;

  constructor(out: OutputBuffer) {
    this.out = out;
  }

  /** Starts a section: first of all, or again in a file that has one. Its interfaces are described anew. */
  begin(application: string, comment?: string): void {
    const options: Option[] = [[SHB_USERAPPL, utf8(application)]];
    if (comment !== undefined) options.push([OPT_COMMENT, utf8(comment)]);
    const at = this.block(SHB_TYPE, SHB_OPTIONS, sizeOf(options));
    const { view } = this.out;
    view.setUint32(at + SHB_BYTE_ORDER, BYTE_ORDER_MAGIC, true);
    view.setUint16(at + SHB_MAJOR, 1, true);
    view.setUint16(at + SHB_MINOR, 0, true);
    // Unknown: the section ends where the next one starts.
    view.setBigInt64(at + SHB_SECTION_LENGTH, -1n, true);
    this.putOptions(at + SHB_OPTIONS, options);
    this.interfaces = 0;
  }

  /** Describes an interface of the section; returns the id that its frames carry. */
  addInterface(init: PcapngInterface): number {
    const options: Option[] = [
      [IF_NAME, utf8(init.name)],
      [IF_TSRESOL, NANOSECONDS],
    ];
    if (init.description !== undefined) options.push([IF_DESCRIPTION, utf8(init.description)]);
    if (init.macAddress !== undefined) options.push([IF_MACADDR, init.macAddress]);
    if (init.comment !== undefined) options.push([OPT_COMMENT, utf8(init.comment)]);
    const at = this.block(IDB_TYPE, IDB_OPTIONS, sizeOf(options));
    const { view } = this.out;
    view.setUint32(at + IDB_LINKTYPE, LINKTYPE_ETHERNET, true);
    view.setUint32(at + IDB_SNAPLEN, 0, true);
    this.putOptions(at + IDB_OPTIONS, options);
    return this.interfaces++;
  }

  write(frame: CaptureFrame): void {
    const { out } = this;
    const { length } = frame;
    const data = padded(length);
    const texts = frame.comments.length === 0 ? NO_TEXTS : frame.comments.map(utf8);
    const options = frameOptionsSize(frame, texts);
    const at = this.block(EPB_TYPE, EPB_DATA + data, options);
    const { view } = out;
    view.setUint32(at + EPB_INTERFACE, frame.interfaceId, true);
    putNanosecondTicks(view, at + EPB_TIME_HIGH, frame.seconds, frame.nanoseconds);
    view.setUint32(at + EPB_CAPTURED, length, true);
    view.setUint32(at + EPB_ORIGINAL, frame.originalLength, true);
    if (data !== length) view.setUint32(at + EPB_DATA + data - 4, 0, true);
    copyBytes(out, at + EPB_DATA, frame.head, frame.offset, length);
    if (options !== 0) this.putFrameOptions(at + EPB_DATA + data, frame, texts);
    out.frames++;
  }

  /** Makes room for a block, with its type and both lengths in place; returns where it starts. */
  private block(type: number, body: number, options: number): number {
    const total = body + options + TRAILER;
    const at = this.out.take(total);
    const { view } = this.out;
    view.setUint32(at, type, true);
    view.setUint32(at + BLOCK_TOTAL, total, true);
    view.setUint32(at + total - TRAILER, total, true);
    return at;
  }

  private putFrameOptions(start: number, frame: CaptureFrame, texts: readonly Uint8Array[]): void {
    const { view } = this.out;
    let at = start;
    for (const text of texts) at = this.putOption(at, OPT_COMMENT, text);
    if (frame.direction !== CAPTURE_DIRECTION_UNKNOWN) {
      this.optionHeader(at, EPB_FLAGS, 4);
      view.setUint32(at + OPTION_HEADER, frame.direction, true);
      at += FLAGS_SIZE;
    }
    if (frame.packetId >= 0) {
      this.optionHeader(at, EPB_PACKETID, 8);
      view.setUint32(at + OPTION_HEADER, frame.packetId % WORD, true);
      view.setUint32(at + OPTION_HEADER + 4, Math.floor(frame.packetId / WORD), true);
      at += PACKETID_SIZE;
    }
    this.optionHeader(at, OPT_ENDOFOPT, 0);
  }

  private putOptions(start: number, options: readonly Option[]): void {
    let at = start;
    for (const [code, value] of options) at = this.putOption(at, code, value);
    this.optionHeader(at, OPT_ENDOFOPT, 0);
  }

  /** Writes one option; returns where the next one goes. */
  private putOption(at: number, code: number, value: Uint8Array): number {
    const { buf } = this.out;
    this.optionHeader(at, code, value.length);
    const from = at + OPTION_HEADER;
    const end = from + padded(value.length);
    buf.set(value, from);
    buf.fill(0, from + value.length, end);
    return end;
  }

  private optionHeader(at: number, code: number, length: number): void {
    const { view } = this.out;
    view.setUint16(at, code, true);
    view.setUint16(at + 2, length, true);
  }
}

/** Bytes of the options of a block, end mark included. */
function sizeOf(options: readonly Option[]): number {
  let size = OPTION_HEADER;
  for (const [, value] of options) size += OPTION_HEADER + padded(value.length);
  return size;
}

/** The same for a frame's; 0 when it has none. */
function frameOptionsSize(frame: CaptureFrame, texts: readonly Uint8Array[]): number {
  let size = 0;
  if (frame.direction !== CAPTURE_DIRECTION_UNKNOWN) size += FLAGS_SIZE;
  if (frame.packetId >= 0) size += PACKETID_SIZE;
  for (const text of texts) size += OPTION_HEADER + padded(text.length);
  return size === 0 ? 0 : size + OPTION_HEADER;
}

const encoder = new TextEncoder();

/** Text as an option holds it: cut, between two characters, where its length field ends. */
function utf8(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  if (bytes.length <= OPTION_MAX) return bytes;
  const { written } = encoder.encodeInto(text, bytes.subarray(0, OPTION_MAX));
  return bytes.subarray(0, written);
}
