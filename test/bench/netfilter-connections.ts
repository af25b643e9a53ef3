/**
 * netfilter-connections.ts — what connections cost, in memory: packets of established flows through SNAT, new flows, a million
 * of them, and what is allocated for a packet.
 */
import arp from '@packetwalk/arp';
import fibTrie from '@packetwalk/fib-trie';
import { type Plugin, SeededRandom } from '@packetwalk/framework';
import ipv4 from '@packetwalk/ipv4';
import netfilter from '@packetwalk/netfilter';
import { ForwardRouter, LAN_MAC } from './forward-router.ts';
import { type Spread, spread } from './median.ts';
import { trackingRule } from './netfilter-rules.ts';
import { makeFrames, makePrefixes } from './traffic.ts';

export interface ConnectionFigures {
  /** ns a packet, all in all. */
  readonly 'established flows, no netfilter': Spread;
  readonly 'established flows, tracked': Spread;
  readonly 'established flows, SNAT': Spread;
  /** New connections a second, in thousands. */
  readonly 'new flows a second, tracked': Spread;
  readonly 'new flows a second, SNAT': Spread;
  /** MB of the process that a million tracked connections add, and those behind SNAT. */
  readonly 'a million connections, MB': number;
  readonly 'a million connections, SNAT, MB': number;
  /** Bytes of garbage that a packet of an established flow leaves. */
  readonly 'bytes allocated a packet': number;
}

const FLOWS = 1000;
const BATCH = 65536;
/** Batches that make a million connections, nearly. */
const BATCHES = 16;
const SNAT = '*nat\n-A POSTROUTING -o wan -j SNAT --to-source 10.1.0.1\nCOMMIT\n';
const UDP_SPORT = 14 + 20;

const random = new SeededRandom(7);
const prefixes = makePrefixes(random, 1000);

function frames(count: number): Uint8Array[] {
  return makeFrames(
    Array.from({ length: count }, () => prefixes[random.below(prefixes.length)].prefix | random.below(256)),
    LAN_MAC,
  );
}

function router(rules: string | null, traffic: readonly Uint8Array[]): ForwardRouter {
  const plugins = [ipv4, arp, fibTrie, ...(rules === null ? [] : [netfilter])].map((plugin) => ({
    id: plugin.name,
    plugin: plugin as Plugin,
    options: plugin.name === 'netfilter' ? { compile: true, logRate: 100 } : {},
  }));
  // A million connections are more than the kernel's own limit.
  const commands = rules === null ? [] : ['sysctl -w net.netfilter.nf_conntrack_max=2000000'];
  return new ForwardRouter({ plugins, frames: traffic, prefixes, ...(rules === null ? {} : { iptables: rules }), commands });
}

function cpuNs(work: () => void): number {
  const began = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(began);
  return (user + system) * 1000;
}

/** Answers of the far end, so that the flows are established: each frame turned round, as the rules have left it. */
function answer(r: ForwardRouter, traffic: readonly Uint8Array[], snat: boolean): void {
  for (const frame of traffic) {
    const reply = frame.slice();
    const view = new DataView(reply.buffer);
    reply.set([2, 0, 0, 0, 0, 0x11], 0);
    view.setInt32(14 + 12, view.getInt32(14 + 16));
    const source = new DataView(frame.buffer).getInt32(14 + 12);
    view.setInt32(14 + 16, snat ? 0x0a010001 : source);
    const ports = view.getUint32(UDP_SPORT);
    view.setUint32(UDP_SPORT, ((ports << 16) | (ports >>> 16)) >>> 0);
    view.setUint16(14 + 10, 0);
    let sum = 0;
    for (let at = 14; at < 34; at += 2) sum += view.getUint16(at);
    sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(14 + 10, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
    r.receive('wan', reply);
  }
}

export function measureConnections(rounds: number, packets: number): ConnectionFigures {
  const steady = frames(FLOWS);
  const contenders = {
    plain: router(null, steady),
    tracked: router(trackingRule(), steady),
    snat: router(SNAT, steady),
  };
  for (const r of Object.values(contenders)) r.forward(FLOWS);
  answer(contenders.tracked, steady, false);
  answer(contenders.snat, steady, true);
  for (const r of Object.values(contenders)) for (let i = 0; i < 2; i++) r.forward(packets);
  const ns: Record<string, number[]> = { plain: [], tracked: [], snat: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, r] of Object.entries(contenders)) ns[name].push(cpuNs(() => r.forward(packets)) / packets);
  }
  const allocated = garbage(contenders.snat);
  const tracked = fresh(trackingRule());
  const snat = fresh(SNAT);
  return {
    'established flows, no netfilter': spread(ns.plain),
    'established flows, tracked': spread(ns.tracked),
    'established flows, SNAT': spread(ns.snat),
    'new flows a second, tracked': tracked.rate,
    'new flows a second, SNAT': snat.rate,
    'a million connections, MB': tracked.memory,
    'a million connections, SNAT, MB': snat.memory,
    'bytes allocated a packet': allocated,
  };
}

/** Bytes that the heap grows by for a packet: the least of several runs, since collections take some away and others leave some. */
function garbage(r: ForwardRouter): number {
  const packets = 100_000;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 20; i++) {
    const before = process.memoryUsage().heapUsed;
    r.forward(packets);
    const grown = process.memoryUsage().heapUsed - before;
    if (grown >= 0) least = Math.min(least, grown / packets);
  }
  return least;
}

/** A router that a million flows come to, each once: how many a second, and the memory that they take. */
function fresh(rules: string): { rate: Spread; memory: number } {
  const traffic = frames(BATCH);
  const rates: number[] = [];
  let memory = 0;
  // The first million warms up and shows the memory; the second is timed, and begins in as small a table.
  for (const measured of [false, true]) {
    const r = router(rules, traffic);
    // Hook points keep what the last packet went by: this one's takes the place of the router before.
    r.forward(1);
    const before = resident();
    for (let batch = 0; batch < BATCHES; batch++) {
      for (const frame of traffic) new DataView(frame.buffer).setUint16(UDP_SPORT, 1024 + batch);
      const spent = cpuNs(() => r.forward(BATCH));
      if (measured) rates.push(BATCH / (spent / 1e9) / 1000);
    }
    if (!measured) memory = (((resident() - before) / (BATCH * BATCHES)) * 1e6) / 2 ** 20;
    r.router.dispose();
  }
  return { rate: spread(rates), memory };
}

/** Bytes that the process has in memory, once what nobody needs is gone. */
function resident(): number {
  // Memory of typed arrays is given back with the collection after the one that finds them.
  for (let i = 0; i < 3; i++) (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
