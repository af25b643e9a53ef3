/**
 * match/tcp.ts — `-p tcp`: ports, flags, options (RFC 9293 §3.1; cf. Linux net/netfilter/xt_tcpudp.c, and nf_tables'
 * payload expressions, which iptables makes of all but `--tcp-option`).
 */
import {
  defineMatch,
  IPPROTO_TCP,
  type SkBuff,
  TCP_ACK,
  TCP_FIN,
  TCP_FLAGS,
  TCP_HLEN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
  TCPOPT_NOP,
  tcpHdrLen,
  type XtMatch,
  type XtParam,
  XtProblem,
  type XtValue,
  xtNumber,
} from '@packetwalk/framework';
import { givenRange, inRange, type PortRange, portRange, printRange, rangeBounds, saveRange } from './port-range.ts';
import { transportOffset, wholeHeader } from './transport.ts';
import { words } from './words.ts';

const FLAGS: readonly (readonly [string, number])[] = [
  ['FIN', TCP_FIN],
  ['SYN', TCP_SYN],
  ['RST', TCP_RST],
  ['PSH', TCP_PSH],
  ['ACK', TCP_ACK],
  ['URG', TCP_URG],
];
const ALL = 0x3f;
/** What `--syn` asks for. */
const SYN_MASK = TCP_SYN | TCP_RST | TCP_ACK | TCP_FIN;

interface FlagTest {
  readonly mask: number;
  readonly comp: number;
  readonly invert: boolean;
}

interface TcpOption {
  readonly kind: number;
  readonly invert: boolean;
}

interface Tcp {
  readonly sport: PortRange | null;
  readonly dport: PortRange | null;
  readonly flags: FlagTest | null;
  readonly option: TcpOption | null;
}

function readFlags(text: string): number {
  let flags = 0;
  for (const name of text.split(',')) {
    const flag = FLAGS.find(([n]) => n === name.toUpperCase())?.[1] ?? { ALL, NONE: 0 }[name.toUpperCase()];
    if (flag === undefined) throw new XtProblem(`Unknown TCP flag \`${name}'`);
    flags |= flag;
  }
  return flags;
}

const flagTest: XtValue<readonly [number, number]> = (mask, { second }) => {
  if (second === undefined) throw new XtProblem('--tcp-flags requires two args.');
  return [readFlags(mask), readFlags(second)];
};

const optionKind: XtValue<number> = (text) => {
  const kind = xtNumber(text, 1, 255);
  if (kind === null) throw new XtProblem(`Bad TCP option "${text}"`);
  return kind;
};

function flagNames(flags: number): string {
  if (flags === 0) return 'NONE';
  return FLAGS.filter(([, flag]) => (flags & flag) !== 0)
    .map(([name]) => name)
    .join(',');
}

const ports = portRange('tcp', true);
const FLAGS_TWICE = "Only one of `--syn' or `--tcp-flags'  allowed";

export const tcp: XtMatch = defineMatch({
  name: 'tcp',
  pure: true,
  options: {
    'source-port': { value: ports, invert: true, twice: "Only one `--source-port' allowed" },
    sport: { alias: 'source-port' },
    'destination-port': { value: ports, invert: true, twice: "Only one `--destination-port' allowed" },
    dport: { alias: 'destination-port' },
    syn: { invert: true, twice: FLAGS_TWICE },
    'tcp-flags': { value: flagTest, words: 2, invert: true, twice: FLAGS_TWICE },
    'tcp-option': { value: optionKind, invert: true, twice: "Only one `--tcp-option' allowed" },
  },
  init(o, rule): Tcp {
    if (rule.protocol !== IPPROTO_TCP) throw new XtProblem("TCP match requires '-p tcp'");
    if (o.syn !== undefined && o['tcp-flags'] !== undefined) throw new XtProblem(FLAGS_TWICE);
    const flags = o['tcp-flags'];
    const option = o['tcp-option'];
    const syn = o.syn === undefined ? null : { mask: SYN_MASK, comp: TCP_SYN, invert: o.syn.invert };
    return {
      sport: givenRange(o['source-port']),
      dport: givenRange(o['destination-port']),
      flags: flags === undefined ? syn : { mask: flags.value[0], comp: flags.value[1], invert: flags.invert },
      option: option === undefined ? null : { kind: option.value, invert: option.invert },
    };
  },
  save: ({ sport, dport, option, flags }) =>
    words(
      saveRange('sport', sport),
      saveRange('dport', dport),
      option === null ? '' : `${option.invert ? '! ' : ''}--tcp-option ${option.kind}`,
      flags === null ? '' : `${flags.invert ? '! ' : ''}--tcp-flags ${flagNames(flags.mask)} ${flagNames(flags.comp)}`,
    ),
  print: ({ sport, dport, option, flags }, numeric) =>
    words(
      'tcp',
      printRange('spt', sport, 'tcp', numeric),
      printRange('dpt', dport, 'tcp', numeric),
      option === null ? '' : `option=${option.invert ? '!' : ''}${option.kind}`,
      flags === null ? '' : `flags:${flags.invert ? '!' : ''}${flagsText(flags, numeric)}`,
    ),
  check(data, { protocolInverted }) {
    return data.option !== null && protocolInverted ? 'a TCP option is only in TCP' : null;
  },
  match(skb, par, data) {
    if (data.option !== null && !matchWhole(skb, par, data.option)) return false;
    const { view } = skb.head;
    const { sport, dport, flags } = data;
    if (sport !== null) {
      const th = transportOffset(skb, par, 2);
      if (th < 0 || !inRange(sport, view.getUint16(th))) return false;
    }
    if (dport !== null) {
      const th = transportOffset(skb, par, 4);
      if (th < 0 || !inRange(dport, view.getUint16(th + 2))) return false;
    }
    if (flags !== null) {
      const th = transportOffset(skb, par, TCP_FLAGS + 1);
      if (th < 0 || ((view.getUint8(th + TCP_FLAGS) & flags.mask) === flags.comp) === flags.invert) return false;
    }
    return true;
  },
  // With an option to look for, a packet whose header is cut off must be dropped: it has to be asked.
  ports: ({ sport, dport, option }) => (option !== null ? null : { sport: rangeBounds(sport), dport: rangeBounds(dport) }),
});

function flagsText({ mask, comp }: FlagTest, numeric: boolean): string {
  const hex = (n: number): string => `0x${n.toString(16).toUpperCase().padStart(2, '0')}`;
  return numeric ? `${hex(mask)}/${hex(comp)}` : `${flagNames(mask)}/${flagNames(comp)}`;
}

function matchWhole(skb: SkBuff, par: XtParam, option: TcpOption): boolean {
  if (par.fragoff === 1) par.hotdrop = true;
  const th = wholeHeader(skb, par, TCP_HLEN);
  if (th < 0) return false;
  const length = tcpHdrLen(skb.head.view, th);
  if (length < TCP_HLEN || th + length > skb.data + skb.len) {
    par.hotdrop = true;
    return false;
  }
  return hasOption(skb, th, length, option.kind) !== option.invert;
}

/** Is there an option of this kind? One of a length below two is taken for one byte. */
function hasOption(skb: SkBuff, th: number, length: number, kind: number): boolean {
  const { buf } = skb.head;
  for (let i = th + TCP_HLEN; i < th + length; ) {
    if (buf[i] === kind) return true;
    if (buf[i] <= TCPOPT_NOP) i++;
    else i += i + 1 < th + length ? Math.max(buf[i + 1], 1) : 1;
  }
  return false;
}
