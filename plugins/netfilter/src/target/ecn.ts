/** target/ecn.ts — `-j ECN`: clears or sets congestion notification, for peers that cannot do it (RFC 3168; cf. Linux net/ipv4/netfilter/ipt_ECN.c). */
import {
  csumReplace2,
  defineTarget,
  IP_PROTOCOL,
  IP_TOS,
  IPPROTO_TCP,
  NF_DROP,
  type SkBuff,
  skbMakeWritable,
  TCP_CHECK,
  TCP_CWR,
  TCP_DOFF,
  TCP_ECE,
  TCP_FLAGS,
  TCP_HLEN,
  XT_CONTINUE,
  type XtParam,
  XtProblem,
  type XtTarget,
  xtUint,
} from '@packetwalk/framework';
import { words } from '../match/words.ts';
import { setIpByte } from './ip-field.ts';

interface Ecn {
  /** New values; null: as it is. */
  readonly ece: number | null;
  readonly cwr: number | null;
  readonly ect: number | null;
}

export const ecn: XtTarget = defineTarget({
  name: 'ECN',
  tables: ['mangle'],
  options: {
    'ecn-tcp-remove': { excludes: ['ecn-tcp-cwr', 'ecn-tcp-ece'] },
    'ecn-tcp-cwr': { value: xtUint(1), excludes: ['ecn-tcp-remove'] },
    'ecn-tcp-ece': { value: xtUint(1), excludes: ['ecn-tcp-remove'] },
    'ecn-ip-ect': { value: xtUint(3) },
  },
  init(o): Ecn {
    if (Object.keys(o).length === 0) throw new XtProblem('ECN target: An operation is required');
    const removed = o['ecn-tcp-remove'] === undefined ? null : 0;
    return { ece: o['ecn-tcp-ece']?.value ?? removed, cwr: o['ecn-tcp-cwr']?.value ?? removed, ect: o['ecn-ip-ect']?.value ?? null };
  },
  save({ ece, cwr, ect }) {
    const tcp = ece === 0 && cwr === 0 ? '--ecn-tcp-remove' : words(option('--ecn-tcp-ece ', ece), option('--ecn-tcp-cwr ', cwr));
    return words(tcp, option('--ecn-ip-ect ', ect));
  },
  print({ ece, cwr, ect }) {
    const tcp = ece === 0 && cwr === 0 ? 'TCP remove' : words(option('ECE=', ece), option('CWR=', cwr));
    return words('ECN', tcp, option('ECT codepoint=', ect));
  },
  check({ ece, cwr }, { protocol, protocolInverted }) {
    const tcp = protocol === IPPROTO_TCP && !protocolInverted;
    return (ece !== null || cwr !== null) && !tcp ? 'cannot use operation on non-tcp rule' : null;
  },
  target(skb, par, data) {
    if (data.ect !== null) {
      setIpByte(skb, IP_TOS, (skb.head.view.getUint8(skb.networkHeader + IP_TOS) & ~3) | data.ect);
    }
    if (data.ece === null && data.cwr === null) return XT_CONTINUE;
    const tcp = skb.head.view.getUint8(skb.networkHeader + IP_PROTOCOL) === IPPROTO_TCP;
    return !tcp || par.fragoff !== 0 || setTcp(skb, par, data) ? XT_CONTINUE : NF_DROP;
  },
});

function option(label: string, value: number | null): string {
  return value === null ? '' : `${label}${value}`;
}

/** Sets the flags; false when there is no TCP header. */
function setTcp(skb: SkBuff, par: XtParam, { ece, cwr }: Ecn): boolean {
  if (skb.networkHeader + par.thoff + TCP_HLEN > skb.data + skb.len) return false;
  skbMakeWritable(skb);
  const { view } = skb.head;
  const th = skb.networkHeader + par.thoff;
  const before = view.getUint16(th + TCP_DOFF);
  let flags = view.getUint8(th + TCP_FLAGS);
  if (ece !== null) flags = ece === 0 ? flags & ~TCP_ECE : flags | TCP_ECE;
  if (cwr !== null) flags = cwr === 0 ? flags & ~TCP_CWR : flags | TCP_CWR;
  view.setUint8(th + TCP_FLAGS, flags);
  view.setUint16(th + TCP_CHECK, csumReplace2(view.getUint16(th + TCP_CHECK), before, view.getUint16(th + TCP_DOFF)));
  return true;
}
