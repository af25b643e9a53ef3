/**
 * pcap.ts — the classic capture file (draft-ietf-opsawg-pcap): a file header, then records.
 *
 *      file    0        4          6          8          12         16         20         24
 *              | magic  | major 2  | minor 4  |    0     |    0     | snaplen  | linktype |
 *      record  0        4          8          12         16
 *              | seconds| fraction | captured | original | frame …
 *
 * The magic number says both the byte order and whether fractions are micro- or nanoseconds.
 */

export const PCAP_MAGIC = 0xa1b2c3d4;
export const PCAP_MAGIC_NS = 0xa1b23c4d;
/** Alexey Kuznetzov's variant, with longer records. */
export const PCAP_MAGIC_MODIFIED = 0xa1b2cd34;

export const PCAP_FILE_HEADER = 24;
export const PCAP_MAJOR = 4;
export const PCAP_MINOR = 6;
export const PCAP_SNAPLEN = 16;
export const PCAP_LINKTYPE = 20;
/** The upper half of the link type field says how long a frame check sequence is. */
export const PCAP_LINKTYPE_MASK = 0xffff;

export const PCAP_RECORD_HEADER = 16;
export const PCAP_FRACTION = 4;
export const PCAP_CAPTURED = 8;
export const PCAP_ORIGINAL = 12;

/** Longest record that libpcap and Wireshark take for one (MAXIMUM_SNAPLEN). */
export const PCAP_MAX_RECORD = 262144;
