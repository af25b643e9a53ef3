/** target/classify.ts — `-j CLASSIFY`: sets the queueing class (cf. Linux net/netfilter/xt_CLASSIFY.c). */
import {
  defineTarget,
  NF_IP_FORWARD,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  XT_CONTINUE,
  XtProblem,
  type XtTarget,
  type XtValue,
} from '@packetwalk/framework';

/** `MAJOR:MINOR`, both in hexadecimal. */
const tcClass: XtValue<number> = (text) => {
  const m = /^([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(text);
  if (m === null) throw new XtProblem(`Bad class value "${text}"`);
  return (Number.parseInt(m[1], 16) << 16) | Number.parseInt(m[2], 16);
};

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');

function classText(priority: number, digits: number): string {
  return `${hex(priority >>> 16, digits)}:${hex(priority & 0xffff, digits)}`;
}

export const classify: XtTarget = defineTarget({
  name: 'CLASSIFY',
  hooks: (1 << NF_IP_LOCAL_OUT) | (1 << NF_IP_FORWARD) | (1 << NF_IP_POST_ROUTING),
  options: { 'set-class': { value: tcClass, mandatory: true } },
  init: (o) => ({ priority: o['set-class'].value }),
  save: ({ priority }) => `--set-class ${classText(priority, 4)}`,
  print: ({ priority }) => `CLASSIFY set ${classText(priority, 1)}`,
  target(skb, _par, { priority }) {
    skb.priority = priority;
    return XT_CONTINUE;
  },
});
