/**
 * judge-frame.ts — a frame as the judge compares it: every byte but what Linux chooses freely (see judge.ts).
 *
 * What is blanked lies under a checksum; the checksum field then says only whether the checksum was right.
 */
import { csumPartial } from '../wire/checksum.ts';
import { ETH_HLEN, ETH_P_IP } from '../wire/ethernet.ts';
import {
  ICMP_CHECKSUM,
  ICMP_DEST_UNREACH,
  ICMP_ECHOREPLY,
  ICMP_HLEN,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_TIMESTAMPREPLY,
} from '../wire/icmp.ts';
import {
  formatIpv4,
  IP_CHECK,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_ID,
  IP_MF,
  IP_OFFSET,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOT_LEN,
  IPOPT_END,
  IPOPT_NOOP,
  IPOPT_TIMESTAMP,
  IPPROTO_AH,
  IPPROTO_COMP,
  IPPROTO_ESP,
  IPPROTO_GRE,
  IPPROTO_ICMP,
  IPPROTO_IPIP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  ipHdrLen,
  ipIsFragment,
} from '../wire/ipv4.ts';
import { TCP_CHECK, TCP_HLEN } from '../wire/tcp.ts';
import { UDP_CHECK, UDP_HLEN } from '../wire/udp.ts';
import { toHex } from './hex.ts';
import { type FrameContext, networkOffset, type OpenedPacket, viewOf } from './judge-context.ts';

/** ICMP messages that a router makes by itself. */
const OWN_ICMP: ReadonlySet<number> = new Set([
  ICMP_ECHOREPLY,
  ICMP_DEST_UNREACH,
  ICMP_SOURCE_QUENCH,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  ICMP_PARAMETERPROB,
  ICMP_TIMESTAMPREPLY,
]);
const TUNNELS: ReadonlySet<number> = new Set([IPPROTO_IPIP, IPPROTO_ESP, IPPROTO_AH, IPPROTO_COMP, IPPROTO_GRE]);

/** Stand in checksum fields over blanked bytes: "OK" and "BA". */
const CHECK_GOOD = 0x4f4b;
const CHECK_BAD = 0x4241;

/** 802.1D BPDU to the bridge group address: LLC header at 14, low byte of the message age at 45. */
const BPDU_MESSAGE_AGE_LOW = 45;
export const BPDU_GROUP = '0180c2000000';

/** Times in an ICMP timestamp reply: received and sent, behind the originate time. */
const ICMP_RECEIVE_TIME = 12;
const ICMP_TIMES_END = 20;

/** How a checksum over blanked bytes is left: as a mark, or as what belongs there now. */
type Seal = (view: DataView, check: number, good: boolean, right: () => number) => void;

function markChecksum(view: DataView, check: number, good: boolean): void {
  view.setUint16(check, good ? CHECK_GOOD : CHECK_BAD);
}

/** Turns the frames of one run on one port, in order, into comparable text; remembers numbers it has handed out. */
export class FrameCanon {
  private readonly context: FrameContext;
  private readonly strict: boolean;
  private readonly pad: boolean;
  private readonly ids = new Map<number, number>();
  private readonly ports = new Map<number, number>();

  constructor(context: FrameContext) {
    this.context = context;
    const { ignore } = context.scenario.compare;
    this.strict = ignore.includes('strict');
    this.pad = ignore.includes('pad');
  }

  /** The frame with its free parts blanked, in hexadecimal; of opened ESP and AH a line of text. */
  canonical(frame: Uint8Array): string {
    const f = frame.slice();
    if (isBpdu(f)) {
      f[BPDU_MESSAGE_AGE_LOW] = 0;
      return toHex(f);
    }
    const ip = networkOffset(f);
    if (ip < 0 || f.length <= ip) return toHex(f);
    const header = (f[ip] & 15) << 2;
    if (header < IP_HLEN || f.length < ip + header) return toHex(f);
    const protocol = f[ip + IP_PROTOCOL];
    if (this.context.scenario.compare.sa.length > 0 && (protocol === IPPROTO_ESP || protocol === IPPROTO_AH)) return this.opened(f, ip);
    return toHex(this.ipv4(f, ip));
  }

  /**
   * The frame with its free parts zeroed and its checksums right again: what to write down of a run, so that the next
   * run writes down the same. What would be compared otherwise then stays as it is: wrong checksums, an id that the
   * scenario uses too; and so do fragments, which share an id, and ciphertext.
   */
  steady(frame: Uint8Array): Uint8Array {
    const f = frame.slice();
    if (isBpdu(f)) f[BPDU_MESSAGE_AGE_LOW] = 0;
    const ip = networkOffset(f);
    const header = ip < 0 || f.length <= ip ? 0 : (f[ip] & 15) << 2;
    if (header < IP_HLEN || f.length < ip + header) return f;
    if (ipIsFragment(viewOf(f), ip)) return frame;
    this.blank(f, ip, (view, check, _good, right) => view.setUint16(check, right()));
    return this.canonical(f) === this.canonical(frame) ? f : frame;
  }

  /** Blanks an IPv4 frame in place; returns what is compared of it. */
  private ipv4(f: Uint8Array, ip: number): Uint8Array {
    this.blank(f, ip, markChecksum);
    const view = viewOf(f);
    const header = ipHdrLen(view, ip);
    if (this.context.natPorts.length > 0) this.numberPorts(f, view, ip, header);
    return this.pad ? f.subarray(0, ip + view.getUint16(ip + IP_TOT_LEN)) : f;
  }

  private blank(f: Uint8Array, ip: number, seal: Seal): void {
    if (this.strict) return;
    const view = viewOf(f);
    const header = ipHdrLen(view, ip);
    const good = csumPartial(view, ip, header) === 0xffff;
    let touched = blankTimestamps(f, ip, header);
    touched = this.blankMade(f, view, ip, header, seal) || touched;
    this.blankInside(f, view, ip + header, view.getUint8(ip + IP_PROTOCOL), seal);
    if (touched) seal(view, ip + IP_CHECK, good, () => checksumFor(view, ip, ip + header, ip + IP_CHECK));
  }

  /** Blanks ip.id of a packet that the router made, and the times in its ICMP timestamp reply. */
  private blankMade(f: Uint8Array, view: DataView, ip: number, header: number, seal: Seal): boolean {
    const icmp = ip + header;
    const id = view.getUint16(ip + IP_ID);
    const fragment = view.getUint16(ip + IP_FRAG_OFF);
    const later = (fragment & IP_OFFSET) !== 0;
    const isIcmp = f[ip + IP_PROTOCOL] === IPPROTO_ICMP;
    if (isIcmp ? !this.madeIcmp(f, id, icmp, later) : !this.madeTunnel(view, ip)) return false;
    if (isIcmp && !later && f[icmp] === ICMP_TIMESTAMPREPLY) {
      const good = csumPartial(view, icmp, f.length - icmp) === 0xffff;
      f.fill(0, icmp + ICMP_RECEIVE_TIME, icmp + ICMP_TIMES_END);
      seal(view, icmp + ICMP_CHECKSUM, good, () => checksumFor(view, icmp, f.length, icmp + ICMP_CHECKSUM));
    }
    view.setUint16(ip + IP_ID, (fragment & (IP_MF | IP_OFFSET)) === 0 ? 0 : numbered(this.ids, id));
    return true;
  }

  /** What an IPv4 packet in an IPv4 packet has free is free, when no checksum between the two covers it. */
  private blankInside(f: Uint8Array, view: DataView, at: number, protocol: number, seal: Seal): void {
    const inner =
      protocol === IPPROTO_IPIP ? at : protocol === IPPROTO_GRE && f.length > at + 4 && view.getUint32(at) === ETH_P_IP ? at + 4 : -1;
    if (inner < 0 || f.length < inner + IP_HLEN || f[inner] !== 0x45) return;
    this.blank(f, inner, seal);
  }

  private madeIcmp(f: Uint8Array, id: number, icmp: number, later: boolean): boolean {
    const { icmpInputs } = this.context;
    if (later) return !icmpInputs.has(`${id}`);
    return f.length >= icmp + ICMP_HLEN && OWN_ICMP.has(f[icmp]) && !icmpInputs.has(`${id}/${f[icmp]}/${f[icmp + 1]}`);
  }

  private madeTunnel(view: DataView, ip: number): boolean {
    return TUNNELS.has(view.getUint8(ip + IP_PROTOCOL)) && this.context.own.has(formatIpv4(view.getInt32(ip + IP_SADDR)));
  }

  /** Numbers ports out of the NAT ranges by first use; the transport checksum must still be right. */
  private numberPorts(f: Uint8Array, view: DataView, ip: number, header: number): void {
    const protocol = f[ip + IP_PROTOCOL];
    const l4 = ip + header;
    if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return;
    const check = l4 + (protocol === IPPROTO_TCP ? TCP_CHECK : UDP_CHECK);
    if (f.length < l4 + (protocol === IPPROTO_TCP ? TCP_HLEN - 2 : UDP_HLEN)) return;
    if ((view.getUint16(ip + IP_FRAG_OFF) & IP_OFFSET) !== 0) return;
    const good = transportChecksumHolds(view, ip, l4, check);
    let hit = false;
    for (const at of [l4, l4 + 2]) {
      const port = view.getUint16(at);
      if (!this.context.natPorts.some(([low, high]) => port >= low && port <= high)) continue;
      view.setUint16(at, numbered(this.ports, port));
      hit = true;
    }
    if (hit) view.setUint16(check, good ? CHECK_GOOD : CHECK_BAD);
  }

  /** ESP and AH as text: Ethernet and outer header, SPI, sequence number, and the packet inside. */
  private opened(f: Uint8Array, ip: number): string {
    const { open, scenario } = this.context;
    if (open === undefined) return `esp/ah not comparable: no opener was given (${toHex(f)})`;
    let inside: OpenedPacket;
    try {
      inside = open(f.subarray(ip), scenario.compare.sa);
    } catch (error) {
      return `esp/ah not opened: ${error instanceof Error ? error.message : String(error)}`;
    }
    const view = viewOf(f);
    const good = csumPartial(view, ip, ipHdrLen(view, ip)) === 0xffff;
    const frame = new Uint8Array(ETH_HLEN + inside.inner.length);
    frame.set(inside.inner, ETH_HLEN);
    const inner = toHex(this.ipv4(frame, ETH_HLEN));
    // ip.id and the header checksum are free, the latter but for its being right; what follows the addresses is the packet's own.
    const outer = `${toHex(f.subarray(ip, ip + IP_ID))} ${toHex(f.subarray(ip + IP_FRAG_OFF, ip + IP_CHECK))} ${toHex(f.subarray(ip + IP_SADDR, ip + IP_HLEN))}`;
    const checksum = good ? 'right' : 'wrong';
    return `${toHex(f.subarray(0, ip))} outer ${outer}, checksum ${checksum}, spi ${inside.spi.toString(16)} seq ${inside.sequence} inner ${inner}`;
  }
}

function isBpdu(f: Uint8Array): boolean {
  return f.length > BPDU_MESSAGE_AGE_LOW && toHex(f.subarray(0, 6)) === BPDU_GROUP && toHex(f.subarray(14, 17)) === '424203';
}

/** The checksum that belongs at `check` over the bytes from `at` to `end`. */
function checksumFor(view: DataView, at: number, end: number, check: number): number {
  view.setUint16(check, 0);
  return ~csumPartial(view, at, end - at) & 0xffff;
}

function numbered(numbers: Map<number, number>, value: number): number {
  let number = numbers.get(value);
  if (number === undefined) {
    number = numbers.size;
    numbers.set(value, number);
  }
  return number;
}

/** Blanks the time values of timestamp options; true when there were any (RFC 791 §3.1, Internet Timestamp). */
function blankTimestamps(f: Uint8Array, ip: number, header: number): boolean {
  const end = ip + header;
  let touched = false;
  let o = ip + IP_HLEN;
  while (o < end && f[o] !== IPOPT_END) {
    if (f[o] === IPOPT_NOOP) {
      o++;
      continue;
    }
    if (o + 1 >= end || f[o + 1] < 2) break;
    if (f[o] === IPOPT_TIMESTAMP && f[o + 1] >= 4 && o + 3 < end) {
      // Flag 0: times alone; else each time stands behind its address. The pointer counts from 1.
      const entry = (f[o + 3] & 15) === 0 ? 4 : 8;
      const filled = Math.min(o + f[o + 1], o + f[o + 2] - 1, end);
      for (let at = o + 4; at + entry <= filled; at += entry) {
        f.fill(0, at + entry - 4, at + entry);
        touched = true;
      }
    }
    o += f[o + 1];
  }
  return touched;
}

/** True of a whole packet whose TCP or UDP checksum is right, or UDP's absent. */
function transportChecksumHolds(view: DataView, ip: number, l4: number, check: number): boolean {
  if ((view.getUint16(ip + IP_FRAG_OFF) & IP_MF) !== 0) return false;
  if (view.getUint16(check) === 0) return true;
  const length = ip + view.getUint16(ip + IP_TOT_LEN) - l4;
  if (length < 0 || l4 + length > view.byteLength) return false;
  const pseudo = csumPartial(view, ip + IP_SADDR, 8) + view.getUint8(ip + IP_PROTOCOL) + length;
  return csumPartial(view, l4, length, pseudo) === 0xffff;
}
