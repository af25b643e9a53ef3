/**
 * netfilter.ts — what rules cost a packet that none of them matches, in memory: the whole router with rule sets, against
 * the same router without, in turn within one run.
 *
 *   npm run bench:netfilter [-- --json] [--flows N] [--rounds N] [--packets N]
 */
import { parseArgs } from 'node:util';
import arp from '@packetwalk/arp';
import fibTrie from '@packetwalk/fib-trie';
import { type Plugin, SeededRandom } from '@packetwalk/framework';
import ipv4 from '@packetwalk/ipv4';
import netfilter from '@packetwalk/netfilter';
import { ForwardRouter, LAN_MAC } from './forward-router.ts';
import { type Spread, spread, spreadText } from './median.ts';
import { measureConnections } from './netfilter-connections.ts';
import { hostRules, mixedRules, trackingRule } from './netfilter-rules.ts';
import { makeFrames, makePrefixes } from './traffic.ts';

const { values: args } = parseArgs({
  allowNegative: true,
  options: {
    json: { type: 'boolean', default: false },
    flows: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '9' },
    packets: { type: 'string', default: '500000' },
    plain: { type: 'boolean', default: false },
    rules: { type: 'boolean', default: true },
    connections: { type: 'boolean', default: true },
  },
});
const [flows, rounds, packets] = [args.flows, args.rounds, args.packets].map(Number);

const random = new SeededRandom(2007);
const prefixes = makePrefixes(random, 1000);

function frames(count: number): Uint8Array[] {
  const destinations = Array.from({ length: count }, () => prefixes[random.below(prefixes.length)].prefix | random.below(256));
  return makeFrames(destinations, LAN_MAC);
}

function router(rules: string, traffic: readonly Uint8Array[], compile = true): ForwardRouter {
  const plain = [ipv4, arp, fibTrie].map((plugin: Plugin) => ({ id: plugin.name, plugin, options: {} }));
  const options = { compile, logRate: 100 };
  return new ForwardRouter({
    plugins: [...plain, { id: 'netfilter', plugin: netfilter as Plugin, options }],
    frames: traffic,
    prefixes,
    iptables: rules,
  });
}

const steady = frames(flows);
/** So many that no packet is of a flow that any cache could know. */
const fresh = frames(65536);
const contenders: Record<string, ForwardRouter> = {
  'no rules': router('', steady),
  '1 rule': router(hostRules(1), steady),
  '100 hosts': router(hostRules(100), steady),
  '1000 hosts': router(hostRules(1000), steady),
  '100 mixed': router(mixedRules(100, new SeededRandom(1), false), steady),
  '1000 mixed': router(mixedRules(1000, new SeededRandom(2), false), steady),
  tracking: router(trackingRule(), steady),
  'tracking, 100 mixed with states': router(mixedRules(100, new SeededRandom(3), true), steady),
  'tracking, 1000 mixed with states': router(mixedRules(1000, new SeededRandom(4), true), steady),
  'no rules, new flows': router('', fresh),
  '100 hosts, new flows': router(hostRules(100), fresh),
  '1000 hosts, new flows': router(hostRules(1000), fresh),
};
if (args.plain) contenders['100 hosts, one by one'] = router(hostRules(100), steady, false);

const found: Record<string, number[]> = {};
if (!args.rules) for (const name of Object.keys(contenders)) delete contenders[name];
for (const r of Object.values(contenders)) for (let i = 0; i < 2; i++) r.forward(packets);
for (let round = 0; round < rounds; round++) {
  for (const [name, r] of Object.entries(contenders)) {
    // Processor time, not the clock's: what else the machine does is no packet's cost.
    const began = process.cpuUsage();
    const left = r.forward(packets);
    const { user, system } = process.cpuUsage(began);
    const times = found[name] ?? [];
    times.push(((user + system) * 1000) / packets);
    found[name] = times;
    if (left !== packets) throw new Error(`${name}: ${packets - left} of ${packets} packets did not come out`);
  }
}

const connections = args.connections ? measureConnections(rounds, packets) : {};
const figures = Object.fromEntries(
  Object.entries(found).map(([name, ns]) => {
    const base = found[name.endsWith('new flows') ? 'no rules, new flows' : name.startsWith('tracking') ? 'tracking' : 'no rules'];
    return [name, { ns: spread(ns), added: spread(ns.map((n, i) => n - base[i])) }];
  }),
);
if (args.json) {
  console.log(JSON.stringify({ flows, rounds, packets, runtime: process.version, ...figures, ...connections }));
} else {
  console.log(`rules that match nothing, in memory: ${flows} flows (new flows: 65536), 64-byte UDP, ${rounds} rounds of ${packets}`);
  console.log(`${'rules'.padEnd(34)}${'ns/packet: median (min–max)'.padStart(34)}${'added by the rules'.padStart(34)}`);
  for (const [name, f] of Object.entries(figures))
    console.log(`${name.padEnd(34)}${spreadText(f.ns).padStart(34)}${spreadText(f.added).padStart(34)}`);
}

if (!args.json)
  for (const [name, value] of Object.entries(connections)) {
    const text = typeof value === 'number' ? value.toFixed(1) : spreadText(value as Spread);
    console.log(`${name.padEnd(34)}${text.padStart(34)}`);
  }
