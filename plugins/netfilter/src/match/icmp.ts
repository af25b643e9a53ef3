/** match/icmp.ts — `-p icmp`: type and code (RFC 792; cf. Linux icmp_match, iptables' libipt_icmp.c). */
import { defineMatch, IPPROTO_ICMP, type XtMatch, XtProblem, type XtValue, xtNumber } from '@packetwalk/framework';
import { wholeHeader } from './transport.ts';

const HEADER = 4;
/** Stands for every type. */
const ANY = 255;

/** Name, type, lowest and highest code. Of two names for one the first is listed. */
const TYPES: readonly (readonly [string, number, number, number])[] = [
  ['any', ANY, 0, 255],
  ['echo-reply', 0, 0, 255],
  ['pong', 0, 0, 255],
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
  ['ping', 8, 0, 255],
  ['router-advertisement', 9, 0, 255],
  ['router-solicitation', 10, 0, 255],
  ['time-exceeded', 11, 0, 255],
  ['ttl-exceeded', 11, 0, 255],
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

interface IcmpType {
  readonly type: number;
  readonly min: number;
  readonly max: number;
}

/** A number, `type/code`, or a name that may be cut as long as it stays clear. */
const icmpType: XtValue<IcmpType> = (text) => {
  const found = TYPES.filter(([name]) => name.toLowerCase().startsWith(text.toLowerCase()));
  const exact = found.find(([name]) => name.length === text.length);
  if (exact === undefined && found.length > 1) {
    throw new XtProblem(`Ambiguous ICMP type \`${text}': \`${found[0][0]}' or \`${found[1][0]}'?`);
  }
  const named = exact ?? found[0];
  if (named !== undefined) return { type: named[1], min: named[2], max: named[3] };
  const [first, second] = text.split('/', 2);
  const type = xtNumber(first, 0, 255);
  if (type === null) throw new XtProblem(`Unknown ICMP type \`${text}'`);
  if (second === undefined) return { type, min: 0, max: 255 };
  const code = xtNumber(second, 0, 255);
  if (code === null) throw new XtProblem(`Unknown ICMP code \`${text}'`);
  return { type, min: code, max: code };
};

export const icmp: XtMatch = defineMatch({
  name: 'icmp',
  pure: true,
  protocol: IPPROTO_ICMP,
  options: { 'icmp-type': { value: icmpType, invert: true, mandatory: true } },
  init: ({ 'icmp-type': o }) => ({ ...o.value, invert: o.invert }),
  save({ type, min, max, invert }) {
    const what = type === ANY ? 'any' : min === 0 && max === 255 ? String(type) : `${type}/${min}`;
    return `${invert ? '! ' : ''}--icmp-type ${what}`;
  },
  print({ type, min, max, invert }, numeric) {
    const name = TYPES.find((t) => t[1] === type && t[2] === min && t[3] === max)?.[0];
    if (!numeric && name !== undefined) return `icmp ${invert ? '!' : ''}${name}`;
    const code = min === max ? ` code ${min}` : '';
    return `icmp${invert ? ' !' : ''}type ${type}${code}`;
  },
  match(skb, par, { type, min, max, invert }) {
    const th = wholeHeader(skb, par, HEADER);
    if (th < 0) return false;
    const { buf } = skb.head;
    return (type === ANY || (buf[th] === type && buf[th + 1] >= min && buf[th + 1] <= max)) !== invert;
  },
});
