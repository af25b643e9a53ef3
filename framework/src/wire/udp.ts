/**
 * wire/udp.ts — the UDP header (RFC 768).
 *
 *      0               2               4               6               8
 *      +---------------+---------------+---------------+---------------+
 *      |  source port  |   dest port   |    length     |   checksum    |
 *      +---------------+---------------+---------------+---------------+
 */

export const UDP_SOURCE = 0;
export const UDP_DEST = 2;
export const UDP_LEN = 4;
/** 0: the sender did not compute one. */
export const UDP_CHECK = 6;
export const UDP_HLEN = 8;
