/** target/redirect.ts — `-j REDIRECT`: to this router itself (cf. Linux net/netfilter/nf_nat_redirect.c). */
import {
  defineTarget,
  IFA_F_SECONDARY,
  INADDR_LOOPBACK,
  type NetDevice,
  NF_ACCEPT,
  NF_DROP,
  NF_IP_LOCAL_OUT,
  NF_IP_PRE_ROUTING,
  type XtTarget,
  xtString,
} from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import { NAT_MANIP_DST, NAT_MAP_IPS } from '../nat/nat-range.ts';
import type { NfNat } from '../nat/nf-nat.ts';
import { natHow } from './nat-how.ts';
import { formatNatPorts, parseNatPorts } from './nat-ports.ts';
import { natRange } from './nat-to.ts';

export function redirect(nat: NfNat): XtTarget {
  return defineTarget({
    name: 'REDIRECT',
    tables: ['nat'],
    hooks: (1 << NF_IP_PRE_ROUTING) | (1 << NF_IP_LOCAL_OUT),
    options: { 'to-ports': { value: xtString() }, random: {} },
    init(options, rule) {
      const how = natHow(options);
      const given = options['to-ports'];
      const ports = given === undefined ? null : parseNatPorts(given.value, rule);
      return { range: natRange({ addresses: null, ports }, how.flags), ports: ports === null ? '' : formatNatPorts(ports), how };
    },
    save: ({ ports, how }) => `${ports === '' ? '' : `--to-ports ${ports}`}${how.save}`.trim(),
    print: ({ ports, how }) => `${ports === '' ? '' : `redir ports ${ports}`}${how.print}`.trim(),
    target(skb, { state }, { range }) {
      const ct = skb.nfct as NfConn | null;
      if (ct === null) return NF_ACCEPT;
      const own = state.hooknum === NF_IP_LOCAL_OUT ? INADDR_LOOPBACK : primaryAddress(state.in as NetDevice);
      if (own === 0) return NF_DROP;
      return nat.setupInfo(ct, { ...range, flags: range.flags | NAT_MAP_IPS, minAddr: own, maxAddr: own }, NAT_MANIP_DST);
    },
    ...conntrackUser(nat.nct),
  });
}

/** The first address of the device the packet came in by; 0: it has none. */
function primaryAddress(dev: NetDevice): number {
  return dev.inDev?.ifaList.find((ifa) => (ifa.flags & IFA_F_SECONDARY) === 0)?.local ?? 0;
}
