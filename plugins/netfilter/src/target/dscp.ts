/** target/dscp.ts — `-j DSCP`: sets the differentiated services code point; ECN stays (RFC 2474; cf. Linux net/netfilter/xt_DSCP.c). */
import { defineTarget, IP_TOS, XT_CONTINUE, XtProblem, type XtTarget, xtUint } from '@packetwalk/framework';
import { dscpClass, dscpHex } from '../match/dscp-value.ts';
import { setIpByte } from './ip-field.ts';

export const dscp: XtTarget = defineTarget({
  name: 'DSCP',
  tables: ['mangle'],
  options: {
    'set-dscp': { value: xtUint(63), excludes: ['set-dscp-class'] },
    'set-dscp-class': { value: dscpClass, excludes: ['set-dscp'] },
  },
  init(o) {
    const given = o['set-dscp'] ?? o['set-dscp-class'];
    if (given === undefined) throw new XtProblem('DSCP target: Parameter --set-dscp is required');
    return { dscp: given.value };
  },
  save: ({ dscp }) => `--set-dscp ${dscpHex(dscp)}`,
  print: ({ dscp }) => `DSCP set ${dscpHex(dscp)}`,
  target(skb, _par, { dscp }) {
    setIpByte(skb, IP_TOS, (dscp << 2) | (skb.head.view.getUint8(skb.networkHeader + IP_TOS) & 3));
    return XT_CONTINUE;
  },
});
