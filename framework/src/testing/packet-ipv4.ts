/** packet-ipv4.ts — `ip` in the packet notation. */
import { csumPartial } from '../wire/checksum.ts';
import { ETH_P_IP } from '../wire/ethernet.ts';
import {
  formatIpv4,
  IP_CE,
  IP_CHECK,
  IP_DADDR,
  IP_DF,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_ID,
  IP_MF,
  IP_OFFSET,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IP_TOT_LEN,
  IP_TTL,
  IP_VERSION_IHL,
  IPPROTO_AH,
  IPPROTO_ESP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_IGMP,
  IPPROTO_IPIP,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from '../wire/ipv4.ts';
import { toHex } from './hex.ts';
import { headerBefore, hexNumber, type Layer, type PrintedLayer, type Stretch, unless } from './packet-layer.ts';
import { readOptions } from './packet-payload.ts';
import type { WordReader } from './packet-words.ts';

const DEFAULT_TTL = 64;

const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['icmp', IPPROTO_ICMP],
  ['igmp', IPPROTO_IGMP],
  ['ipip', IPPROTO_IPIP],
  ['tcp', IPPROTO_TCP],
  ['udp', IPPROTO_UDP],
  ['gre', IPPROTO_GRE],
  ['esp', IPPROTO_ESP],
  ['ah', IPPROTO_AH],
]);

function protocolName(protocol: number): string {
  for (const [name, number] of PROTOCOLS) if (number === protocol) return name;
  return String(protocol);
}

/**
 * `ip SOURCE > DESTINATION [ttl N] [id N] [tos N] [df] [mf] [rf] [frag BYTES] [opts 0x…] [proto NAME|N]`, and what is
 * computed unless told: `[len N] [ihl N] [ver N] [csum N]`.
 */
export function readIp(words: WordReader): Layer {
  const saddr = words.ip('the source');
  words.need('>');
  const daddr = words.ip('the destination');
  let [ttl, id, tos, flags, version] = [DEFAULT_TTL, 0, 0, 0, 4];
  let protocol: number | undefined;
  let [length, ihl, check]: (number | undefined)[] = [];
  let options: Uint8Array = new Uint8Array(0);
  words.fields('ip', {
    ttl: () => {
      ttl = words.number('ttl', 255);
    },
    id: () => {
      id = words.number('id', 0xffff);
    },
    tos: () => {
      tos = words.number('tos', 255);
    },
    df: () => {
      flags |= IP_DF;
    },
    mf: () => {
      flags |= IP_MF;
    },
    rf: () => {
      flags |= IP_CE;
    },
    frag: () => {
      flags |= fragmentOffset(words);
    },
    opts: () => {
      options = readOptions(words);
    },
    proto: () => {
      const named = PROTOCOLS.get(words.peek);
      if (named !== undefined) words.take(words.peek);
      protocol = named ?? words.number('proto', 255);
    },
    len: () => {
      length = words.number('len', 0xffff);
    },
    ihl: () => {
      ihl = words.number('ihl', 15);
    },
    ver: () => {
      version = words.number('ver', 15);
    },
    csum: () => {
      check = words.number('csum', 0xffff);
    },
  });
  const { column } = words;
  return {
    etherType: ETH_P_IP,
    protocol: IPPROTO_IPIP,
    addresses: { saddr, daddr },
    build(payload, _outer, inner) {
      const header = IP_HLEN + options.length;
      const { bytes, view } = headerBefore(payload, header);
      const carried = protocol ?? inner?.protocol;
      if (carried === undefined) words.fail('ip needs a proto: what follows does not tell', column);
      view.setUint8(IP_VERSION_IHL, (version << 4) | (ihl ?? header >>> 2));
      view.setUint8(IP_TOS, tos);
      view.setUint16(IP_TOT_LEN, length ?? bytes.length);
      view.setUint16(IP_ID, id);
      view.setUint16(IP_FRAG_OFF, flags);
      view.setUint8(IP_TTL, ttl);
      view.setUint8(IP_PROTOCOL, carried);
      view.setInt32(IP_SADDR, saddr);
      view.setInt32(IP_DADDR, daddr);
      bytes.set(options, IP_HLEN);
      view.setUint16(IP_CHECK, check ?? headerChecksum(view, 0, header));
      return bytes;
    },
  };
}

function fragmentOffset(words: WordReader): number {
  const { column } = words;
  const offset = words.number('frag', IP_OFFSET * 8);
  if (offset % 8 !== 0) words.fail('frag is an offset in bytes, a multiple of 8', column);
  return offset / 8;
}

/** The checksum that belongs to the header of `length` bytes at `at`, whatever stands there now. */
function headerChecksum(view: DataView, at: number, length: number): number {
  const front = csumPartial(view, at, IP_CHECK);
  return ~csumPartial(view, at + IP_SADDR, length - IP_SADDR, front) & 0xffff;
}

export function printIp(s: Stretch): PrintedLayer | null {
  const { at, view } = s;
  const available = s.end - at;
  if (available < IP_HLEN) return null;
  const version = view.getUint8(at) >>> 4;
  const ihl = view.getUint8(at) & 15;
  // What an ICMP error quotes or a tunnel carries is read as IPv4 only when it says that it is.
  if (s.ip >= 0 && (version !== 4 || ihl < 5)) return null;
  const header = ihl >= 5 && ihl * 4 <= available ? ihl * 4 : IP_HLEN;
  const length = view.getUint16(at + IP_TOT_LEN);
  // Only the outermost packet may be followed by padding: further in, what is behind the length is still payload.
  const end = s.ip < 0 && length >= header && length <= available ? at + length : s.end;
  const flags = view.getUint16(at + IP_FRAG_OFF);
  const offset = flags & IP_OFFSET;
  const protocol = view.getUint8(at + IP_PROTOCOL);
  const proto = `proto ${protocolName(protocol)}`;
  const words = [
    `ip ${formatIpv4(view.getInt32(at + IP_SADDR))} > ${formatIpv4(view.getInt32(at + IP_DADDR))}`,
    ...unless(view.getUint8(at + IP_TTL), DEFAULT_TTL, 'ttl'),
    ...unless(view.getUint16(at + IP_ID), 0, 'id'),
    ...unless(view.getUint8(at + IP_TOS), 0, 'tos', hexNumber),
    ...((flags & IP_CE) === 0 ? [] : ['rf']),
    ...((flags & IP_DF) === 0 ? [] : ['df']),
    ...((flags & IP_MF) === 0 ? [] : ['mf']),
    ...unless(offset * 8, 0, 'frag'),
    ...(header === IP_HLEN ? [] : [`opts 0x${toHex(s.bytes.subarray(at + IP_HLEN, at + header))}`]),
    ...unless(version, 4, 'ver'),
    ...unless(ihl * 4, header, 'ihl', () => String(ihl)),
    ...unless(length, end - at, 'len'),
    ...unless(view.getUint16(at + IP_CHECK), headerChecksum(view, at, header), 'csum', hexNumber),
    ...(offset === 0 ? [] : [proto]),
  ];
  return {
    words,
    rest: { ...s, at: at + header, end, ip: at },
    announced: offset === 0 ? { protocol } : null,
    announcement: offset === 0 ? proto : '',
  };
}
