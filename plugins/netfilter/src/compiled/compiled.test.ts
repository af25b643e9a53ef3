/** Compiled chains give every packet what the plain walk gives it, and count the same. */
import {
  consumeSkb,
  defineTarget,
  IP_DADDR,
  NF_IP_FORWARD,
  NF_IP_LOCAL_IN,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  SeededRandom,
  XT_CONTINUE,
  Xtables,
  type XtTarget,
} from '@packetwalk/framework';
import { describe, expect, it } from 'vitest';
import { NetfilterLab } from '../testing/netfilter-lab.ts';
import { RandomRules } from '../testing/random-rules.ts';

/** A third party's target that changes what compiled chains go by. */
const rewrite: XtTarget = defineTarget({
  name: 'REWRITE',
  options: {},
  rewrites: true,
  init: () => null,
  target(skb) {
    const at = skb.networkHeader + IP_DADDR + 3;
    skb.head.view.setUint8(at, skb.head.view.getUint8(at) ^ 3);
    return XT_CONTINUE;
  },
});

function lab(compile: boolean, rules: readonly string[]): NetfilterLab {
  const made = new NetfilterLab({ compile, seed: 7 });
  made.router.service(Xtables).targets.add('REWRITE', rewrite);
  for (const text of rules) made.need('iptables-restore', text);
  return made;
}

const HOOKS: readonly (readonly [number, string | null, string | null])[] = [
  [NF_IP_PRE_ROUTING, 'eth0', null],
  [NF_IP_PRE_ROUTING, 'wan0', null],
  [NF_IP_LOCAL_IN, 'eth1', null],
  [NF_IP_FORWARD, 'eth0', 'wan0'],
  [NF_IP_FORWARD, 'eth1', 'eth0'],
  [NF_IP_LOCAL_OUT, null, 'eth0'],
  [NF_IP_POST_ROUTING, 'eth0', 'wan0'],
];

/** What becomes of packets, in words that can be compared; and all counters at the end. */
function walkAll(made: NetfilterLab, packets: readonly (readonly [Uint8Array, number])[]): string[] {
  const results = packets.map(([packet, at]) => {
    const skb = made.pass(packet.slice(), ...HOOKS[at]);
    if (skb === null) return 'dropped';
    const text = `${skb.mark} ${skb.head.buf.slice(skb.data, skb.data + 20).join(' ')}`;
    consumeSkb(skb);
    return text;
  });
  const saved = made.need('iptables-save -c').replace(/^#.*$/gm, '');
  expect(made.softirq.pool.inUse).toBe(0);
  expect([...made.softirq.faults]).toEqual([]);
  return [...results, saved];
}

describe('compiled chains', () => {
  it.each(Array.from({ length: 60 }, (_, i) => i))('decide and count as the plain walk does (%i)', (seed) => {
    const random = new SeededRandom(seed);
    const rules = new RandomRules(random);
    const sizes = [3, 12, 40, 150, 400];
    const texts = [rules.table('filter', rules.pick(sizes)), rules.table('mangle', rules.pick(sizes))];
    const packets = Array.from({ length: 300 }, () => [rules.packet(), random.below(HOOKS.length)] as const);
    expect(walkAll(lab(true, texts), packets)).toEqual(walkAll(lab(false, texts), packets));
  });

  it('do so in more rules than fit a block, and after each change', () => {
    const random = new SeededRandom(99);
    const rules = new RandomRules(random);
    let text = '*filter\n';
    for (let i = 0; i < 2500; i++) text += `-A FORWARD ${rules.conditions('FORWARD', true)} -j MARK --xor-mark ${i}\n`;
    text += 'COMMIT\n';
    const compiled = lab(true, [text]);
    const plain = lab(false, [text]);
    for (let round = 0; round < 10; round++) {
      const packets = Array.from({ length: 30 }, () => [rules.packet(), 3] as const);
      expect(walkAll(compiled, packets)).toEqual(walkAll(plain, packets));
      const change = rules.pick([
        `iptables -D FORWARD ${1 + random.below(2000)}`,
        `iptables -I FORWARD ${1 + random.below(2000)} ${rules.conditions('FORWARD', true)} -j MARK --or-mark 1`,
        `iptables -A FORWARD -s 10.0.0.1 -j DROP`,
        `iptables -R FORWARD ${1 + random.below(2000)} -j RETURN`,
      ]);
      compiled.need(change);
      plain.need(change);
    }
  });

  it('know a device by its name of the moment', () => {
    let text = '*filter\n';
    for (let i = 0; i < 20; i++) text += `-A FORWARD -i other${i} -j DROP\n`;
    const made = lab(true, [`${text}-A FORWARD -i lan0 -j DROP\nCOMMIT\n`]);
    const packet = new RandomRules(new SeededRandom(1)).packet();
    expect(made.accepts(packet, NF_IP_FORWARD, 'eth0', 'eth1')).toBe(true);
    made.need('ip link set eth0 down');
    made.need('ip link set eth0 name lan0');
    expect(made.accepts(packet, NF_IP_FORWARD, 'lan0', 'eth1')).toBe(false);
  });
});
