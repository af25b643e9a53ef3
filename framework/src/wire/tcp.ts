/**
 * wire/tcp.ts — the TCP header (RFC 9293 §3.1).
 *
 *      0               2               4                               8
 *      +---------------+---------------+-------------------------------+
 *      |  source port  |   dest port   |        sequence number        |
 *      +---------------+---+-----------+-------------------------------+
 *   8  |     acknowledgment number     |doff|  flags   |    window     |
 *      +-------------------------------+----+----------+---------------+
 *  16  |   checksum    |  urgent ptr   | options …
 */

export const TCP_SOURCE = 0;
export const TCP_DEST = 2;
export const TCP_SEQ = 4;
export const TCP_ACK_SEQ = 8;
export const TCP_DOFF = 12;
export const TCP_FLAGS = 13;
export const TCP_WINDOW = 14;
export const TCP_CHECK = 16;
export const TCP_URG_PTR = 18;
export const TCP_HLEN = 20;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;
export const TCP_URG = 0x20;
export const TCP_ECE = 0x40;
export const TCP_CWR = 0x80;

export const TCPOPT_EOL = 0;
export const TCPOPT_NOP = 1;
export const TCPOPT_MSS = 2;
export const TCPOPT_WINDOW = 3;
export const TCPOPT_SACK_PERM = 4;
export const TCPOPT_SACK = 5;
export const TCPOPT_TIMESTAMP = 8;

/** Header length in bytes (data offset × 4). */
export function tcpHdrLen(view: DataView, th: number): number {
  return (view.getUint8(th + TCP_DOFF) >>> 4) << 2;
}
