/** match/ip.ts — `--ip-*`: IPv4 and what it carries (RFC 791; cf. Linux ebt_ip.c). */
import {
  defineEbtMatch,
  type EbtMatch,
  EbtProblem,
  ETH_P_IP,
  IP_DADDR,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_OFFSET,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IPPROTO_ICMP,
  IPPROTO_IGMP,
} from '@packetwalk/framework';
import { type HostMask, hostMaskText, parseHostMask } from '../host-mask.ts';
import { cNumber, cRange, hex, inRange, type Range, rangeText, shown, words } from '../numbers.ts';
import { ruleIsFor, type Upper, upperAllowed, upperOptions, upperText } from '../ports.ts';
import { parseTypeCode, type TypeCode, type TypeCodeName, typeCodeText } from '../type-code.ts';

const ICMP_TYPES: readonly TypeCodeName[] = [
  ['echo-reply', 0, 0, 255],
  ['destination-unreachable', 3, 0, 255],
  ['network-unreachable', 3, 0, 0],
  ['host-unreachable', 3, 1, 1],
  ['protocol-unreachable', 3, 2, 2],
  ['port-unreachable', 3, 3, 3],
  ['fragmentation-needed', 3, 4, 4],
  ['source-route-failed', 3, 5, 5],
  ['network-unknown', 3, 6, 6],
  ['host-unknown', 3, 7, 7],
  ['network-prohibited', 3, 9, 9],
  ['host-prohibited', 3, 10, 10],
  ['TOS-network-unreachable', 3, 11, 11],
  ['TOS-host-unreachable', 3, 12, 12],
  ['communication-prohibited', 3, 13, 13],
  ['host-precedence-violation', 3, 14, 14],
  ['precedence-cutoff', 3, 15, 15],
  ['source-quench', 4, 0, 255],
  ['redirect', 5, 0, 255],
  ['network-redirect', 5, 0, 0],
  ['host-redirect', 5, 1, 1],
  ['TOS-network-redirect', 5, 2, 2],
  ['TOS-host-redirect', 5, 3, 3],
  ['echo-request', 8, 0, 255],
  ['router-advertisement', 9, 0, 255],
  ['router-solicitation', 10, 0, 255],
  ['time-exceeded', 11, 0, 255],
  ['ttl-zero-during-transit', 11, 0, 0],
  ['ttl-zero-during-reassembly', 11, 1, 1],
  ['parameter-problem', 12, 0, 255],
  ['ip-header-bad', 12, 0, 0],
  ['required-option-missing', 12, 1, 1],
  ['timestamp-request', 13, 0, 255],
  ['timestamp-reply', 14, 0, 255],
  ['address-mask-request', 17, 0, 255],
  ['address-mask-reply', 18, 0, 255],
];

const IGMP_TYPES: readonly (readonly [string, number])[] = [
  ['membership-query', 0x11],
  ['membership-report-v1', 0x12],
  ['membership-report-v2', 0x16],
  ['leave-group', 0x17],
  ['membership-report-v3', 0x22],
];

interface Ip extends Upper {
  src: (HostMask & { invert: boolean }) | null;
  dst: (HostMask & { invert: boolean }) | null;
  tos: { value: number; invert: boolean } | null;
  icmp: (TypeCode & { invert: boolean }) | null;
  igmp: { range: Range; invert: boolean } | null;
}

export const ip: EbtMatch = defineEbtMatch<Ip>({
  name: 'ip',
  options: {
    'ip-source': {
      aliases: ['ip-src'],
      parse(d, text, invert) {
        d.src = { ...parseHostMask(text), invert };
      },
    },
    'ip-destination': {
      aliases: ['ip-dst'],
      parse(d, text, invert) {
        d.dst = { ...parseHostMask(text), invert };
      },
    },
    'ip-tos': {
      parse(d, text, invert) {
        const value = cNumber(text, 16);
        if (value === null || value > 255) throw new EbtProblem('Problem with specified IP tos');
        d.tos = { value, invert };
      },
    },
    ...upperOptions<Ip>('ip'),
    'ip-icmp-type': {
      parse(d, text, invert) {
        d.icmp = { ...parseTypeCode(text, ICMP_TYPES, 'ICMP'), invert };
      },
    },
    'ip-igmp-type': {
      parse(d, text, invert) {
        const named = IGMP_TYPES.find(([name]) => name.toLowerCase() === text.toLowerCase());
        const range = named === undefined ? cRange(text, 255, 0) : ([named[1], named[1]] as const);
        if (range === null) throw new EbtProblem(`Unknown IGMP type \`${text}'`);
        d.igmp = { range, invert };
      },
    },
  },
  create: () => ({ src: null, dst: null, tos: null, proto: null, sport: null, dport: null, icmp: null, igmp: null }),
  check(d, place) {
    const only = (protocol: number): boolean => d.proto !== null && !d.proto.invert && d.proto.value === protocol;
    const { icmp, igmp } = d;
    if (!ruleIsFor(place, ETH_P_IP) || !upperAllowed(d)) return false;
    if (icmp !== null && (!only(IPPROTO_ICMP) || icmp.type[0] > icmp.type[1] || icmp.code[0] > icmp.code[1])) return false;
    return igmp === null || (only(IPPROTO_IGMP) && igmp.range[0] <= igmp.range[1]);
  },
  save: (d) =>
    words(
      d.src === null ? '' : shown('ip-src', d.src.invert, hostMaskText(d.src)),
      d.dst === null ? '' : shown('ip-dst', d.dst.invert, hostMaskText(d.dst)),
      d.tos === null ? '' : shown('ip-tos', d.tos.invert, hex(d.tos.value, 2)),
      upperText('ip', d),
      d.icmp === null ? '' : shown('ip-icmp-type', d.icmp.invert, typeCodeText(d.icmp, ICMP_TYPES)),
      d.igmp === null ? '' : shown('ip-igmp-type', d.igmp.invert, igmpText(d.igmp.range)),
    ),
  match(skb, _par, d) {
    if (skb.len < IP_HLEN) return false;
    const { view } = skb.head;
    const at = skb.data;
    if (d.tos !== null && (view.getUint8(at + IP_TOS) !== d.tos.value) !== d.tos.invert) return false;
    if (d.src !== null && ((view.getInt32(at + IP_SADDR) & d.src.mask) !== d.src.address) !== d.src.invert) return false;
    if (d.dst !== null && ((view.getInt32(at + IP_DADDR) & d.dst.mask) !== d.dst.address) !== d.dst.invert) return false;
    if (d.proto === null) return true;
    if ((view.getUint8(at + IP_PROTOCOL) !== d.proto.value) !== d.proto.invert) return false;
    if (d.dport === null && d.sport === null && d.icmp === null && d.igmp === null) return true;
    if ((view.getUint16(at + IP_FRAG_OFF) & IP_OFFSET) !== 0) return false;
    const header = (view.getUint8(at) & 15) << 2;
    // Four bytes: both ports, or type and code.
    if (skb.len < header + 4) return false;
    const upper = at + header;
    if (d.dport !== null && inRange(view.getUint16(upper + 2), d.dport.range) === d.dport.invert) return false;
    if (d.sport !== null && inRange(view.getUint16(upper), d.sport.range) === d.sport.invert) return false;
    const type = view.getUint8(upper);
    if (d.icmp !== null && (inRange(type, d.icmp.type) && inRange(view.getUint8(upper + 1), d.icmp.code)) === d.icmp.invert) return false;
    return d.igmp === null || inRange(type, d.igmp.range) !== d.igmp.invert;
  },
});

function igmpText(range: Range): string {
  const named = range[0] === range[1] ? IGMP_TYPES.find(([, type]) => type === range[0]) : undefined;
  return named?.[0] ?? rangeText(range);
}
