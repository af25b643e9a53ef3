/**
 * Why Linux dropped its routing cache: packets to random destinations filled it, and everybody paid. Here they do not: the
 * cache stays within max_size, and packets of flows that are already there cost at most twice what they did.
 */
import { allocSkb, skbPutData } from '@packetwalk/framework';
import { parsePacket } from '@packetwalk/framework/testing';
import { describe, expect, it } from 'vitest';
import type { Ipv4Route } from './route.ts';
import type { RouteCache } from './route-cache.ts';
import { Ipv4Lab, NAMES } from './testing/ipv4-lab.ts';

const FLOWS = 64;
const ROUNDS = 400;
/** A machine that is busy with other things is asked again. */
const TRIES = 5;

class Flood {
  readonly lab = new Ipv4Lab({
    config: {
      routing_cache: true,
      routes: ['default via 10.1.0.9'],
      sysctl: { 'net.ipv4.ip_forward': 1, 'net.ipv4.route.max_size': 4096, 'net.ipv4.route.gc_thresh': 1024 },
    },
  });
  readonly cache: RouteCache = (this.lab.ipv4.routing as Ipv4Route).cache as RouteCache;
  private readonly established: Uint8Array[] = [];
  private readonly template = parsePacket('eth a > p0 / ip a > 1.0.0.0 id 1 ttl 64 csum 0x0 / udp 1 > 2 / "flood"', NAMES);

  constructor() {
    for (let i = 0; i < FLOWS; i++)
      this.established.push(parsePacket(`eth a > p0 / ip a > 10.1.0.${i + 20} id 1 / udp 1 > 2 / "flow"`, NAMES));
  }

  /** One packet of each flow; how long they took, in ms. */
  flows(): number {
    const began = performance.now();
    this.send(this.established);
    return performance.now() - began;
  }

  /** As many packets to addresses that nobody has seen. */
  strangers(): void {
    const { softirq } = this.lab;
    const frames = this.established.map(() => {
      const frame = this.template.slice();
      const view = new DataView(frame.buffer);
      // Any unicast address but 0/8 and 127/8; the header checksum follows.
      view.setUint32(30, 0x01000000 + softirq.random.below(0x7d000000));
      view.setUint16(24, 0);
      let sum = 0;
      for (let at = 14; at < 34; at += 2) sum += view.getUint16(at);
      view.setUint16(24, ~((sum & 0xffff) + (sum >>> 16) + ((sum & 0xffff) + (sum >>> 16) > 0xffff ? 1 : 0)) & 0xffff);
      return frame;
    });
    this.send(frames);
  }

  private send(frames: readonly Uint8Array[]): void {
    const { lab } = this;
    const dev = lab.dev('p0');
    for (const frame of frames) {
      const skb = allocSkb(lab.net, dev, frame.length);
      skbPutData(skb, frame);
      lab.softirq.netifRx(skb);
    }
    lab.softirq.runToCompletion();
    lab.left.length = 0;
  }
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

describe('a flood of random destinations', () => {
  it('leaves the cache within max_size, and established flows in it', () => {
    const flood = new Flood();
    for (let round = 0; round < ROUNDS; round++) {
      flood.flows();
      flood.strangers();
      flood.lab.advance(1);
      expect(flood.cache.size).toBeLessThanOrEqual(4096);
    }
    expect(flood.lab.counters('Ip').ForwDatagrams).toBe(2 * ROUNDS * FLOWS);
    // Each flow was looked up in the tables once; the strangers each time.
    const [hits, misses] = flood.cache.stats;
    expect(hits).toBe((ROUNDS - 1) * FLOWS);
    expect(misses).toBe((ROUNDS + 1) * FLOWS);
    expect(flood.lab.inUse).toBe(0);
  });

  it('slows established flows by less than 2×', () => {
    const ratios: number[] = [];
    for (let i = 0; i < TRIES && !ratios.some((r) => r < 2); i++) {
      const quiet = new Flood();
      const loud = new Flood();
      for (let round = 0; round < 100; round++) {
        quiet.flows();
        loud.flows();
        loud.strangers();
      }
      const alone: number[] = [];
      const flooded: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        alone.push(quiet.flows());
        loud.strangers();
        flooded.push(loud.flows());
      }
      ratios.push(median(flooded) / median(alone));
    }
    expect(Math.min(...ratios)).toBeLessThan(2);
  });
});
