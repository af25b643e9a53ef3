/** match/hash-key.ts — what hashlimit tells packets apart by (cf. Linux net/netfilter/xt_hashlimit.c). */
import { IP_DADDR, IP_PROTOCOL, IP_SADDR, type SkBuff, type XtParam, type XtValue } from '@packetwalk/framework';
import { wholeHeader } from './transport.ts';

/** Parts of a key. */
export const HASH_DIP = 1;
export const HASH_DPT = 2;
export const HASH_SIP = 4;
export const HASH_SPT = 8;

/** In the order in which they are listed. */
const NAMES: readonly (readonly [string, number])[] = [
  ['srcip', HASH_SIP],
  ['srcport', HASH_SPT],
  ['dstip', HASH_DIP],
  ['dstport', HASH_DPT],
];

/** Protocols whose header begins with the ports; the others have none to tell them apart. */
const WITH_PORTS = [6, 17, 132, 136, 33];

/** `srcip,dstport` */
export const hashMode: XtValue<number> = (text, at) => {
  let mode = 0;
  for (const word of text.split(',')) {
    const part = NAMES.find(([name]) => name === word);
    if (part === undefined) throw at.bad();
    mode |= part[1];
  }
  return mode;
};

export function hashModeText(mode: number, between: string): string {
  return NAMES.filter(([, part]) => (mode & part) !== 0)
    .map(([name]) => name)
    .join(between);
}

/** The key of a packet; null when it is to be dropped, since its ports cannot be read. */
export function hashKey(skb: SkBuff, par: XtParam, mode: number, srcmask: number, dstmask: number): string | null {
  const { view } = skb.head;
  const ip = skb.networkHeader;
  const src = (mode & HASH_SIP) === 0 ? 0 : view.getInt32(ip + IP_SADDR) & srcmask;
  const dst = (mode & HASH_DIP) === 0 ? 0 : view.getInt32(ip + IP_DADDR) & dstmask;
  if ((mode & (HASH_SPT | HASH_DPT)) === 0 || !WITH_PORTS.includes(view.getUint8(ip + IP_PROTOCOL))) return `${src} ${dst}`;
  const th = wholeHeader(skb, par, 4);
  if (th < 0) return par.hotdrop ? null : `${src} ${dst}`;
  const sport = (mode & HASH_SPT) === 0 ? 0 : view.getUint16(th);
  const dport = (mode & HASH_DPT) === 0 ? 0 : view.getUint16(th + 2);
  return `${src} ${dst} ${sport} ${dport}`;
}
