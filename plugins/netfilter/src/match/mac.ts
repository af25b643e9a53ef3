/** match/mac.ts — `-m mac`: the sender's Ethernet address (cf. Linux net/netfilter/xt_mac.c). */
import {
  ARPHRD_ETHER,
  defineMatch,
  ETH_HLEN,
  ETH_SRC,
  formatMac,
  macHi,
  macLo,
  NF_IP_FORWARD,
  NF_IP_LOCAL_IN,
  NF_IP_PRE_ROUTING,
  parseMac,
  type XtMatch,
  XtProblem,
  type XtValue,
} from '@packetwalk/framework';

export const macAddress: XtValue<Uint8Array> = (text) => {
  const address = text.includes('-') ? null : parseMac(text);
  if (address === null) throw new XtProblem('Invalid MAC address specified.');
  return address;
};

export const mac: XtMatch = defineMatch({
  name: 'mac',
  pure: true,
  hooks: (1 << NF_IP_PRE_ROUTING) | (1 << NF_IP_LOCAL_IN) | (1 << NF_IP_FORWARD),
  options: { 'mac-source': { value: macAddress, invert: true, mandatory: true } },
  init({ 'mac-source': { value, invert } }) {
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    return { text: formatMac(value), hi: macHi(view, 0), lo: macLo(view, 0), invert };
  },
  save: ({ text, invert }) => `${invert ? '! ' : ''}--mac-source ${text}`,
  print: ({ text, invert }) => `MAC ${invert ? '! ' : ''}${text}`,
  match(skb, _par, { hi, lo, invert }) {
    if (skb.dev.type !== ARPHRD_ETHER || skb.macHeader + ETH_HLEN > skb.data) return false;
    const { view } = skb.head;
    const source = skb.macHeader + ETH_SRC;
    return (macHi(view, source) === hi && macLo(view, source) === lo) !== invert;
  },
});
