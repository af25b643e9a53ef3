/** target/checksum.ts — `-j CHECKSUM`: fills in a checksum that was left to a device (cf. Linux net/netfilter/xt_CHECKSUM.c). */
import { CHECKSUM_PARTIAL, defineTarget, skbChecksumHelp, XT_CONTINUE, type XtTarget } from '@packetwalk/framework';

export const checksum: XtTarget = defineTarget({
  name: 'CHECKSUM',
  tables: ['mangle'],
  options: { 'checksum-fill': { mandatory: true } },
  init: () => null,
  save: () => '--checksum-fill',
  print: () => 'CHECKSUM fill',
  target(skb) {
    if (skb.ipSummed === CHECKSUM_PARTIAL && skb.gsoSize === 0) skbChecksumHelp(skb);
    return XT_CONTINUE;
  },
});
