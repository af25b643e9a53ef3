/** match/pkttype.ts — `-m pkttype`: to whom the frame was sent (cf. Linux net/netfilter/xt_pkttype.c). */
import {
  defineMatch,
  IP_DADDR,
  ipv4IsMulticast,
  PACKET_BROADCAST,
  PACKET_HOST,
  PACKET_LOOPBACK,
  PACKET_MULTICAST,
  PACKET_OTHERHOST,
  PACKET_OUTGOING,
  type SkBuff,
  type XtMatch,
  XtProblem,
  type XtValue,
} from '@packetwalk/framework';

/** Of two names for one type the first is listed. */
const TYPES: readonly (readonly [string, number])[] = [
  ['unicast', PACKET_HOST],
  ['broadcast', PACKET_BROADCAST],
  ['multicast', PACKET_MULTICAST],
  ['otherhost', PACKET_OTHERHOST],
  ['outgoing', PACKET_OUTGOING],
  ['loopback', PACKET_LOOPBACK],
  ['bcast', PACKET_BROADCAST],
  ['mcast', PACKET_MULTICAST],
  ['host', PACKET_HOST],
];

const pktType: XtValue<number> = (text) => {
  const found = TYPES.find(([name]) => name.startsWith(text.toLowerCase()));
  if (found === undefined) throw new XtProblem(`Bad packet type '${text}'`);
  return found[1];
};

/** The type of a packet; one that is looped back has that of its address. */
function typeOf(skb: SkBuff): number {
  if (skb.pktType !== PACKET_LOOPBACK) return skb.pktType;
  return ipv4IsMulticast(skb.head.view.getInt32(skb.networkHeader + IP_DADDR)) ? PACKET_MULTICAST : PACKET_BROADCAST;
}

const nameOf = (type: number): string => TYPES.find(([, t]) => t === type)?.[0] ?? '';

export const pkttype: XtMatch = defineMatch({
  name: 'pkttype',
  pure: true,
  options: { 'pkt-type': { value: pktType, invert: true, mandatory: true } },
  init: ({ 'pkt-type': o }) => ({ type: o.value, invert: o.invert }),
  save: ({ type, invert }) => `${invert ? '! ' : ''}--pkt-type ${nameOf(type)}`,
  print: ({ type, invert }) => `PKTTYPE ${invert ? '!=' : '='} ${nameOf(type)}`,
  match: (skb, _par, { type, invert }) => (typeOf(skb) === type) !== invert,
});
