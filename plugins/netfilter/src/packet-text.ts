/** packet-text.ts — a packet in one line, as LOG writes it: `IN=eth0 OUT= MAC=… SRC=10.0.0.1 DST=…` (cf. Linux net/netfilter/nf_log_syslog.c). */
import {
  formatIpv4,
  formatMac,
  ICMP_CODE,
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_FRAG_NEEDED,
  ICMP_GATEWAY,
  ICMP_HLEN,
  ICMP_ID,
  ICMP_MTU,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SEQUENCE,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_TYPE,
  IP_CE,
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
  IPPROTO_AH,
  IPPROTO_ESP,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type NfLogEntry,
  nfBridgeInfo,
  TCP_ACK_SEQ,
  TCP_DEST,
  TCP_DOFF,
  TCP_FLAGS,
  TCP_HLEN,
  TCP_SEQ,
  TCP_SOURCE,
  TCP_URG_PTR,
  TCP_WINDOW,
  tcpHdrLen,
  UDP_HLEN,
  UDP_LEN,
} from '@packetwalk/framework';

export interface PacketTextOptions {
  readonly tcpSequence?: boolean;
  readonly tcpOptions?: boolean;
  readonly ipOptions?: boolean;
  readonly macDecode?: boolean;
}

const TCP_FLAG_NAMES = ['CWR', 'ECE', 'URG', 'ACK', 'PSH', 'RST', 'SYN', 'FIN'];
const IPPROTO_UDPLITE = 136;

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');
const HEX = (n: number, digits: number): string => hex(n, digits).toUpperCase();

/** The line, without the prefix. */
export function packetText(entry: NfLogEntry, options: PacketTextOptions): string {
  const { skb } = entry;
  const { buf, view } = skb.head;
  const bridge = nfBridgeInfo(skb);
  let text = `IN=${entry.in?.name ?? ''} OUT=${entry.out?.name ?? ''} `;
  if (bridge !== null) {
    if (bridge.physindev !== null) text += `PHYSIN=${bridge.physindev.name} `;
    if (bridge.physoutdev !== null) text += `PHYSOUT=${bridge.physoutdev.name} `;
  }
  if (entry.in !== null) text += macText(buf, skb.macHeader, skb.networkHeader - skb.macHeader, options.macDecode === true);
  text += ipText(view, buf, skb.networkHeader, skb.data + skb.len, options, true);
  if (skb.mark !== 0) text += `MARK=0x${hex(skb.mark >>> 0, 1)} `;
  return text;
}

function macText(buf: Uint8Array, mac: number, length: number, decode: boolean): string {
  if (length < 14) return 'MAC= ';
  if (decode)
    return `MACSRC=${formatMac(buf, mac + 6)} MACDST=${formatMac(buf, mac)} MACPROTO=${hex((buf[mac + 12] << 8) | buf[mac + 13], 4)} `;
  return `MAC=${Array.from(buf.subarray(mac, mac + length), (b) => hex(b, 2)).join(':')} `;
}

/** @param outer false for the header that an ICMP error quotes */
function ipText(view: DataView, buf: Uint8Array, ip: number, end: number, options: PacketTextOptions, outer: boolean): string {
  if (ip + IP_HLEN > end) return 'TRUNCATED';
  const tos = view.getUint8(ip + IP_TOS);
  const frag = view.getUint16(ip + IP_FRAG_OFF);
  let text = `SRC=${formatIpv4(view.getInt32(ip + IP_SADDR))} DST=${formatIpv4(view.getInt32(ip + IP_DADDR))} `;
  text += `LEN=${view.getUint16(ip + IP_TOT_LEN)} TOS=0x${HEX(tos & 0x1e, 2)} PREC=0x${HEX(tos & 0xe0, 2)} `;
  text += `TTL=${view.getUint8(ip + IP_TTL)} ID=${view.getUint16(ip + IP_ID)} `;
  if ((frag & IP_CE) !== 0) text += 'CE ';
  if ((frag & IP_DF) !== 0) text += 'DF ';
  if ((frag & IP_MF) !== 0) text += 'MF ';
  if ((frag & IP_OFFSET) !== 0) text += `FRAG:${frag & IP_OFFSET} `;
  const th = ip + ((view.getUint8(ip) & 15) << 2);
  if (options.ipOptions === true && th > ip + IP_HLEN) text += optionsText(buf, ip + IP_HLEN, Math.min(th, end));
  return text + transportText(view, buf, ip, th, end, options, outer, (frag & IP_OFFSET) !== 0);
}

function optionsText(buf: Uint8Array, from: number, to: number): string {
  return `OPT (${Array.from(buf.subarray(from, to), (b) => HEX(b, 2)).join('')}) `;
}

function transportText(
  view: DataView,
  buf: Uint8Array,
  ip: number,
  th: number,
  end: number,
  options: PacketTextOptions,
  outer: boolean,
  later: boolean,
): string {
  const protocol = view.getUint8(ip + IP_PROTOCOL);
  const name = {
    [IPPROTO_TCP]: 'TCP',
    [IPPROTO_UDP]: 'UDP',
    [IPPROTO_UDPLITE]: 'UDPLITE',
    [IPPROTO_ICMP]: 'ICMP',
    [IPPROTO_ESP]: 'ESP',
    [IPPROTO_AH]: 'AH',
  }[protocol];
  if (name === undefined) return `PROTO=${protocol} `;
  const text = `PROTO=${name} `;
  if (later) return text;
  const missing = (size: number): string => (th + size > end ? `${text}INCOMPLETE [${end - th} bytes] ` : '');
  switch (protocol) {
    case IPPROTO_TCP:
      return missing(TCP_HLEN) || text + tcpText(view, buf, th, end, options, outer);
    case IPPROTO_ICMP:
      return missing(4) || text + icmpText(view, buf, th, end, options);
    case IPPROTO_ESP:
      return missing(8) || `${text}SPI=0x${hex(view.getUint32(th), 1)} `;
    case IPPROTO_AH:
      return missing(12) || `${text}SPI=0x${hex(view.getUint32(th + 4), 1)} `;
    default:
      return missing(UDP_HLEN) || `${text}SPT=${view.getUint16(th)} DPT=${view.getUint16(th + 2)} LEN=${view.getUint16(th + UDP_LEN)} `;
  }
}

function tcpText(view: DataView, buf: Uint8Array, th: number, end: number, options: PacketTextOptions, outer: boolean): string {
  const flags = view.getUint8(th + TCP_FLAGS);
  let text = `SPT=${view.getUint16(th + TCP_SOURCE)} DPT=${view.getUint16(th + TCP_DEST)} `;
  if (options.tcpSequence === true) text += `SEQ=${view.getUint32(th + TCP_SEQ)} ACK=${view.getUint32(th + TCP_ACK_SEQ)} `;
  text += `WINDOW=${view.getUint16(th + TCP_WINDOW)} RES=0x${hex((view.getUint8(th + TCP_DOFF) & 15) << 2, 2)} `;
  for (const [i, name] of TCP_FLAG_NAMES.entries()) if ((flags & (0x80 >>> i)) !== 0) text += `${name} `;
  text += `URGP=${view.getUint16(th + TCP_URG_PTR)} `;
  const length = tcpHdrLen(view, th);
  if (options.tcpOptions === true && outer && length > TCP_HLEN && th + length <= end) text += optionsText(buf, th + TCP_HLEN, th + length);
  return text;
}

function icmpText(view: DataView, buf: Uint8Array, th: number, end: number, options: PacketTextOptions): string {
  const type = view.getUint8(th + ICMP_TYPE);
  const code = view.getUint8(th + ICMP_CODE);
  let text = `TYPE=${type} CODE=${code} `;
  if (th + ICMP_HLEN > end) return text;
  if (type === ICMP_ECHO || type === ICMP_ECHOREPLY)
    return `${text}ID=${view.getUint16(th + ICMP_ID)} SEQ=${view.getUint16(th + ICMP_SEQUENCE)} `;
  if (type === ICMP_PARAMETERPROB) return `${text}PARAMETER=${view.getUint8(th + ICMP_GATEWAY)} `;
  if (type === ICMP_REDIRECT) text += `GATEWAY=${formatIpv4(view.getInt32(th + ICMP_GATEWAY))} `;
  if ([ICMP_REDIRECT, ICMP_DEST_UNREACH, ICMP_SOURCE_QUENCH, ICMP_TIME_EXCEEDED].includes(type)) {
    // An error that quotes an error quotes no further.
    text += `[${ipText(view, buf, th + ICMP_HLEN, end, options, false)}] `;
    if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) text += `MTU=${view.getUint16(th + ICMP_MTU)} `;
  }
  return text;
}
