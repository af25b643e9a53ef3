/** target/dnat.ts — `-j dnat`: another destination MAC address, and to whom the frame is then (cf. Linux ebt_dnat.c). */
import {
  defineEbtTarget,
  EBT_ACCEPT,
  EbtProblem,
  type EbtTarget,
  ETH_DST,
  NF_BR_BROUTING,
  NF_IP_PRE_ROUTING,
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  skbMakeWritable,
} from '@packetwalk/framework';
import { verdictName, verdictOption } from '../standard-target.ts';
import { type Ether, etherArgument, etherText, NAT_OUTPUT, NAT_PREROUTING, natPlace } from './nat.ts';

interface Dnat {
  mac: Ether | null;
  verdict: number;
}

export const dnat: EbtTarget = defineEbtTarget<Dnat>({
  name: 'dnat',
  options: {
    'to-destination': {
      aliases: ['to-dst'],
      parse(d, text) {
        d.mac = etherArgument(text, 'to-destination');
      },
    },
    'dnat-target': verdictOption('dnat-target'),
  },
  create: () => ({ mac: null, verdict: EBT_ACCEPT }),
  finish({ mac }) {
    if (mac === null) throw new EbtProblem('You must specify proper arguments');
  },
  check: (_d, place) => natPlace(place, NAT_PREROUTING | NAT_OUTPUT, true),
  save: ({ mac, verdict }) => `--to-dst ${etherText(mac as Ether)} --dnat-target ${verdictName(verdict)}`,
  target(skb, { state }, d) {
    const { hi, lo } = d.mac as Ether;
    skbMakeWritable(skb);
    const { view } = skb.head;
    view.setUint16(skb.macHeader + ETH_DST, hi);
    view.setInt32(skb.macHeader + ETH_DST + 2, lo);
    if ((hi & 0x100) !== 0) {
      skb.pktType = hi === 0xffff && lo === -1 ? PACKET_BROADCAST : PACKET_MULTICAST;
      return d.verdict;
    }
    const indev = state.in;
    const dev = state.hooknum === NF_BR_BROUTING ? indev : state.hooknum === NF_IP_PRE_ROUTING ? (indev?.master ?? null) : null;
    if (dev !== null) skb.pktType = dev.macHi === hi && dev.macLo === lo ? PACKET_HOST : PACKET_OTHERHOST;
    return d.verdict;
  },
});
