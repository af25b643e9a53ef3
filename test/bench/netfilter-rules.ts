/** netfilter-rules.ts — rule sets that no packet of the benchmarks matches, as texts for iptables-restore. */
import { formatIpv4, type Random } from '@packetwalk/framework';

/** A table filter with `rules` in FORWARD. */
function filter(rules: readonly string[], chains: readonly string[] = []): string {
  return `*filter\n${chains.map((name) => `:${name} - [0:0]\n`).join('')}${rules.join('\n')}\nCOMMIT\n`;
}

/** `src host X, udp, dport N`: what a packet has to be held against one by one, or looked up. */
export function hostRules(count: number): string {
  const rules = Array.from(
    { length: count },
    (_, i) => `-A FORWARD -s ${formatIpv4(0xac100000 | i)} -p udp -m udp --dport ${5000 + i} -j DROP`,
  );
  return filter(rules);
}

/** One rule that asks for a state, so that connections are tracked. */
export function trackingRule(): string {
  return filter(['-A FORWARD -s 172.31.255.255 -m conntrack --ctstate INVALID -j DROP']);
}

/** Ports, ranges, networks, devices, negations, users' chains; states, when `states`. */
export function mixedRules(count: number, random: Random, states: boolean): string {
  const host = (): string => formatIpv4(0xac100000 | random.below(0x100000));
  const net = (): string => `${formatIpv4(0xac100000 | (random.below(0x1000) << 8))}/${24 + random.below(8)}`;
  const port = (): number => 5000 + random.below(60000);
  const chains = Array.from({ length: 8 }, (_, i) => `CHAIN${i}`);
  const kinds: (() => string)[] = [
    () => `-s ${host()} -p udp -m udp --dport ${port()} -j DROP`,
    () => `-s ${net()} -p tcp -m tcp --dport ${port()} -j DROP`,
    () => `-d ${net()} -j DROP`,
    () => `-p udp -m udp --dport ${5000 + random.below(1000)}:${6000 + random.below(1000)} -j DROP`,
    () => `-p udp -m multiport --dports ${port()},${port()},${5000 + random.below(100)}:${5200 + random.below(100)} -j DROP`,
    () => `-i ppp+ -s ${net()} -j DROP`,
    () => `-i eth${random.below(8)} -o wan -p udp -m udp --sport ${500 + random.below(500)} -j DROP`,
    () => `! -i lan -d ${host()} -j DROP`,
    () => `-s ${host()} ! -d ${net()} -j DROP`,
    () => `-s ${net()} ${states ? '-m conntrack --ctstate INVALID' : '-m length --length 1000:1200'} -j DROP`,
    () => `-p icmp -m icmp --icmp-type ${random.below(18)} -j DROP`,
    () => `-s ${net()} -j ${chains[random.below(chains.length)]}`,
  ];
  const rules = Array.from({ length: count }, (_, i) => {
    const chain = i % 5 === 4 ? chains[random.below(chains.length)] : 'FORWARD';
    const kind = chain === 'FORWARD' ? random.below(kinds.length) : random.below(kinds.length - 1);
    return `-A ${chain} ${kinds[kind]()}`;
  });
  return filter(rules, chains);
}
