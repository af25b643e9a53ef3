/** target/redirect.ts — `-j redirect`: the frame is for the bridge itself, or in broute for the port (cf. Linux ebt_redirect.c). */
import { defineEbtTarget, EBT_ACCEPT, type EbtTarget, ETH_DST, NF_BR_BROUTING, PACKET_HOST, skbMakeWritable } from '@packetwalk/framework';
import { verdictName, verdictOption } from '../standard-target.ts';
import { NAT_PREROUTING, natPlace } from './nat.ts';

export const redirect: EbtTarget = defineEbtTarget<{ verdict: number }>({
  name: 'redirect',
  options: { 'redirect-target': verdictOption('redirect-target') },
  create: () => ({ verdict: EBT_ACCEPT }),
  check: (_d, place) => natPlace(place, NAT_PREROUTING, true),
  save: ({ verdict }) => (verdict === EBT_ACCEPT ? '' : `--redirect-target ${verdictName(verdict)}`),
  target(skb, { state }, { verdict }) {
    const dev = state.hooknum === NF_BR_BROUTING ? state.in : (state.in?.master ?? null);
    if (dev === null) return verdict;
    skbMakeWritable(skb);
    const { view } = skb.head;
    view.setUint16(skb.macHeader + ETH_DST, dev.macHi);
    view.setInt32(skb.macHeader + ETH_DST + 2, dev.macLo);
    skb.pktType = PACKET_HOST;
    return verdict;
  },
});
