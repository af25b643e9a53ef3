/** target/notrack.ts — `-j NOTRACK`: what `-j CT --notrack` was called first. */
import { defineTarget, type XtTarget } from '@packetwalk/framework';
import { setTemplate } from './ct.ts';

export const notrack: XtTarget = defineTarget({
  name: 'NOTRACK',
  tables: ['raw'],
  options: {},
  init: () => null,
  save: () => '',
  print: () => 'NOTRACK',
  target: (skb) => setTemplate(skb, null),
});
