/**
 * Floods: spoofed senders, requests by ARP for and from addresses without number, fragments that never become whole.
 * Every table keeps to its limit, no packet is held when they are over, and memory stays where it was.
 */
import arp from '@packetwalk/arp';
import fibTrie from '@packetwalk/fib-trie';
import {
  allocSkb,
  BufferIo,
  consumeSkb,
  definePlugin,
  NeighTable,
  Router,
  SeededRandom,
  Softirq,
  silentLog,
  splitWords,
  Tracer,
  VirtualClock,
} from '@packetwalk/framework';
import { parsePacket } from '@packetwalk/framework/testing';
import ipv4 from '@packetwalk/ipv4';
import { describe, expect, it } from 'vitest';

/** FLOOD_PACKETS says how many; `npm run fuzz` sends a million of each. */
const PACKETS = Number(process.env.FLOOD_PACKETS ?? 200_000);
/** What the heap may grow by, in bytes: the tables at their limits, and what the collector has not yet looked at. */
const GROWTH = 96 * 1024 * 1024;

const ports = definePlugin({
  name: 'flood-port',
  setup(ctx) {
    const ops = {
      startXmit(skb: Parameters<typeof consumeSkb>[0]): number {
        consumeSkb(skb);
        return 0;
      },
    };
    ctx.driver({ name: 'flood-port', create: () => ({ ops }) });
  },
});

class Flooded {
  readonly softirq = new Softirq(new VirtualClock(), new SeededRandom(1), silentLog);
  readonly router: Router;

  constructor(cache: boolean) {
    this.router = new Router({
      name: 'r',
      softirq: this.softirq,
      tracer: new Tracer(),
      log: silentLog,
      baseDir: '',
      plugins: [ipv4, arp, fibTrie, ports].map((plugin) => ({ id: plugin.name, plugin, options: {} })),
      config: {
        devices: {
          p0: { driver: 'flood-port', mac: '02:00:00:00:00:10', addresses: ['10.0.0.1/8'] },
          p1: { driver: 'flood-port', mac: '02:00:00:00:00:11', addresses: ['172.16.0.1/12'] },
        },
        routing_cache: cache,
        sysctl: { 'net.ipv4.ip_forward': 1 },
        routes: ['default via 172.16.0.9'],
      },
    });
    void this.router.commands.run(splitWords('ip neigh add 172.16.0.9 lladdr 02:00:00:00:0b:09 dev p1'), new BufferIo());
  }

  get state(): {
    frags: { mem: number; size: number };
    ipfragHighThresh: number;
    peers: { size: number };
    routing: { cache: { size: number } | null };
  } {
    return this.router.net.ipv4 as never;
  }

  get neighbours(): number {
    return [...this.router.service(NeighTable).entries()].length;
  }

  /** Sends packets, each changed by `change`; returns by how many bytes the heap has grown. */
  flood(packet: string, change: (view: DataView, n: number) => void): number {
    const { softirq, router } = this;
    const frame = parsePacket(`eth 02:00:00:00:0a:02 > ${packet}`);
    const view = new DataView(frame.buffer);
    const dev = router.net.needDevice('p0');
    const before = process.memoryUsage();
    for (let n = 0; n < PACKETS; n++) {
      change(view, n);
      const skb = allocSkb(router.net, dev, frame.length);
      skb.head.buf.set(frame, skb.data);
      skb.len = frame.length;
      softirq.netifRx(skb);
      softirq.runToCompletion();
      if (n % 512 === 0) softirq.advanceTo(softirq.clock.now() + 1);
    }
    const after = process.memoryUsage();
    return after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  }

  /** All that waits gives up in time. */
  end(): void {
    this.softirq.advanceTo(this.softirq.clock.now() + 120_000);
    expect(this.softirq.pool.inUse).toBe(0);
    expect(this.softirq.faults.size).toBe(0);
  }
}

/** Sets an address of the IP header, and its checksum. */
function setAddress(view: DataView, at: number, address: number): void {
  view.setUint32(at, address);
  view.setUint16(24, 0);
  let sum = 0;
  for (let o = 14; o < 34; o += 2) sum += view.getUint16(o);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(24, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
}

const SOURCE = 26;
const spoofed = (n: number): number => 0x0b000000 + (((n * 2_654_435_761) >>> 0) % 0x50000000);

describe.each([false, true])('with the routing cache %s', (cache) => {
  it('spoofed senders, forwarded', () => {
    const flooded = new Flooded(cache);
    const grown = flooded.flood('02:00:00:00:00:10 / ip 11.0.0.1 > 198.51.100.1 / udp 1 > 2 / "x"', (view, n) =>
      setAddress(view, SOURCE, spoofed(n)),
    );
    if (cache) expect(flooded.state.routing.cache?.size).toBeLessThanOrEqual(262_144);
    expect(grown).toBeLessThan(cache ? 3 * GROWTH : GROWTH);
    flooded.end();
  }, 120_000);
});

it('spoofed senders, answered with errors', () => {
  const flooded = new Flooded(false);
  const grown = flooded.flood('02:00:00:00:00:10 / ip 11.0.0.1 > 198.51.100.1 ttl 1 / udp 1 > 2 / "x"', (view, n) =>
    setAddress(view, SOURCE, spoofed(n)),
  );
  expect(flooded.state.peers.size).toBeLessThanOrEqual(65_664);
  expect(grown).toBeLessThan(GROWTH);
  flooded.end();
}, 120_000);

it('requests by ARP from senders that do not exist', () => {
  const flooded = new Flooded(false);
  const grown = flooded.flood('broadcast / arp who-has 10.0.0.1 tell 10.0.0.2', (view, n) =>
    view.setUint32(28, 0x0a000002 + (n % 0xfffff0)),
  );
  expect(flooded.neighbours).toBeLessThanOrEqual(1024 + 1);
  expect(grown).toBeLessThan(GROWTH);
  flooded.end();
}, 120_000);

it('packets to hosts on the link that do not answer', () => {
  const flooded = new Flooded(false);
  const grown = flooded.flood('02:00:00:00:00:10 / ip 10.0.0.2 > 172.16.0.2 / udp 1 > 2 / "x"', (view, n) =>
    setAddress(view, 30, 0xac100002 + (n % 0xffff0)),
  );
  expect(flooded.neighbours).toBeLessThanOrEqual(1024 + 1);
  expect(grown).toBeLessThan(GROWTH);
  flooded.end();
}, 120_000);

it('first fragments', () => {
  const flooded = new Flooded(false);
  const grown = flooded.flood('02:00:00:00:00:10 / ip 11.0.0.1 > 10.0.0.1 id 1 mf proto udp / "f"*512', (view, n) =>
    setAddress(view, SOURCE, spoofed(n)),
  );
  expect(flooded.state.frags.mem).toBeLessThan(flooded.state.ipfragHighThresh + 8192);
  expect(grown).toBeLessThan(GROWTH);
  flooded.end();
  expect(flooded.state.frags).toMatchObject({ mem: 0, size: 0 });
}, 120_000);
