/** pcapng-reader.ts — frames out of a pcapng file: sections of either byte order, several interfaces, blocks unknown. */
import type { CaptureDecoder, CaptureInterface } from './decoder.ts';
import { CaptureError } from './error.ts';
import type { CaptureFrame } from './frame.ts';
import { LINKTYPE_ETHERNET, refusedLinkType } from './link-type.ts';
import {
  BLOCK_MAX,
  BLOCK_MIN,
  BLOCK_TOTAL,
  BYTE_ORDER_MAGIC,
  EPB_CAPTURED,
  EPB_DATA,
  EPB_FLAGS,
  EPB_FLAGS_DIRECTION,
  EPB_INTERFACE,
  EPB_ORIGINAL,
  EPB_PACKETID,
  EPB_TIME_HIGH,
  EPB_TIME_LOW,
  EPB_TYPE,
  IDB_LINKTYPE,
  IDB_OPTIONS,
  IDB_SNAPLEN,
  IDB_TYPE,
  IF_NAME,
  IF_TSOFFSET,
  IF_TSRESOL,
  OPT_COMMENT,
  PB_TYPE,
  padded,
  SHB_BYTE_ORDER,
  SHB_MAJOR,
  SHB_OPTIONS,
  SHB_TYPE,
  SPB_DATA,
  SPB_ORIGINAL,
  SPB_TYPE,
} from './pcapng.ts';
import { OptionCursor } from './pcapng-option.ts';
import { TickScale } from './tick.ts';
import { type ByteWindow, CAPTURE_FRAME } from './window.ts';

/** if_tsresol of an interface that does not say: microseconds. */
const DEFAULT_TSRESOL = 6;
/** Room for the total length at the end of a block. */
const TRAILER = 4;

const utf8 = new TextDecoder();

interface Interface extends CaptureInterface {
  readonly scale: TickScale;
  /** The reader was asked for this one, or for all. */
  readonly wanted: boolean;
}

export class PcapngDecoder implements CaptureDecoder {
  readonly format = 'pcapng';
  interfaces: Interface[] = [];
  private readonly window: ByteWindow;
  private readonly only: string | null;
  private readonly options = new OptionCursor();
  private littleEndian = true;

  /** @param only name or index of the interface whose frames are wanted, or null for all */
  constructor(window: ByteWindow, only: string | null) {
    this.window = window;
    this.only = only;
  }

  next(frame: CaptureFrame): number {
    const { window } = this;
    for (;;) {
      const at = window.pos;
      if (window.end - at < BLOCK_MIN) return window.starved(BLOCK_MIN, 'block header');
      const { view } = window;
      // The type of a section header reads the same in both byte orders.
      const type = view.getUint32(at, this.littleEndian);
      if (type === SHB_TYPE) this.littleEndian = this.byteOrder(view, at);
      const { littleEndian } = this;
      const total = view.getUint32(at + BLOCK_TOTAL, littleEndian);
      if (total < BLOCK_MIN || total > BLOCK_MAX || (total & 3) !== 0) throw this.garbage(`no block: it claims ${total} bytes`);
      if (window.end - at < total) return window.starved(total, 'block');
      const trailer = view.getUint32(at + total - TRAILER, littleEndian);
      if (trailer !== total) throw this.garbage(`no block: its length is ${total} at the start and ${trailer} at the end`);
      const found = this.block(type, at, total, frame);
      window.pos = at + total;
      if (found) return CAPTURE_FRAME;
    }
  }

  /** Takes in one whole block; true when it was a frame that is wanted. */
  private block(type: number, at: number, total: number, frame: CaptureFrame): boolean {
    switch (type) {
      case EPB_TYPE:
        return this.packet(at, total, this.window.view.getUint32(at + EPB_INTERFACE, this.littleEndian), frame);
      case PB_TYPE:
        return this.packet(at, total, this.window.view.getUint16(at + EPB_INTERFACE, this.littleEndian), frame);
      case SPB_TYPE:
        return this.simplePacket(at, total, frame);
      case IDB_TYPE:
        this.describeInterface(at, total);
        return false;
      case SHB_TYPE:
        this.startSection(at, total);
        return false;
      default:
        return false;
    }
  }

  private packet(at: number, total: number, interfaceId: number, frame: CaptureFrame): boolean {
    const { littleEndian } = this;
    const { view } = this.window;
    this.checkSize(total, EPB_DATA + TRAILER, 'packet block');
    const iface = this.interfaceOf(interfaceId);
    if (!iface.wanted) return false;
    const captured = view.getUint32(at + EPB_CAPTURED, littleEndian);
    const space = total - EPB_DATA - TRAILER;
    if (captured > space) throw this.garbage(`a packet block of ${total} bytes claims a frame of ${captured}`);
    iface.scale.apply(frame, view.getUint32(at + EPB_TIME_HIGH, littleEndian), view.getUint32(at + EPB_TIME_LOW, littleEndian));
    this.describe(frame, at + EPB_DATA, captured, view.getUint32(at + EPB_ORIGINAL, littleEndian), interfaceId);
    if (padded(captured) < space) this.packetOptions(frame, at + EPB_DATA + padded(captured), at + total - TRAILER);
    return true;
  }

  /** A frame without time or interface: it is of the first one, and gets the time of the frame before it. */
  private simplePacket(at: number, total: number, frame: CaptureFrame): boolean {
    this.checkSize(total, SPB_DATA + TRAILER, 'simple packet block');
    const iface = this.interfaceOf(0);
    if (!iface.wanted) return false;
    const original = this.window.view.getUint32(at + SPB_ORIGINAL, this.littleEndian);
    const kept = iface.snapLength === 0 ? original : Math.min(original, iface.snapLength);
    if (kept > total - SPB_DATA - TRAILER) throw this.garbage(`a simple packet block of ${total} bytes claims a frame of ${kept}`);
    this.describe(frame, at + SPB_DATA, kept, original, 0);
    return true;
  }

  private describe(frame: CaptureFrame, offset: number, length: number, original: number, interfaceId: number): void {
    frame.offset = offset;
    frame.length = length;
    frame.originalLength = Math.max(length, original);
    frame.interfaceId = interfaceId;
    frame.clearOptions();
  }

  private packetOptions(frame: CaptureFrame, start: number, end: number): void {
    const { options, window, littleEndian } = this;
    const { view } = window;
    options.point(view, littleEndian, start, end, window.offset);
    while (options.next()) {
      switch (options.code) {
        case EPB_FLAGS:
          frame.direction = view.getUint32(options.need(4), littleEndian) & EPB_FLAGS_DIRECTION;
          break;
        case EPB_PACKETID:
          frame.packetId = this.uint64(options.need(8));
          break;
        case OPT_COMMENT:
          frame.comments = [...frame.comments, this.text()];
      }
    }
  }

  private describeInterface(at: number, total: number): void {
    const { options, window, littleEndian } = this;
    const { view } = window;
    this.checkSize(total, IDB_OPTIONS + TRAILER, 'interface description');
    options.point(view, littleEndian, at + IDB_OPTIONS, at + total - TRAILER, window.offset);
    let name = '';
    let tsresol = DEFAULT_TSRESOL;
    let tsoffset = 0;
    while (options.next()) {
      switch (options.code) {
        case IF_NAME:
          name = this.text();
          break;
        case IF_TSRESOL:
          tsresol = view.getUint8(options.need(1));
          break;
        case IF_TSOFFSET:
          tsoffset = Number(view.getBigInt64(options.need(8), littleEndian));
      }
    }
    const { only } = this;
    this.interfaces.push({
      name,
      linkType: view.getUint16(at + IDB_LINKTYPE, littleEndian),
      snapLength: view.getUint32(at + IDB_SNAPLEN, littleEndian),
      scale: new TickScale(tsresol, tsoffset),
      wanted: only === null || only === name || only === String(this.interfaces.length),
    });
  }

  private startSection(at: number, total: number): void {
    this.checkSize(total, SHB_OPTIONS + TRAILER, 'section header');
    const major = this.window.view.getUint16(at + SHB_MAJOR, this.littleEndian);
    if (major !== 1) throw new CaptureError('unsupported', this.window.offset, `pcapng version ${major}, only 1 can be read`);
    this.interfaces = [];
  }

  /** True for little-endian. */
  private byteOrder(view: DataView, at: number): boolean {
    if (view.getUint32(at + SHB_BYTE_ORDER, true) === BYTE_ORDER_MAGIC) return true;
    if (view.getUint32(at + SHB_BYTE_ORDER, false) === BYTE_ORDER_MAGIC) return false;
    throw this.garbage('a section header without byte-order magic');
  }

  private interfaceOf(id: number): Interface {
    const iface = this.interfaces[id];
    if (iface === undefined) throw this.garbage(`a frame of interface ${id}, but ${this.interfaces.length} were described`);
    if (iface.wanted && iface.linkType !== LINKTYPE_ETHERNET) {
      throw new CaptureError(
        'unsupported',
        this.window.offset,
        `a frame of interface ${iface.name || id}: ${refusedLinkType(iface.linkType)}`,
      );
    }
    return iface;
  }

  private checkSize(total: number, least: number, what: string): void {
    if (total < least) throw this.garbage(`a ${what} of ${total} bytes, too short for one`);
  }

  /** Exact to 2^53; `Number(view.getBigUint64(…))` would allocate. */
  private uint64(at: number): number {
    const { littleEndian } = this;
    const { view } = this.window;
    return (
      view.getUint32(at + (littleEndian ? 4 : 0), littleEndian) * 0x100000000 + view.getUint32(at + (littleEndian ? 0 : 4), littleEndian)
    );
  }

  private text(): string {
    const { value, length } = this.options;
    return utf8.decode(this.window.buf.subarray(value, value + length));
  }

  private garbage(what: string): CaptureError {
    return new CaptureError('garbage', this.window.offset, what);
  }
}
