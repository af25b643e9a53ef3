/**
 * forward.ts — what forwarding a packet costs, in memory: Ethernet in to Ethernet out through the whole router, against
 * the bare probe, in turn within one run.
 *
 *   npm run bench [-- --json] [--flows N] [--routes N] [--rounds N] [--packets N]
 *
 * The router makes every check, finds the route in a table of `routes`, counts, and copies the frame in as a driver
 * would; so does the probe with what it has. Bytes allocated per packet are those of the whole process.
 */
import { parseArgs } from 'node:util';
import arp from '@packetwalk/arp';
import fibHash from '@packetwalk/fib-hash';
import fibTrie from '@packetwalk/fib-trie';
import { SeededRandom } from '@packetwalk/framework';
import ipv4 from '@packetwalk/ipv4';
import { probeForward } from './forward-probe.ts';
import { ForwardRouter, LAN_MAC } from './forward-router.ts';
import { type Spread, spread, spreadText } from './median.ts';
import { makeFrames, makePrefixes } from './traffic.ts';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    flows: { type: 'string', default: '1000' },
    routes: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '9' },
    packets: { type: 'string', default: '1000000' },
    backend: { type: 'string', default: 'fib-trie' },
  },
});
const [flows, routes, rounds, packets] = [args.flows, args.routes, args.rounds, args.packets].map(Number);

const random = new SeededRandom(2007);
const prefixes = makePrefixes(random, routes);
const destinations = Array.from({ length: flows }, () => {
  const { prefix, length } = prefixes[random.below(prefixes.length)];
  return prefix | (random.int32() & ~(-1 << (32 - length)));
});
const frames = makeFrames(destinations, LAN_MAC);
const instance = (plugin: typeof ipv4): { id: string; plugin: typeof ipv4; options: object } => ({ id: plugin.name, plugin, options: {} });
const router = new ForwardRouter({ plugins: [ipv4, arp, args.backend === 'fib-hash' ? fibHash : fibTrie].map(instance), frames, prefixes });

/** Time and heap growth of one round, per packet. */
function measure(forward: (count: number) => number): { ns: number; bytes: number } {
  const heap = process.memoryUsage().heapUsed;
  const began = process.hrtime.bigint();
  const left = forward(packets);
  const ns = Number(process.hrtime.bigint() - began) / packets;
  const bytes = Math.max(0, process.memoryUsage().heapUsed - heap) / packets;
  if (left !== packets) throw new Error(`${packets - left} of ${packets} packets did not come out`);
  return { ns, bytes };
}

const contenders: Record<string, (count: number) => number> = {
  probe: (count) => probeForward(frames, count),
  router: (count) => router.forward(count),
};
const found: Record<string, { ns: number[]; bytes: number[] }> = {};
for (const forward of Object.values(contenders)) for (let i = 0; i < 3; i++) forward(packets);
for (let round = 0; round < rounds; round++) {
  for (const [name, forward] of Object.entries(contenders)) {
    const { ns, bytes } = measure(forward);
    found[name] ??= { ns: [], bytes: [] };
    found[name].ns.push(ns);
    found[name].bytes.push(bytes);
  }
}

const figures = Object.fromEntries(Object.entries(found).map(([name, f]) => [name, { ns: spread(f.ns), bytes: spread(f.bytes) }]));
const ratio: Spread = spread(found.router.ns.map((ns, i) => ns / found.probe.ns[i]));
if (args.json) {
  console.log(JSON.stringify({ flows, routes, rounds, packets, backend: args.backend, runtime: process.version, ...figures, ratio }));
} else {
  console.log(`forwarding in memory: ${flows} flows, ${routes} routes (${args.backend}), 64-byte UDP, ${rounds} rounds of ${packets}`);
  console.log(`${'path'.padEnd(10)}${'ns/packet: median (min–max)'.padStart(34)}${'bytes/packet'.padStart(16)}`);
  for (const [name, f] of Object.entries(figures)) {
    console.log(`${name.padEnd(10)}${spreadText(f.ns).padStart(34)}${f.bytes.median.toFixed(2).padStart(16)}`);
  }
  console.log(`router / probe: ${spreadText(ratio, 2)}`);
}
