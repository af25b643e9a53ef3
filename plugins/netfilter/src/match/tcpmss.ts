/** match/tcpmss.ts — `-m tcpmss`: the maximum segment size that a SYN offers (RFC 9293 §3.7.1; cf. Linux net/netfilter/xt_tcpmss.c). */
import { defineMatch, IPPROTO_TCP, TCP_HLEN, TCPOPT_MSS, TCPOPT_NOP, tcpHdrLen, type XtMatch, xtUintRange } from '@packetwalk/framework';

const TCPOLEN_MSS = 4;

export const tcpmss: XtMatch = defineMatch({
  name: 'tcpmss',
  pure: true,
  protocol: IPPROTO_TCP,
  options: { mss: { value: xtUintRange(0xffff), invert: true, mandatory: true } },
  init: ({ mss: o }) => ({ min: o.value[0], max: o.value[1], invert: o.invert }),
  save: ({ min, max, invert }) => `${invert ? '! ' : ''}--mss ${min === max ? min : `${min}:${max}`}`,
  print: ({ min, max, invert }) => `tcpmss match ${invert ? '!' : ''}${min === max ? min : `${min}:${max}`}`,
  match(skb, par, { min, max, invert }) {
    const th = skb.networkHeader + par.thoff;
    const end = skb.data + skb.len;
    const { view } = skb.head;
    const length = th + TCP_HLEN > end ? 0 : tcpHdrLen(view, th);
    if (length < TCP_HLEN || th + length > end) {
      par.hotdrop = true;
      return false;
    }
    for (let i = th + TCP_HLEN; i < th + length; ) {
      const kind = view.getUint8(i);
      if (kind === TCPOPT_MSS && i + TCPOLEN_MSS <= th + length && view.getUint8(i + 1) === TCPOLEN_MSS) {
        const mss = view.getUint16(i + 2);
        return (mss >= min && mss <= max) !== invert;
      }
      if (kind <= TCPOPT_NOP || i + 1 >= th + length) i++;
      else i += Math.max(view.getUint8(i + 1), 1);
    }
    return invert;
  },
});
