/**
 * services/xtables-values.ts — arguments that many matches and targets take, with iptables' words for what is wrong with
 * them (cf. iptables' libxtables/xtoptions.c).
 */

import { protocolNumber } from '../protocol-names.ts';
import { servicePort } from '../service-names.ts';
import { formatIpv4, inetMakeMask, inetMaskLen } from '../wire/ipv4.ts';
import { type XtArgument, XtProblem, type XtValue } from './xtables.ts';

/** What the C library's strtoul with base 0 reads at the start of a text. */
export interface XtNumeral {
  readonly value: number;
  readonly rest: string;
}

/** An unsigned number at the start of `text`: decimal, `0x…` or octal; null when there is none within the bounds (xtables_strtoul). */
export function xtNumeral(text: string, min = 0, max = 0xffffffff): XtNumeral | null {
  const m = /^\s*\+?(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)(.*)$/is.exec(text);
  if (m === null) return null;
  const digits = m[1];
  const value = digits.length > 1 && /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return value < min || value > max ? null : { value, rest: m[2] };
}

/** A number and nothing behind it; null for anything else. */
export function xtNumber(text: string, min = 0, max = 0xffffffff): number | null {
  const n = xtNumeral(text, min, max);
  return n === null || n.rest !== '' ? null : n.value;
}

/** A number of `min` … `max` (XTTYPE_UINT8, 16, 32). */
export function xtUint(max: number, min = 0): XtValue<number> {
  return (text, at) => {
    const value = xtNumber(text, min, max);
    if (value === null) {
      throw new XtProblem(`${at.extension}: bad value for option "--${at.option}", or out of range (${min}-${max}).\n`);
    }
    return value;
  };
}

/** `a`, `a:b`, `a:`, `:b`: an inclusive range; what is left out is the bound (XTTYPE_UINT*RC). */
export function xtUintRange(max: number, min = 0): XtValue<readonly [number, number]> {
  return (text, at) => {
    const values: number[] = [];
    for (let rest = text; ; ) {
      if (values.length === 2) throw new XtProblem(`${at.extension}: Too many components for option "--${at.option}" (max: 2)\n`);
      const leftOut = rest === '' || rest.startsWith(':');
      const n = leftOut ? { value: values.length === 0 ? min : max, rest } : xtNumeral(rest, min, max);
      if (n === null) {
        throw new XtProblem(`${at.extension}: bad value for option "--${at.option}" near "${rest}", or out of range (${min}-${max}).\n`);
      }
      if (n.rest !== '' && !n.rest.startsWith(':')) {
        throw new XtProblem(`${at.extension}: Argument to "--${at.option}" has unexpected characters near "${n.rest}".\n`);
      }
      values.push(n.value);
      if (n.rest === '') break;
      rest = n.rest.slice(1);
    }
    return values.length === 1 ? [values[0], values[0]] : [values[0], values[1]];
  };
}

/** Any text of `min` … `max` characters (XTTYPE_STRING). */
export function xtString(max = 255, min = 0): XtValue<string> {
  return (text, at) => {
    if (text.length < min) throw new XtProblem(`Argument must have a minimum length of ${min} characters\n`);
    if (text.length > max)
      throw new XtProblem(`${at.extension}: Argument to "--${at.option}" must have a maximum length of ${max} characters\n`);
    return text;
  };
}

/** A 32-bit value under a mask. */
export interface XtMasked {
  readonly value: number;
  readonly mask: number;
}

/** `value` or `value/mask`, 32 bits each as unsigned numbers; the mask is all ones unless given (XTTYPE_MARKMASK32). */
export const xtMarkMask: XtValue<XtMasked> = (text, at) => {
  const value = xtNumeral(text);
  if (value === null) throw new XtProblem(`${at.extension}: bad integer value for option "--${at.option}", or out of range.\n`);
  if (!value.rest.startsWith('/')) {
    if (value.rest !== '') throw trailing(at);
    return { value: value.value, mask: 0xffffffff };
  }
  const mask = xtNumeral(value.rest.slice(1));
  if (mask === null) throw new XtProblem(`${at.extension}: bad integer value for option "--${at.option}", or out of range.\n`);
  if (mask.rest !== '') throw trailing(at);
  return { value: value.value, mask: mask.value };
};

function trailing(at: XtArgument): XtProblem {
  return new XtProblem(`${at.extension}: trailing garbage after value for option "--${at.option}".\n`);
}

/** A port by number or by the name of its service with `protocol` (xtables_parse_port). */
export function xtParsePort(text: string, protocol: string): number {
  const port = xtNumber(text, 0, 0xffff) ?? servicePort(text, protocol);
  if (port === null) throw new XtProblem(`invalid port/service \`${text}' specified`);
  return port;
}

/** A protocol by number or name; `all` is 0 (xtables_parse_protocol). */
export function xtParseProtocol(text: string): number {
  const number = xtNumber(text, 0, 255);
  if (number !== null) return number;
  if (text === 'all') return 0;
  const named = protocolNumber(text === 'icmpv6' ? 'ipv6-icmp' : text === 'mh' || text === 'ipv6-mh' ? 'mobility-header' : text);
  if (named === null) throw new XtProblem(`unknown protocol "${text}" specified`);
  return named;
}

/** An address under a mask; both int32. The address has no bits outside the mask. */
export interface XtHostMask {
  readonly address: number;
  readonly mask: number;
}

/** An address, the name `localhost`, or the first numbers of an address (`10.1` is 10.1.0.0); null for anything else: names are not looked up. */
export function xtParseAddress(text: string): number | null {
  if (text === 'localhost') return 0x7f000001;
  const parts = text.split('.');
  return parts.length > 4 ? null : dotted([...parts, '0', '0', '0'].slice(0, 4));
}

function dotted(parts: readonly string[]): number | null {
  let address = 0;
  for (const part of parts) {
    const byte = xtNumber(part, 0, 255);
    if (byte === null) return null;
    address = (address << 8) | byte;
  }
  return address;
}

/** A prefix length or a mask written as an address, as int32; throws XtProblem. */
export function xtParseMask(text: string): number {
  const parts = text.split('.');
  const address = parts.length === 4 ? dotted(parts) : null;
  if (address !== null) return address;
  const length = xtNumber(text, 0, 32);
  if (length === null) throw new XtProblem(`invalid mask \`${text}' specified`);
  return inetMakeMask(length);
}

/** `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `10/8`, an address (xtables_ipparse_any). */
export function xtParseHostMask(text: string): XtHostMask {
  const slash = text.lastIndexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const mask = slash < 0 ? -1 : xtParseMask(text.slice(slash + 1));
  const address = xtParseAddress(host);
  // Whatever the network is called, it is everything.
  if (mask === 0) return { address: 0, mask };
  if (address === null) throw new XtProblem(`host/network \`${host}' not found`);
  return { address: address & mask, mask };
}

/** A mask as `/24`, or as an address when its ones are not contiguous; empty for a host's (xtables_ipmask_to_numeric). */
export function xtFormatMask(mask: number): string {
  if (mask === -1) return '';
  const length = inetMaskLen(mask);
  if (length >= 0) return `/${length}`;
  return `/${formatIpv4(mask)}`;
}
