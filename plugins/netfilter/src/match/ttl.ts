/** match/ttl.ts — `-m ttl`: the time to live (cf. Linux net/netfilter/xt_hl.c). */
import { defineMatch, IP_TTL, type XtMatch, XtProblem, xtUint } from '@packetwalk/framework';

const value = xtUint(255);

interface Ttl {
  readonly operator: '==' | '!=' | '<' | '>';
  readonly ttl: number;
}

const SAVE = { '==': '--ttl-eq', '!=': '! --ttl-eq', '<': '--ttl-lt', '>': '--ttl-gt' } as const;

export const ttl: XtMatch = defineMatch({
  name: 'ttl',
  pure: true,
  options: {
    ttl: { alias: 'ttl-eq' },
    'ttl-lt': { value, excludes: ['ttl-eq', 'ttl-gt'] },
    'ttl-gt': { value, excludes: ['ttl-eq', 'ttl-lt'] },
    'ttl-eq': { value, invert: true, excludes: ['ttl-lt', 'ttl-gt'] },
  },
  init(o): Ttl {
    const eq = o['ttl-eq'];
    if (eq !== undefined) return { operator: eq.invert ? '!=' : '==', ttl: eq.value };
    if (o['ttl-lt'] !== undefined) return { operator: '<', ttl: o['ttl-lt'].value };
    if (o['ttl-gt'] !== undefined) return { operator: '>', ttl: o['ttl-gt'].value };
    throw new XtProblem("TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt");
  },
  save: ({ operator, ttl }) => `${SAVE[operator]} ${ttl}`,
  print: ({ operator, ttl }) => `TTL match TTL ${operator} ${ttl}`,
  match(skb, _par, { operator, ttl }) {
    const actual = skb.head.view.getUint8(skb.networkHeader + IP_TTL);
    switch (operator) {
      case '==':
        return actual === ttl;
      case '!=':
        return actual !== ttl;
      case '<':
        return actual < ttl;
      case '>':
        return actual > ttl;
    }
  },
});
