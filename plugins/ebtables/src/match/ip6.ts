/** match/ip6.ts — `--ip6-*`: IPv6 and what it carries (RFC 8200; cf. Linux ebt_ip6.c). */
import { defineEbtMatch, type EbtMatch, EbtProblem, ETH_P_IPV6, IPPROTO_AH, type SkBuff } from '@packetwalk/framework';
import { type Ip6Mask, ip6MaskText, ip6Matches, parseIp6Mask } from '../ip6-address.ts';
import { cNumber, hex, inRange, shown, words } from '../numbers.ts';
import { ruleIsFor, type Upper, upperAllowed, upperOptions, upperText } from '../ports.ts';
import { parseTypeCode, type TypeCode, type TypeCodeName, typeCodeText } from '../type-code.ts';

/** Offsets in the header. */
const NEXT_HEADER = 6;
const SADDR = 8;
const DADDR = 24;
const HEADER_LEN = 40;

const NEXTHDR_HOP = 0;
const NEXTHDR_ROUTING = 43;
const NEXTHDR_FRAGMENT = 44;
const IPPROTO_ICMPV6 = 58;
const NEXTHDR_NONE = 59;
const NEXTHDR_DEST = 60;

const ICMPV6_TYPES: readonly TypeCodeName[] = [
  ['destination-unreachable', 1, 0, 255],
  ['no-route', 1, 0, 0],
  ['communication-prohibited', 1, 1, 1],
  ['address-unreachable', 1, 3, 3],
  ['port-unreachable', 1, 4, 4],
  ['packet-too-big', 2, 0, 255],
  ['time-exceeded', 3, 0, 255],
  ['ttl-exceeded', 3, 0, 255],
  ['ttl-zero-during-transit', 3, 0, 0],
  ['ttl-zero-during-reassembly', 3, 1, 1],
  ['parameter-problem', 4, 0, 255],
  ['bad-header', 4, 0, 0],
  ['unknown-header-type', 4, 1, 1],
  ['unknown-option', 4, 2, 2],
  ['echo-request', 128, 0, 255],
  ['ping', 128, 0, 255],
  ['echo-reply', 129, 0, 255],
  ['pong', 129, 0, 255],
  ['router-solicitation', 133, 0, 255],
  ['router-advertisement', 134, 0, 255],
  ['neighbour-solicitation', 135, 0, 255],
  ['neighbor-solicitation', 135, 0, 255],
  ['neighbour-advertisement', 136, 0, 255],
  ['neighbor-advertisement', 136, 0, 255],
  ['redirect', 137, 0, 255],
];

interface Ip6 extends Upper {
  src: (Ip6Mask & { invert: boolean }) | null;
  dst: (Ip6Mask & { invert: boolean }) | null;
  tclass: { value: number; invert: boolean } | null;
  icmp: (TypeCode & { invert: boolean }) | null;
}

export const ip6: EbtMatch = defineEbtMatch<Ip6>({
  name: 'ip6',
  options: {
    'ip6-source': {
      aliases: ['ip6-src'],
      parse(d, text, invert) {
        d.src = { ...parseIp6Mask(text), invert };
      },
    },
    'ip6-destination': {
      aliases: ['ip6-dst'],
      parse(d, text, invert) {
        d.dst = { ...parseIp6Mask(text), invert };
      },
    },
    'ip6-tclass': {
      parse(d, text, invert) {
        const value = cNumber(text, 0);
        if (value === null || value > 255) throw new EbtProblem('Problem with specified IPv6 traffic class');
        d.tclass = { value, invert };
      },
    },
    ...upperOptions<Ip6>('ip6'),
    'ip6-icmp-type': {
      parse(d, text, invert) {
        d.icmp = { ...parseTypeCode(text, ICMPV6_TYPES, 'ICMPv6'), invert };
      },
    },
  },
  create: () => ({ src: null, dst: null, tclass: null, proto: null, sport: null, dport: null, icmp: null }),
  check(d, place) {
    const { icmp, proto } = d;
    if (!ruleIsFor(place, ETH_P_IPV6) || !upperAllowed(d)) return false;
    if (icmp === null) return true;
    const icmpv6 = proto !== null && !proto.invert && proto.value === IPPROTO_ICMPV6;
    return icmpv6 && icmp.type[0] <= icmp.type[1] && icmp.code[0] <= icmp.code[1];
  },
  save: (d) =>
    words(
      d.src === null ? '' : shown('ip6-src', d.src.invert, ip6MaskText(d.src)),
      d.dst === null ? '' : shown('ip6-dst', d.dst.invert, ip6MaskText(d.dst)),
      d.tclass === null ? '' : shown('ip6-tclass', d.tclass.invert, hex(d.tclass.value, 2)),
      upperText('ip6', d),
      d.icmp === null ? '' : shown('ip6-icmp-type', d.icmp.invert, typeCodeText(d.icmp, ICMPV6_TYPES)),
    ),
  match(skb, _par, d) {
    if (skb.len < HEADER_LEN) return false;
    const { view } = skb.head;
    const at = skb.data;
    if (d.tclass !== null && (((view.getUint16(at) >> 4) & 255) !== d.tclass.value) !== d.tclass.invert) return false;
    if (d.src !== null && ip6Matches(view, at + SADDR, d.src) === d.src.invert) return false;
    if (d.dst !== null && ip6Matches(view, at + DADDR, d.dst) === d.dst.invert) return false;
    if (d.proto === null) return true;
    const found = skipExtensionHeaders(skb);
    if (found < 0) return false;
    if (((found & 255) !== d.proto.value) !== d.proto.invert) return false;
    if (d.dport === null && d.sport === null && d.icmp === null) return true;
    const upper = found >>> 8;
    if (skb.len < upper + 4) return false;
    const port = at + upper;
    if (d.dport !== null && inRange(view.getUint16(port + 2), d.dport.range) === d.dport.invert) return false;
    if (d.sport !== null && inRange(view.getUint16(port), d.sport.range) === d.sport.invert) return false;
    if (d.icmp === null) return true;
    return (inRange(view.getUint8(port), d.icmp.type) && inRange(view.getUint8(port + 1), d.icmp.code)) !== d.icmp.invert;
  },
});

/** Offset of the upper header × 256 + its protocol; -1 when there is none (ipv6_skip_exthdr). Ends at a later fragment's header. */
function skipExtensionHeaders(skb: SkBuff): number {
  const { view } = skb.head;
  const { data, len } = skb;
  let next = view.getUint8(data + NEXT_HEADER);
  let at = HEADER_LEN;
  while (
    next === NEXTHDR_HOP ||
    next === NEXTHDR_ROUTING ||
    next === NEXTHDR_FRAGMENT ||
    next === IPPROTO_AH ||
    next === NEXTHDR_NONE ||
    next === NEXTHDR_DEST
  ) {
    if (next === NEXTHDR_NONE || at + 2 > len) return -1;
    let size = (view.getUint8(data + at + 1) + 1) << 3;
    if (next === NEXTHDR_FRAGMENT) {
      if (at + 4 > len) return -1;
      if ((view.getUint16(data + at + 2) & ~7) !== 0) break;
      size = 8;
    } else if (next === IPPROTO_AH) size = (view.getUint8(data + at + 1) + 2) << 2;
    next = view.getUint8(data + at);
    at += size;
  }
  return (at << 8) | next;
}
