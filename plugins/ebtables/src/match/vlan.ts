/** match/vlan.ts — `--vlan-*`: the 802.1Q tag, in the frame or taken off it (cf. Linux ebt_vlan.c). */
import { defineEbtMatch, type EbtMatch, EbtProblem, ETH_P_8021Q, VLAN_HLEN, VLAN_PRIO_SHIFT, VLAN_VID_MASK } from '@packetwalk/framework';
import { etherTypeNumber } from '../ether-types.ts';
import { cNumber, shown, words } from '../numbers.ts';

interface Field {
  readonly value: number;
  readonly invert: boolean;
}

interface Vlan {
  id: Field | null;
  prio: Field | null;
  encap: Field | null;
}

const MAX_ID = 4094;
const MAX_PRIO = 7;
/** Shortest frame: a type below is none (ETH_ZLEN). */
const MIN_ENCAP = 60;

function ranged(key: 'id' | 'prio', max: number) {
  return {
    parse(d: Vlan, text: string, invert: boolean): void {
      const value = cNumber(text, 0);
      if (value === null || value > max) throw new EbtProblem(`Invalid --vlan-${key} range ('${text}')`);
      d[key] = { value, invert };
    },
  };
}

export const vlan: EbtMatch = defineEbtMatch<Vlan>({
  name: 'vlan',
  once: true,
  options: {
    'vlan-id': ranged('id', MAX_ID),
    'vlan-prio': ranged('prio', MAX_PRIO),
    'vlan-encap': {
      parse(d, text, invert) {
        const value = cNumber(text, 16) ?? etherTypeNumber(text);
        if (value === null) throw new EbtProblem(`Unknown --vlan-encap value ('${text}')`);
        if (value < MIN_ENCAP || value > 0xffff) throw new EbtProblem(`Invalid --vlan-encap range ('${text}')`);
        d.encap = { value, invert };
      },
    },
  },
  create: () => ({ id: null, prio: null, encap: null }),
  finish(d) {
    // Only frames without a VLAN, those of id 0, are asked for their priority besides.
    if (d.id !== null && d.id.value !== 0) d.prio = null;
  },
  check: (_d, { protocol, protocolInverted }) => protocol === ETH_P_8021Q && !protocolInverted,
  save: ({ id, prio, encap }) =>
    words(
      id === null ? '' : shown('vlan-id', id.invert, String(id.value)),
      prio === null ? '' : shown('vlan-prio', prio.invert, String(prio.value)),
      encap === null ? '' : shown('vlan-encap', encap.invert, encap.value.toString(16).toUpperCase().padStart(4, '0')),
    ),
  match(skb, _par, { id, prio, encap }) {
    const { view } = skb.head;
    const off = skb.vlanTci !== 0;
    if (!off && skb.len < VLAN_HLEN) return false;
    const tci = off ? skb.vlanTci & 0xffff : view.getUint16(skb.data);
    if (id !== null && ((tci & VLAN_VID_MASK) !== id.value) !== id.invert) return false;
    if (prio !== null && (tci >> VLAN_PRIO_SHIFT !== prio.value) !== prio.invert) return false;
    if (encap === null) return true;
    return ((off ? skb.protocol : view.getUint16(skb.data + 2)) !== encap.value) === encap.invert;
  },
});
