/** packet-transport.ts — `udp` and `tcp` in the packet notation. */
import { csumPartial, csumTcpudpPseudo } from '../wire/checksum.ts';
import { IP_DADDR, IP_SADDR, IPPROTO_TCP, IPPROTO_UDP } from '../wire/ipv4.ts';
import {
  TCP_ACK_SEQ,
  TCP_CHECK,
  TCP_DEST,
  TCP_DOFF,
  TCP_FLAGS,
  TCP_HLEN,
  TCP_SEQ,
  TCP_SOURCE,
  TCP_URG_PTR,
  TCP_WINDOW,
} from '../wire/tcp.ts';
import { UDP_CHECK, UDP_DEST, UDP_HLEN, UDP_LEN, UDP_SOURCE } from '../wire/udp.ts';
import { toHex } from './hex.ts';
import { headerBefore, hexNumber, type Layer, type PrintedLayer, type Stretch, unless } from './packet-layer.ts';
import { readOptions } from './packet-payload.ts';
import type { WordReader } from './packet-words.ts';

const DEFAULT_WINDOW = 65535;
/** In the order of their bits, lowest first. */
const FLAG_LETTERS = 'FSRPAUEC';

function readPorts(words: WordReader): [number, number] {
  const source = words.number('the source port', 0xffff);
  words.need('>');
  return [source, words.number('the destination port', 0xffff)];
}

/** Sum over segment and pseudo header, with the checksum field at `check` taken as 0. */
function transportChecksum(view: DataView, at: number, end: number, check: number, pseudo: number): number {
  const front = csumPartial(view, at, check, pseudo);
  return ~csumPartial(view, at + check + 2, end - at - check - 2, front) & 0xffff;
}

/** The pseudo header's sum when a layer is built: the addresses are those of the nearest `ip` in front. */
function builtPseudo(words: WordReader, column: number, outer: readonly Layer[], protocol: number, length: number): number {
  const ip = outer.findLast((layer) => layer.addresses !== undefined)?.addresses;
  if (ip === undefined) words.fail('the checksum needs an ip layer in front', column);
  return csumTcpudpPseudo(ip.saddr, ip.daddr, protocol, length);
}

function printedPseudo(s: Stretch, protocol: number): number {
  return csumTcpudpPseudo(s.view.getInt32(s.ip + IP_SADDR), s.view.getInt32(s.ip + IP_DADDR), protocol, s.end - s.at);
}

/** `udp SOURCE > DESTINATION [len N] [csum N]`; a checksum of 0 is none. */
export function readUdp(words: WordReader): Layer {
  const [source, destination] = readPorts(words);
  let [length, check]: (number | undefined)[] = [];
  words.fields('udp', {
    len: () => {
      length = words.number('len', 0xffff);
    },
    csum: () => {
      check = words.number('csum', 0xffff);
    },
  });
  const { column } = words;
  return {
    protocol: IPPROTO_UDP,
    build(payload, outer) {
      const { bytes, view } = headerBefore(payload, UDP_HLEN);
      view.setUint16(UDP_SOURCE, source);
      view.setUint16(UDP_DEST, destination);
      view.setUint16(UDP_LEN, length ?? bytes.length);
      view.setUint16(UDP_CHECK, check ?? udpChecksum(view, 0, bytes.length, builtPseudo(words, column, outer, IPPROTO_UDP, bytes.length)));
      return bytes;
    },
  };
}

/** RFC 768: a sum of 0 is sent as all ones. */
function udpChecksum(view: DataView, at: number, end: number, pseudo: number): number {
  return transportChecksum(view, at, end, UDP_CHECK, pseudo) || 0xffff;
}

export function printUdp(s: Stretch): PrintedLayer | null {
  const { at, end, view } = s;
  if (end - at < UDP_HLEN) return null;
  const words = [
    `udp ${view.getUint16(at + UDP_SOURCE)} > ${view.getUint16(at + UDP_DEST)}`,
    ...unless(view.getUint16(at + UDP_LEN), end - at, 'len'),
    ...unless(view.getUint16(at + UDP_CHECK), udpChecksum(view, at, end, printedPseudo(s, IPPROTO_UDP)), 'csum', hexNumber),
  ];
  return { words, rest: { ...s, at: at + UDP_HLEN }, announced: null, announcement: '' };
}

/**
 * `tcp SOURCE > DESTINATION FLAGS [seq N] [ack N] [win N] [urg N] [res N] [opts 0x…]`, FLAGS of `FSRPAUEC` or `none`,
 * and what is computed unless told: `[doff N] [csum N]`.
 */
export function readTcp(words: WordReader): Layer {
  const [source, destination] = readPorts(words);
  const flags = readFlags(words);
  let [seq, ack, window, urgent, reserved] = [0, 0, DEFAULT_WINDOW, 0, 0];
  let [doff, check]: (number | undefined)[] = [];
  let options: Uint8Array = new Uint8Array(0);
  words.fields('tcp', {
    seq: () => {
      seq = words.number('seq', 0xffffffff);
    },
    ack: () => {
      ack = words.number('ack', 0xffffffff);
    },
    win: () => {
      window = words.number('win', 0xffff);
    },
    urg: () => {
      urgent = words.number('urg', 0xffff);
    },
    res: () => {
      reserved = words.number('res', 15);
    },
    opts: () => {
      options = readOptions(words);
    },
    doff: () => {
      doff = words.number('doff', 15);
    },
    csum: () => {
      check = words.number('csum', 0xffff);
    },
  });
  const { column } = words;
  return {
    protocol: IPPROTO_TCP,
    build(payload, outer) {
      const header = TCP_HLEN + options.length;
      const { bytes, view } = headerBefore(payload, header);
      view.setUint16(TCP_SOURCE, source);
      view.setUint16(TCP_DEST, destination);
      view.setUint32(TCP_SEQ, seq);
      view.setUint32(TCP_ACK_SEQ, ack);
      view.setUint8(TCP_DOFF, ((doff ?? header >>> 2) << 4) | reserved);
      view.setUint8(TCP_FLAGS, flags);
      view.setUint16(TCP_WINDOW, window);
      view.setUint16(TCP_URG_PTR, urgent);
      bytes.set(options, TCP_HLEN);
      const sum = (): number =>
        transportChecksum(view, 0, bytes.length, TCP_CHECK, builtPseudo(words, column, outer, IPPROTO_TCP, bytes.length));
      view.setUint16(TCP_CHECK, check ?? sum());
      return bytes;
    },
  };
}

function readFlags(words: WordReader): number {
  const { column } = words;
  const text = words.word('the flags');
  let flags = 0;
  if (text === 'none') return flags;
  for (const letter of text) {
    const bit = FLAG_LETTERS.indexOf(letter);
    if (bit < 0) words.fail(`the flags are letters of ${FLAG_LETTERS}, or none, not "${text}"`, column);
    flags |= 1 << bit;
  }
  return flags;
}

export function printTcp(s: Stretch): PrintedLayer | null {
  const { at, end, view } = s;
  if (end - at < TCP_HLEN) return null;
  const doff = view.getUint8(at + TCP_DOFF) >>> 4;
  const header = doff * 4 >= TCP_HLEN && at + doff * 4 <= end ? doff * 4 : TCP_HLEN;
  const bits = view.getUint8(at + TCP_FLAGS);
  const flags = [...FLAG_LETTERS].filter((_, i) => (bits & (1 << i)) !== 0).join('');
  const words = [
    `tcp ${view.getUint16(at + TCP_SOURCE)} > ${view.getUint16(at + TCP_DEST)} ${flags || 'none'}`,
    ...unless(view.getUint32(at + TCP_SEQ), 0, 'seq'),
    ...unless(view.getUint32(at + TCP_ACK_SEQ), 0, 'ack'),
    ...unless(view.getUint16(at + TCP_WINDOW), DEFAULT_WINDOW, 'win'),
    ...unless(view.getUint16(at + TCP_URG_PTR), 0, 'urg'),
    ...unless(view.getUint8(at + TCP_DOFF) & 15, 0, 'res'),
    ...(header === TCP_HLEN ? [] : [`opts 0x${toHex(s.bytes.subarray(at + TCP_HLEN, at + header))}`]),
    ...unless(doff * 4, header, 'doff', () => String(doff)),
    ...unless(
      view.getUint16(at + TCP_CHECK),
      transportChecksum(view, at, end, TCP_CHECK, printedPseudo(s, IPPROTO_TCP)),
      'csum',
      hexNumber,
    ),
  ];
  return { words, rest: { ...s, at: at + header }, announced: null, announcement: '' };
}
