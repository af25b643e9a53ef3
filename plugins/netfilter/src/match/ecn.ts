/** match/ecn.ts — `-m ecn`: explicit congestion notification, in IP and in TCP (RFC 3168; cf. Linux net/netfilter/xt_ecn.c). */
import {
  defineMatch,
  IP_TOS,
  IPPROTO_TCP,
  type SkBuff,
  TCP_CWR,
  TCP_ECE,
  TCP_FLAGS,
  TCP_HLEN,
  type XtGiven,
  type XtMatch,
  type XtParam,
  XtProblem,
  xtUint,
} from '@packetwalk/framework';
import { words } from './words.ts';

interface Ecn {
  /** Whether the flag must be set; null: no matter. */
  readonly ece: boolean | null;
  readonly cwr: boolean | null;
  readonly ect: XtGiven<number> | null;
}

const wanted = (given: XtGiven<true> | undefined): boolean | null => (given === undefined ? null : !given.invert);

export const ecn: XtMatch = defineMatch({
  name: 'ecn',
  pure: true,
  options: {
    'ecn-tcp-cwr': { invert: true },
    'ecn-tcp-ece': { invert: true },
    'ecn-ip-ect': { value: xtUint(3), invert: true },
  },
  init(o): Ecn {
    if (Object.keys(o).length === 0) throw new XtProblem('ECN match: some option required');
    return { ece: wanted(o['ecn-tcp-ece']), cwr: wanted(o['ecn-tcp-cwr']), ect: o['ecn-ip-ect'] ?? null };
  },
  save({ ece, cwr, ect }) {
    const flag = (name: string, on: boolean | null): string => (on === null ? '' : `${on ? '' : '! '}--ecn-tcp-${name}`);
    return words(flag('ece', ece), flag('cwr', cwr), ect === null ? '' : `${ect.invert ? '! ' : ''}--ecn-ip-ect ${ect.value}`);
  },
  print({ ece, cwr, ect }) {
    const flag = (name: string, on: boolean | null): string => (on === null ? '' : `${on ? '' : '!'}${name}`);
    return words('ECN match', flag('ECE', ece), flag('CWR', cwr), ect === null ? '' : `${ect.invert ? '!' : ''}ECT=${ect.value}`);
  },
  check({ ece, cwr }, { protocol, protocolInverted }) {
    const tcp = protocol === IPPROTO_TCP && !protocolInverted;
    return (ece !== null || cwr !== null) && !tcp ? 'cannot match TCP bits for non-tcp packets' : null;
  },
  match(skb, par, data) {
    const { ect } = data;
    if (ect !== null) {
      const bits = skb.head.view.getUint8(skb.networkHeader + IP_TOS) & 3;
      if ((bits === ect.value) === ect.invert) return false;
    }
    return (data.ece === null && data.cwr === null) || matchTcp(skb, par, data);
  },
});

function matchTcp(skb: SkBuff, par: XtParam, { ece, cwr }: Ecn): boolean {
  const th = skb.networkHeader + par.thoff;
  if (th + TCP_HLEN > skb.data + skb.len) return false;
  const flags = skb.head.view.getUint8(th + TCP_FLAGS);
  if (ece !== null && ((flags & TCP_ECE) !== 0) !== ece) return false;
  return cwr === null || ((flags & TCP_CWR) !== 0) === cwr;
}
