/** target/snat.ts — `-j snat`: another source MAC address, in ARP too when asked for (cf. Linux ebt_snat.c). */
import {
  ARP_HLN,
  ARP_SHA,
  defineEbtTarget,
  EBT_ACCEPT,
  EBT_DROP,
  EbtProblem,
  type EbtTarget,
  ETH_ALEN,
  ETH_P_ARP,
  ETH_SRC,
  skbMakeWritable,
} from '@packetwalk/framework';
import { verdictName, verdictOption } from '../standard-target.ts';
import { type Ether, etherArgument, etherText, NAT_POSTROUTING, natPlace } from './nat.ts';

interface Snat {
  mac: Ether | null;
  arp: boolean;
  verdict: number;
}

export const snat: EbtTarget = defineEbtTarget<Snat>({
  name: 'snat',
  options: {
    'to-source': {
      aliases: ['to-src'],
      parse(d, text) {
        d.mac = etherArgument(text, 'to-source');
      },
    },
    'snat-target': verdictOption('snat-target'),
    'snat-arp': {
      flag: true,
      parse(d) {
        d.arp = true;
      },
    },
  },
  create: () => ({ mac: null, arp: false, verdict: EBT_ACCEPT }),
  finish({ mac }) {
    if (mac === null) throw new EbtProblem('You must specify proper arguments');
  },
  check: (_d, place) => natPlace(place, NAT_POSTROUTING, false),
  save: ({ mac, arp, verdict }) => `--to-src ${etherText(mac as Ether)}${arp ? ' --snat-arp' : ''} --snat-target ${verdictName(verdict)}`,
  target(skb, { etherType }, d) {
    const { hi, lo } = d.mac as Ether;
    skbMakeWritable(skb);
    const { view } = skb.head;
    view.setUint16(skb.macHeader + ETH_SRC, hi);
    view.setInt32(skb.macHeader + ETH_SRC + 2, lo);
    if (!d.arp || etherType !== ETH_P_ARP) return d.verdict;
    if (skb.len < ARP_SHA) return EBT_DROP;
    if (view.getUint8(skb.data + ARP_HLN) !== ETH_ALEN) return d.verdict;
    if (skb.len < ARP_SHA + ETH_ALEN) return EBT_DROP;
    view.setUint16(skb.data + ARP_SHA, hi);
    view.setInt32(skb.data + ARP_SHA + 2, lo);
    return d.verdict;
  },
});
