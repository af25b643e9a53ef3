/** target/nfqueue.ts — `-j NFQUEUE`: a plugin decides, whenever it likes (NfHooks.queueHandler; cf. Linux net/netfilter/xt_NFQUEUE.c). */
import {
  defineTarget,
  IP_DADDR,
  IP_SADDR,
  NF_ACCEPT,
  NF_QUEUE,
  type SkBuff,
  XtProblem,
  type XtTarget,
  type XtValue,
  xtUint,
  xtUintRange,
} from '@packetwalk/framework';
import { words } from '../match/words.ts';

interface Nfqueue {
  readonly first: number;
  readonly count: number;
  /** Without anybody who decides, the packet passes. */
  readonly bypass: boolean;
  readonly fanout: boolean;
}

const range = xtUintRange(0xffff);

const balance: XtValue<readonly [number, number]> = (text, at) => {
  const [first, last] = range(text, at);
  if (first >= last) throw new XtProblem(`${first} should be less than ${last}`);
  return [first, last];
};

export const nfqueue: XtTarget = defineTarget({
  name: 'NFQUEUE',
  options: {
    'queue-num': { value: xtUint(0xffff), excludes: ['queue-balance'] },
    'queue-balance': { value: balance, excludes: ['queue-num'] },
    'queue-bypass': {},
    'queue-cpu-fanout': { also: ['queue-balance'] },
  },
  init(o): Nfqueue {
    const [first, last] = o['queue-balance']?.value ?? [o['queue-num']?.value ?? 0, o['queue-num']?.value ?? 0];
    return { first, count: last - first + 1, bypass: o['queue-bypass'] !== undefined, fanout: o['queue-cpu-fanout'] !== undefined };
  },
  save: ({ first, count, bypass, fanout }) =>
    words(
      count === 1 ? `--queue-num ${first}` : `--queue-balance ${first}:${first + count - 1}`,
      bypass ? '--queue-bypass' : '',
      fanout ? '--queue-cpu-fanout' : '',
    ),
  print: ({ first, count, bypass, fanout }) =>
    words(
      `NFQUEUE ${count === 1 ? `num ${first}` : `balance ${first}:${first + count - 1}`}`,
      bypass ? 'bypass' : '',
      fanout ? 'cpu-fanout' : '',
    ),
  target(skb, _par, { first, count, bypass, fanout }) {
    if (bypass && skb.net.nf.queueHandler === null) return NF_ACCEPT;
    // There is one processor here: with fan-out, its queue is the first.
    const queue = count === 1 || fanout ? first : first + (addressHash(skb) % count);
    return (queue << 16) | NF_QUEUE;
  },
});

/** The same for both directions of a conversation. */
function addressHash(skb: SkBuff): number {
  const { view } = skb.head;
  const both = view.getInt32(skb.networkHeader + IP_SADDR) ^ view.getInt32(skb.networkHeader + IP_DADDR);
  return Math.imul(both, 0x9e3779b1) >>> 0;
}
