/** match/quota.ts — `-m quota`: until so many bytes have come (cf. Linux net/netfilter/xt_quota.c). */
import { defineMatch, type XtMatch, XtProblem, type XtValue } from '@packetwalk/framework';

const MAX = 18446744073709551615n;

const bytes: XtValue<bigint> = (text, at) => {
  const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? BigInt(text) : -1n;
  if (value < 0n || value > MAX)
    throw new XtProblem(`${at.extension}: bad value for option "--${at.option}", or out of range (0-${MAX}).\n`);
  return value;
};

export const quota: XtMatch = defineMatch({
  name: 'quota',
  options: { quota: { value: bytes, invert: true, mandatory: true } },
  init: ({ quota: { value, invert } }) => ({ quota: value, left: Number(value), invert }),
  save: ({ quota, invert }) => `${invert ? '! ' : ''}--quota ${quota}`,
  print: ({ quota }) => `quota: ${quota} bytes`,
  match(skb, _par, data) {
    const within = data.left >= skb.len;
    // What does not fit any more ends the quota: a smaller packet does not get through behind a larger one.
    data.left = within ? data.left - skb.len : 0;
    return within !== data.invert;
  },
});
