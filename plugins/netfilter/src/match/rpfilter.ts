/** match/rpfilter.ts — `-m rpfilter`: would an answer leave by the device that the packet came in by (RFC 3704 §2; cf. Linux net/ipv4/netfilter/ipt_rpfilter.c)? */
import {
  defineMatch,
  FLOWI_FLAG_ANYSRC,
  type Flow,
  IFF_LOOPBACK,
  IP_DADDR,
  IP_SADDR,
  IP_TOS,
  ipv4IsLocalMulticast,
  ipv4IsMulticast,
  ipv4IsZeronet,
  type NetDevice,
  NF_IP_PRE_ROUTING,
  type Routing,
  RT_SCOPE_UNIVERSE,
  RTN_LOCAL,
  RTN_UNICAST,
  type SkBuff,
  type Slot,
  type XtMatch,
} from '@packetwalk/framework';
import { words } from './words.ts';

interface Rpfilter {
  readonly loose: boolean;
  readonly validmark: boolean;
  readonly acceptLocal: boolean;
  readonly invert: boolean;
}

export function rpfilter(routing: Slot<Routing>): XtMatch {
  return defineMatch({
    name: 'rpfilter',
    pure: true,
    tables: ['raw', 'mangle'],
    hooks: 1 << NF_IP_PRE_ROUTING,
    options: { loose: {}, validmark: {}, 'accept-local': {}, invert: {} },
    init: (o): Rpfilter => ({
      loose: o.loose !== undefined,
      validmark: o.validmark !== undefined,
      acceptLocal: o['accept-local'] !== undefined,
      invert: o.invert !== undefined,
    }),
    save: (data) => names(data, '--'),
    print: (data) => words('rpfilter', names(data, '')),
    match(skb, par, data) {
      const dev = par.state.in as NetDevice;
      if ((dev.flags & IFF_LOOPBACK) !== 0) return !data.invert;
      const { view } = skb.head;
      const saddr = view.getInt32(skb.networkHeader + IP_SADDR);
      const daddr = view.getInt32(skb.networkHeader + IP_DADDR);
      // Who has no address yet may speak to its own link.
      if (ipv4IsMulticast(daddr) && ipv4IsZeronet(saddr)) return ipv4IsLocalMulticast(daddr) !== data.invert;
      return lookup(routing.value, skb, saddr, daddr, dev, data) !== data.invert;
    },
  });
}

function names({ loose, validmark, acceptLocal, invert }: Rpfilter, dashes: string): string {
  const option = (name: string, on: boolean): string => (on ? dashes + name : '');
  return words(option('loose', loose), option('validmark', validmark), option('accept-local', acceptLocal), option('invert', invert));
}

function lookup(routing: Routing | null, skb: SkBuff, saddr: number, daddr: number, dev: NetDevice, data: Rpfilter): boolean {
  if (routing === null) return false;
  const flow: Flow = {
    daddr: saddr,
    saddr: ipv4IsMulticast(daddr) ? 0 : daddr,
    tos: skb.head.view.getUint8(skb.networkHeader + IP_TOS),
    iif: 0,
    oif: 0,
    mark: data.validmark ? skb.mark : 0,
    protocol: 0,
    scope: RT_SCOPE_UNIVERSE,
    sport: 0,
    dport: 0,
    flags: FLOWI_FLAG_ANYSRC,
  };
  const rt = routing.routeOutput(flow);
  if (typeof rt === 'number') return false;
  if (rt.rtType === RTN_UNICAST) return data.loose || rt.dev === dev;
  // Packets to an address of this router leave by lo; what counts is where the address is.
  if (rt.rtType !== RTN_LOCAL || !data.acceptLocal) return false;
  return data.loose || routing.addrType(saddr, dev) === RTN_LOCAL;
}
