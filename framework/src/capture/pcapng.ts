/**
 * pcapng.ts — the block-structured capture file (draft-ietf-opsawg-pcapng).
 *
 *      0       4        8                        total-4  total
 *      | type  | total  | body, padded to 32 bit | total  |
 *
 *      section      8 byte order  12 major, minor   16 section length (64)      24 options
 *      interface    8 link type, reserved           12 snap length              16 options
 *      packet       8 interface   12 time (hi, lo)  20 captured   24 original   28 frame, options    (enhanced)
 *      simple       8 original    12 frame
 *      option       0 code        2 length          4 value, padded to 32 bit
 */

export const SHB_TYPE = 0x0a0d0d0a;
export const IDB_TYPE = 1;
/** The obsolete packet block: as the enhanced one, but for a drop count in the upper half of the interface. */
export const PB_TYPE = 2;
export const SPB_TYPE = 3;
export const EPB_TYPE = 6;

/** Type, total length at both ends. */
export const BLOCK_MIN = 12;
/** Wireshark takes nothing longer for a block either. */
export const BLOCK_MAX: number = 16 * 1024 * 1024;
export const BLOCK_TOTAL = 4;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
export const SHB_BYTE_ORDER = 8;
export const SHB_MAJOR = 12;
export const SHB_MINOR = 14;
export const SHB_SECTION_LENGTH = 16;
export const SHB_OPTIONS = 24;

export const IDB_LINKTYPE = 8;
export const IDB_SNAPLEN = 12;
export const IDB_OPTIONS = 16;

export const EPB_INTERFACE = 8;
export const EPB_TIME_HIGH = 12;
export const EPB_TIME_LOW = 16;
export const EPB_CAPTURED = 20;
export const EPB_ORIGINAL = 24;
export const EPB_DATA = 28;

export const SPB_ORIGINAL = 8;
export const SPB_DATA = 12;

export const OPTION_HEADER = 4;
export const OPTION_MAX = 65535;
export const OPT_ENDOFOPT = 0;
export const OPT_COMMENT = 1;
export const SHB_USERAPPL = 4;
export const IF_NAME = 2;
export const IF_DESCRIPTION = 3;
export const IF_MACADDR = 6;
export const IF_TSRESOL = 9;
export const IF_TSOFFSET = 14;
export const EPB_FLAGS = 2;
export const EPB_PACKETID = 5;
/** epb_flags: the bits that say the direction. */
export const EPB_FLAGS_DIRECTION = 3;

/** `length` and what is missing to the next 32-bit boundary. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}
