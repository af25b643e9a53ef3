/** target/ttl.ts — `-j TTL`: sets the time to live, or moves it within 0 … 255 (cf. Linux net/netfilter/xt_HL.c). */
import { defineTarget, IP_TTL, XT_CONTINUE, XtProblem, type XtTarget, xtUint } from '@packetwalk/framework';
import { setIpByte } from './ip-field.ts';

type Action = 'set' | 'inc' | 'dec';

interface Ttl {
  readonly action: Action;
  readonly ttl: number;
}

const PRINT = { set: 'set to', inc: 'increment by', dec: 'decrement by' } as const;

export const ttl: XtTarget = defineTarget({
  name: 'TTL',
  tables: ['mangle'],
  options: {
    'ttl-set': { value: xtUint(255), excludes: ['ttl-inc', 'ttl-dec'] },
    'ttl-dec': { value: xtUint(255, 1), excludes: ['ttl-set', 'ttl-inc'] },
    'ttl-inc': { value: xtUint(255, 1), excludes: ['ttl-set', 'ttl-dec'] },
  },
  init(o): Ttl {
    for (const action of ['set', 'inc', 'dec'] as const) {
      const given = o[`ttl-${action}`];
      if (given !== undefined) return { action, ttl: given.value };
    }
    throw new XtProblem('TTL: You must specify an action');
  },
  save: ({ action, ttl }) => `--ttl-${action} ${ttl}`,
  print: ({ action, ttl }) => `TTL ${PRINT[action]} ${ttl}`,
  target(skb, _par, { action, ttl }) {
    const old = skb.head.view.getUint8(skb.networkHeader + IP_TTL);
    setIpByte(skb, IP_TTL, action === 'set' ? ttl : action === 'inc' ? Math.min(old + ttl, 255) : Math.max(old - ttl, 0));
    return XT_CONTINUE;
  },
});
