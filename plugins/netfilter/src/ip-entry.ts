/**
 * ip-entry.ts — the part of a rule that every rule has: addresses, devices, protocol, fragment (cf. Linux struct ipt_ip
 * and ip_packet_match).
 */
import { IP_DADDR, IP_PROTOCOL, IP_SADDR, type NetDevice, type SkBuff, type XtParam } from '@packetwalk/framework';

/** Bits of {@link IpEntry.invert}. */
export const IPT_INV_VIA_IN = 0x01;
export const IPT_INV_VIA_OUT = 0x02;
export const IPT_INV_SRCIP = 0x08;
export const IPT_INV_DSTIP = 0x10;
export const IPT_INV_FRAG = 0x20;
export const IPT_INV_PROTO = 0x40;

/** Addresses and masks are int32. What is not asked for is 0 or empty. */
export interface IpEntry {
  readonly saddr: number;
  readonly smask: number;
  readonly daddr: number;
  readonly dmask: number;
  /** Name of the device, with `+` behind it for all that start so. */
  readonly iniface: string;
  readonly outiface: string;
  readonly protocol: number;
  /** Second and later fragments only. */
  readonly fragment: boolean;
  /** IPT_INV_* */
  readonly invert: number;
}

/** A rule that asks for nothing. */
export const ANY_ENTRY: IpEntry = {
  saddr: 0,
  smask: 0,
  daddr: 0,
  dmask: 0,
  iniface: '',
  outiface: '',
  protocol: 0,
  fragment: false,
  invert: 0,
};

/** Is a device of this name meant by `pattern`? */
export function ifaceMatches(pattern: string, name: string): boolean {
  if (!pattern.endsWith('+')) return name === pattern;
  return name.startsWith(pattern.slice(0, -1));
}

function viaMatches(pattern: string, dev: NetDevice | null, inverted: boolean): boolean {
  return ifaceMatches(pattern, dev === null ? '' : dev.name) !== inverted;
}

/** Does the packet have what the rule asks for? */
export function ipPacketMatch(entry: IpEntry, skb: SkBuff, par: XtParam): boolean {
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const { invert } = entry;
  if (entry.smask !== 0 || (invert & IPT_INV_SRCIP) !== 0) {
    if (((view.getInt32(ip + IP_SADDR) & entry.smask) === entry.saddr) === ((invert & IPT_INV_SRCIP) !== 0)) return false;
  }
  if (entry.dmask !== 0 || (invert & IPT_INV_DSTIP) !== 0) {
    if (((view.getInt32(ip + IP_DADDR) & entry.dmask) === entry.daddr) === ((invert & IPT_INV_DSTIP) !== 0)) return false;
  }
  if (entry.iniface !== '' && !viaMatches(entry.iniface, par.state.in, (invert & IPT_INV_VIA_IN) !== 0)) return false;
  if (entry.outiface !== '' && !viaMatches(entry.outiface, par.state.out, (invert & IPT_INV_VIA_OUT) !== 0)) return false;
  if (entry.protocol !== 0) {
    if ((view.getUint8(ip + IP_PROTOCOL) === entry.protocol) === ((invert & IPT_INV_PROTO) !== 0)) return false;
  }
  if (entry.fragment) {
    if ((par.fragoff !== 0) === ((invert & IPT_INV_FRAG) !== 0)) return false;
  }
  return true;
}
