/** target/tos.ts — `-j TOS`: sets the type-of-service byte (RFC 1349; cf. Linux net/netfilter/xt_DSCP.c). */
import { defineTarget, IP_TOS, XT_CONTINUE, type XtMasked, XtProblem, type XtTarget, xtUint } from '@packetwalk/framework';
import { tosHex, tosMask, tosName } from '../match/tos-value.ts';
import { setIpByte } from './ip-field.ts';

const ACTIONS = ['set-tos', 'and-tos', 'or-tos', 'xor-tos'];
const others = (own: string): string[] => ACTIONS.filter((name) => name !== own);
const byte = xtUint(255);
const hex = (n: number): string => `0x${n.toString(16).padStart(2, '0')}`;

export const tos: XtTarget = defineTarget({
  name: 'TOS',
  tables: ['mangle'],
  options: {
    'set-tos': { value: tosMask, excludes: others('set-tos') },
    'and-tos': { value: byte, excludes: others('and-tos') },
    'or-tos': { value: byte, excludes: others('or-tos') },
    'xor-tos': { value: byte, excludes: others('xor-tos') },
  },
  // New byte: (old & ~mask) ^ value.
  init(o): XtMasked {
    if (o['set-tos'] !== undefined) return o['set-tos'].value;
    if (o['and-tos'] !== undefined) return { value: 0, mask: ~o['and-tos'].value & 255 };
    if (o['or-tos'] !== undefined) return { value: o['or-tos'].value, mask: o['or-tos'].value };
    if (o['xor-tos'] !== undefined) return { value: o['xor-tos'].value, mask: 0 };
    throw new XtProblem('TOS: An action is required');
  },
  save: (data) => `--set-tos ${tosHex(data)}`,
  print(data, numeric) {
    const { value, mask } = data;
    if (numeric) return `TOS set ${tosHex(data)}`;
    const name = tosName(data);
    if (name !== null) return ` TOS set${name}`;
    if (value === 0) return `TOS and ${hex(~mask & 255)}`;
    if (value === mask) return `TOS or ${hex(value)}`;
    return mask === 0 ? `TOS xor ${hex(value)}` : `TOS set ${tosHex(data)}`;
  },
  target(skb, _par, { value, mask }) {
    const old = skb.head.view.getUint8(skb.networkHeader + IP_TOS);
    setIpByte(skb, IP_TOS, (old & ~mask) ^ value);
    return XT_CONTINUE;
  },
});
