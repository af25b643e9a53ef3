/** match/pkttype.ts — `--pkttype-type`: to whom the link layer says that a frame is (cf. Linux ebt_pkttype.c). */
import { defineEbtMatch, type EbtMatch, EbtProblem } from '@packetwalk/framework';
import { cNumber, shown } from '../numbers.ts';

/** By PACKET_*. */
const TYPES = ['host', 'broadcast', 'multicast', 'otherhost', 'outgoing', 'loopback', 'fastroute'];

export const pkttype: EbtMatch = defineEbtMatch<{ type: number; invert: boolean }>({
  name: 'pkttype',
  options: {
    'pkttype-type': {
      parse(d, text, invert) {
        const named = TYPES.indexOf(text.toLowerCase());
        const type = named < 0 ? cNumber(text, 0) : named;
        if (type === null || type > 255) throw new EbtProblem(`Could not parse class '${text}'`);
        d.type = type;
        d.invert = invert;
      },
    },
  },
  create: () => ({ type: 0, invert: false }),
  save: ({ type, invert }) => shown('pkttype-type', invert, TYPES[type] ?? String(type)),
  match: (skb, _par, { type, invert }) => (skb.pktType === type) !== invert,
});
