/** target/snat.ts — `-j SNAT`: other sources, behind routing (cf. Linux net/netfilter/xt_nat.c). */
import { defineTarget, NF_IP_LOCAL_IN, NF_IP_POST_ROUTING, type XtTarget, xtString } from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import { NAT_MANIP_SRC } from '../nat/nat-range.ts';
import type { NfNat } from '../nat/nf-nat.ts';
import { natHow } from './nat-how.ts';
import { formatNatTo, natRange, parseNatTo } from './nat-to.ts';

export function snat(nat: NfNat): XtTarget {
  return defineTarget({
    name: 'SNAT',
    tables: ['nat'],
    hooks: (1 << NF_IP_POST_ROUTING) | (1 << NF_IP_LOCAL_IN),
    options: { 'to-source': { value: xtString(), mandatory: true }, random: {}, 'random-fully': {}, persistent: {} },
    init(options, rule) {
      const how = natHow(options);
      const { addresses, ports } = parseNatTo(options['to-source'].value, rule);
      // There is no place for a base in what iptables tells the kernel of SNAT: ports are shifted from 0, and listed so.
      const to = { addresses, ports: ports === null || ports.base === null ? ports : { ...ports, base: 0 } };
      return { range: natRange(to, how.flags), text: formatNatTo(to), how };
    },
    save: ({ text, how }) => `--to-source ${text}${how.save}`,
    print: ({ text, how }) => `to:${text}${how.print}`,
    target: (skb, _par, { range }) => nat.translate(skb, range, NAT_MANIP_SRC),
    ...conntrackUser(nat.nct),
  });
}
