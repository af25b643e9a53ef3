/**
 * target/masquerade.ts — `-j MASQUERADE`: the source is the address of the device that the packet leaves by (cf. Linux
 * net/netfilter/nf_nat_masquerade.c). When device or address goes, so do the connections: see masquerade-follow.ts.
 */
import {
  defineTarget,
  type InetDevices,
  IP_DADDR,
  type NetDevice,
  NF_ACCEPT,
  NF_DROP,
  NF_IP_POST_ROUTING,
  RT_SCOPE_UNIVERSE,
  type Rtable,
  type SkBuff,
  type Slot,
  type XtTarget,
  xtString,
} from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import { NAT_MANIP_SRC, NAT_MAP_IPS, type NatRange } from '../nat/nat-range.ts';
import type { NfNat } from '../nat/nf-nat.ts';
import { natHow } from './nat-how.ts';
import { formatNatPorts, parseNatPorts } from './nat-ports.ts';
import { natRange } from './nat-to.ts';

export function masquerade(nat: NfNat, inet: Slot<InetDevices>): XtTarget {
  return defineTarget({
    name: 'MASQUERADE',
    tables: ['nat'],
    hooks: 1 << NF_IP_POST_ROUTING,
    options: { 'to-ports': { value: xtString() }, random: {}, 'random-fully': {} },
    init(options, rule) {
      const how = natHow(options);
      const given = options['to-ports'];
      const ports = given === undefined ? null : parseNatPorts(given.value, rule);
      return { range: natRange({ addresses: null, ports }, how.flags), ports: ports === null ? '' : formatNatPorts(ports), how };
    },
    save: ({ ports, how }) => `${ports === '' ? '' : `--to-ports ${ports}`}${how.save}`.trim(),
    print: ({ ports, how }) => `${ports === '' ? '' : `masq ports: ${ports}`}${how.print}`.trim(),
    target(skb, par, { range }) {
      const ct = skb.nfct as NfConn | null;
      // A packet without a source is one that is still asking for an address.
      if (ct === null || ct.saddr(0) === 0) return NF_ACCEPT;
      const out = par.state.out as NetDevice;
      const source = inet.value?.selectAddr(out, nextHop(skb), RT_SCOPE_UNIVERSE) ?? 0;
      if (source === 0) {
        nat.nct.logLimited(`MASQUERADE: ${out.name} has no address`);
        return NF_DROP;
      }
      ct.masqIndex = out.ifindex;
      const own: NatRange = { ...range, flags: range.flags | NAT_MAP_IPS, minAddr: source, maxAddr: source };
      return nat.setupInfo(ct, own, NAT_MANIP_SRC);
    },
    ...conntrackUser(nat.nct),
  });
}

/** Where the packet goes next: to a gateway, or to its destination. */
function nextHop(skb: SkBuff): number {
  let dst = skb.dst;
  while (dst !== null && dst.child !== null) dst = dst.child;
  const gateway = dst === null ? 0 : (dst as Rtable).rtGateway;
  return gateway !== 0 ? gateway : skb.head.view.getInt32(skb.networkHeader + IP_DADDR);
}
