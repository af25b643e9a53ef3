/** match/arp.ts — `--arp-*`: fields of ARP and RARP (RFC 826; cf. Linux ebt_arp.c). */
import {
  ARP_HLN,
  ARP_HRD,
  ARP_OP,
  ARP_PLN,
  ARP_PRO,
  ARP_SHA,
  ARPHRD_ETHER,
  defineEbtMatch,
  type EbtMatch,
  type EbtOption,
  EbtProblem,
  ETH_ALEN,
  ETH_P_ARP,
  ETH_P_IP,
} from '@packetwalk/framework';
import { etherTypeNumber } from '../ether-types.ts';
import { type HostMask, hostMaskText, parseHostMask } from '../host-mask.ts';
import { type MacMask, macMatches, parseMacMask, plainMacMaskText } from '../mac-mask.ts';
import { cNumber, hex, shown, words } from '../numbers.ts';

const ETH_P_RARP = 0x8035;
const OPCODES = [
  'Request',
  'Reply',
  'Request_Reverse',
  'Reply_Reverse',
  'DRARP_Request',
  'DRARP_Reply',
  'DRARP_Error',
  'InARP_Request',
  'ARP_NAK',
];

/** Fixed part of the header. */
const ARP_FIXED = 8;

interface Not {
  readonly invert: boolean;
}

interface Arp {
  op: (Not & { value: number }) | null;
  htype: (Not & { value: number }) | null;
  ptype: (Not & { value: number }) | null;
  ipSrc: (Not & HostMask) | null;
  ipDst: (Not & HostMask) | null;
  macSrc: (Not & MacMask) | null;
  macDst: (Not & MacMask) | null;
  gratuitous: Not | null;
}

function number(key: 'op' | 'htype' | 'ptype', read: (text: string) => number | null, problem: string): EbtOption<Arp>['parse'] {
  return (d, text, invert) => {
    const value = read(text);
    if (value === null || value > 0xffff) throw new EbtProblem(`Problem with specified ${problem}`);
    d[key] = { value, invert };
  };
}

function mac(key: 'macSrc' | 'macDst'): EbtOption<Arp> {
  return {
    parse(d, text, invert) {
      const value = parseMacMask(text);
      if (value === null) throw new EbtProblem('Problem with ARP MAC address argument');
      d[key] = { ...value, invert };
    },
  };
}

function ip(key: 'ipSrc' | 'ipDst'): EbtOption<Arp> {
  return {
    parse(d, text, invert) {
      d[key] = { ...parseHostMask(text), invert };
    },
  };
}

const opcode = number(
  'op',
  (text) => {
    const named = OPCODES.findIndex((name) => name.toLowerCase() === text.toLowerCase());
    return named < 0 ? cNumber(text, 10) : named + 1;
  },
  'ARP opcode',
);

export const arp: EbtMatch = defineEbtMatch<Arp>({
  name: 'arp',
  once: true,
  options: {
    'arp-opcode': { aliases: ['arp-op'], parse: opcode },
    'arp-htype': {
      parse: number('htype', (text) => (text.toLowerCase() === 'ethernet' ? ARPHRD_ETHER : cNumber(text, 10)), 'ARP hardware type'),
    },
    'arp-ptype': { parse: number('ptype', (text) => cNumber(text, 16) ?? etherTypeNumber(text), 'ARP protocol type') },
    'arp-ip-src': ip('ipSrc'),
    'arp-ip-dst': ip('ipDst'),
    'arp-mac-src': mac('macSrc'),
    'arp-mac-dst': mac('macDst'),
    'arp-gratuitous': {
      flag: true,
      parse(d, _text, invert) {
        d.gratuitous = { invert };
      },
    },
  },
  create: () => ({ op: null, htype: null, ptype: null, ipSrc: null, ipDst: null, macSrc: null, macDst: null, gratuitous: null }),
  check: (_d, { protocol, protocolInverted }) => (protocol === ETH_P_ARP || protocol === ETH_P_RARP) && !protocolInverted,
  save: (d) =>
    words(
      d.op === null ? '' : shown('arp-op', d.op.invert, OPCODES[d.op.value - 1] ?? String(d.op.value)),
      d.htype === null ? '' : shown('arp-htype', d.htype.invert, String(d.htype.value)),
      d.ptype === null ? '' : shown('arp-ptype', d.ptype.invert, hex(d.ptype.value)),
      d.ipSrc === null ? '' : shown('arp-ip-src', d.ipSrc.invert, hostMaskText(d.ipSrc)),
      d.ipDst === null ? '' : shown('arp-ip-dst', d.ipDst.invert, hostMaskText(d.ipDst)),
      d.macSrc === null ? '' : shown('arp-mac-src', d.macSrc.invert, plainMacMaskText(d.macSrc)),
      d.macDst === null ? '' : shown('arp-mac-dst', d.macDst.invert, plainMacMaskText(d.macDst)),
      d.gratuitous === null ? '' : `${d.gratuitous.invert ? '! ' : ''}--arp-gratuitous`,
    ),
  match(skb, _par, d) {
    if (skb.len < ARP_FIXED) return false;
    const { view } = skb.head;
    const at = skb.data;
    const end = at + skb.len;
    if (d.op !== null && (view.getUint16(at + ARP_OP) !== d.op.value) !== d.op.invert) return false;
    if (d.htype !== null && (view.getUint16(at + ARP_HRD) !== d.htype.value) !== d.htype.invert) return false;
    if (d.ptype !== null && (view.getUint16(at + ARP_PRO) !== d.ptype.value) !== d.ptype.invert) return false;
    const hln = view.getUint8(at + ARP_HLN);
    if (d.ipSrc !== null || d.ipDst !== null || d.gratuitous !== null) {
      if (view.getUint8(at + ARP_PLN) !== 4 || view.getUint16(at + ARP_PRO) !== ETH_P_IP) return false;
      const sip = at + ARP_FIXED + hln;
      const tip = sip + 4 + hln;
      if (tip + 4 > end) return false;
      const source = view.getInt32(sip);
      const target = view.getInt32(tip);
      if (d.ipSrc !== null && ((source & d.ipSrc.mask) !== d.ipSrc.address) !== d.ipSrc.invert) return false;
      if (d.ipDst !== null && ((target & d.ipDst.mask) !== d.ipDst.address) !== d.ipDst.invert) return false;
      if (d.gratuitous !== null && (source !== target) !== d.gratuitous.invert) return false;
    }
    if (d.macSrc !== null || d.macDst !== null) {
      if (hln !== ETH_ALEN || view.getUint16(at + ARP_HRD) !== ARPHRD_ETHER) return false;
      const sha = at + ARP_SHA;
      const tha = sha + ETH_ALEN + view.getUint8(at + ARP_PLN);
      if (d.macSrc !== null && (sha + ETH_ALEN > end || macMatches(view, sha, d.macSrc) === d.macSrc.invert)) return false;
      if (d.macDst !== null && (tha + ETH_ALEN > end || macMatches(view, tha, d.macDst) === d.macDst.invert)) return false;
    }
    return true;
  },
});
