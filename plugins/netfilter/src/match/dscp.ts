/** match/dscp.ts — `-m dscp`: the differentiated services code point (RFC 2474; cf. Linux net/netfilter/xt_dscp.c). */
import { defineMatch, IP_TOS, type XtMatch, XtProblem, xtUint } from '@packetwalk/framework';
import { dscpClass, dscpHex } from './dscp-value.ts';

export const dscp: XtMatch = defineMatch({
  name: 'dscp',
  pure: true,
  options: {
    dscp: { value: xtUint(63), invert: true, excludes: ['dscp-class'] },
    'dscp-class': { value: dscpClass, invert: true, excludes: ['dscp'] },
  },
  init(o) {
    const given = o.dscp ?? o['dscp-class'];
    if (given === undefined) throw new XtProblem('DSCP match: Parameter --dscp is required');
    return { dscp: given.value, invert: given.invert };
  },
  save: ({ dscp, invert }) => `${invert ? '! ' : ''}--dscp ${dscpHex(dscp)}`,
  print: ({ dscp, invert }) => `DSCP match ${invert ? '!' : ''}${dscpHex(dscp)}`,
  match: (skb, _par, { dscp, invert }) => (skb.head.view.getUint8(skb.networkHeader + IP_TOS) >>> 2 === dscp) !== invert,
});
