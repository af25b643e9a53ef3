/** match/addrtype.ts — `-m addrtype`: what an address is to this router (cf. Linux net/netfilter/xt_addrtype.c). */
import {
  defineMatch,
  IP_DADDR,
  IP_SADDR,
  NF_IP_LOCAL_IN,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  type Routing,
  type Slot,
  type XtGiven,
  type XtMatch,
  XtProblem,
  type XtValue,
} from '@packetwalk/framework';
import { words } from './words.ts';

/** Route types (RTN_*) by number. */
const TYPES = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
];

/** Types as bits. */
const types: XtValue<number> = (text, { extension }) => {
  let bits = 0;
  for (const word of text.split(',')) {
    const type = TYPES.findIndex((name) => name.startsWith(word.toUpperCase()));
    if (type < 0 || word === '') throw new XtProblem(`${extension}: bad type "${word}"`);
    bits |= 1 << type;
  }
  return bits;
};

function typeNames(bits: number): string {
  return TYPES.filter((_, i) => (bits & (1 << i)) !== 0).join(',');
}

interface Addrtype {
  readonly src: XtGiven<number> | null;
  readonly dst: XtGiven<number> | null;
  readonly limit: 'in' | 'out' | null;
}

/** @param routing knows what addresses are; without it the match says no */
export function addrtype(routing: Slot<Routing>): XtMatch {
  return defineMatch({
    name: 'addrtype',
    pure: true,
    options: {
      'src-type': { value: types, invert: true },
      'dst-type': { value: types, invert: true },
      'limit-iface-in': { excludes: ['limit-iface-out'] },
      'limit-iface-out': { excludes: ['limit-iface-in'] },
    },
    init(o): Addrtype {
      const src = o['src-type'] ?? null;
      const dst = o['dst-type'] ?? null;
      if (src === null && dst === null) throw new XtProblem('addrtype: you must specify --src-type or --dst-type');
      return { src, dst, limit: o['limit-iface-in'] !== undefined ? 'in' : o['limit-iface-out'] !== undefined ? 'out' : null };
    },
    save({ src, dst, limit }) {
      const option = (name: string, given: XtGiven<number> | null): string =>
        given === null ? '' : `${given.invert ? '! ' : ''}--${name} ${typeNames(given.value)}`;
      return words(option('src-type', src), option('dst-type', dst), limit === null ? '' : `--limit-iface-${limit}`);
    },
    print({ src, dst, limit }) {
      const text = (name: string, given: XtGiven<number> | null): string =>
        given === null ? '' : `${name} ${given.invert ? '!' : ''}${typeNames(given.value)}`;
      return words('ADDRTYPE match', text('src-type', src), text('dst-type', dst), limit === null ? '' : `limit-${limit}`);
    },
    check({ limit }, { hooks }) {
      const without =
        limit === 'in' ? (1 << NF_IP_POST_ROUTING) | (1 << NF_IP_LOCAL_OUT) : (1 << NF_IP_PRE_ROUTING) | (1 << NF_IP_LOCAL_IN);
      return limit !== null && (hooks & without) !== 0 ? `a packet has no ${limit} device there` : null;
    },
    match(skb, par, { src, dst, limit }) {
      const { value } = routing;
      if (value === null) return false;
      const dev = limit === 'in' ? par.state.in : limit === 'out' ? par.state.out : null;
      const { view } = skb.head;
      const is = (offset: number, given: XtGiven<number>): boolean => {
        const type = value.addrType(view.getInt32(skb.networkHeader + offset), dev ?? undefined);
        return ((given.value & (1 << type)) !== 0) !== given.invert;
      };
      return (src === null || is(IP_SADDR, src)) && (dst === null || is(IP_DADDR, dst));
    },
  });
}
