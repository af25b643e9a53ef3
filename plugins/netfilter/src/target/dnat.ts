/** target/dnat.ts — `-j DNAT`: other destinations, before routing (cf. Linux net/netfilter/xt_nat.c). */
import { defineTarget, NF_IP_LOCAL_OUT, NF_IP_PRE_ROUTING, type XtTarget, xtString } from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import { NAT_MANIP_DST } from '../nat/nat-range.ts';
import type { NfNat } from '../nat/nf-nat.ts';
import { natHow } from './nat-how.ts';
import { formatNatTo, natRange, parseNatTo } from './nat-to.ts';

export function dnat(nat: NfNat): XtTarget {
  return defineTarget({
    name: 'DNAT',
    tables: ['nat'],
    hooks: (1 << NF_IP_PRE_ROUTING) | (1 << NF_IP_LOCAL_OUT),
    options: { 'to-destination': { value: xtString(), mandatory: true }, random: {}, persistent: {} },
    init(options, rule) {
      const how = natHow(options);
      const to = parseNatTo(options['to-destination'].value, rule);
      return { range: natRange(to, how.flags), text: formatNatTo(to), how };
    },
    save: ({ text, how }) => `--to-destination ${text}${how.save}`,
    print: ({ text, how }) => `to:${text}${how.print}`,
    target: (skb, _par, { range }) => nat.translate(skb, range, NAT_MANIP_DST),
    ...conntrackUser(nat.nct),
  });
}
