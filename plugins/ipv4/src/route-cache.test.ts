import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ipv4Route } from './route.ts';
import { type RouteCache, RT_HASH_SIZE } from './route-cache.ts';
import { CachedRoute } from './rtable.ts';
import { Ipv4Lab } from './testing/ipv4-lab.ts';

const withCache = (): Ipv4Lab => new Ipv4Lab({ config: { routing_cache: true } });
const routeOf = (lab: Ipv4Lab): Ipv4Route => lab.ipv4.routing as Ipv4Route;
const cacheOf = (lab: Ipv4Lab): RouteCache => routeOf(lab).cache as RouteCache;

/** The lines of `route -Cn` without its heading, blanks made one. */
function cached(lab: Ipv4Lab): string[] {
  const lines = lab.command('route -Cn').split('\n').slice(2, -1);
  return lines.map((line) => line.replace(/ +/g, ' ').trim()).sort();
}

describe('the routing cache', () => {
  it('has an entry for each flow, and counts its uses', () => {
    const lab = withCache();
    lab.send('a > b id 1 / udp 1 > 2');
    lab.send('a > b id 2 / udp 1 > 2');
    lab.send('a > b id 3 / udp 3 > 4');
    lab.send('a > 203.0.113.5 id 4 / udp 1 > 2');
    lab.send('a > b tos 0x10 id 5 / udp 1 > 2');
    // source, destination, gateway, flags (i: the sender is on the link), metric, references, uses, device
    expect(cached(lab)).toEqual([
      '10.0.0.2 10.1.0.2 10.1.0.2 i 0 0 0 p1',
      '10.0.0.2 10.1.0.2 10.1.0.2 i 0 0 2 p1',
      '10.0.0.2 203.0.113.5 10.1.0.9 i 0 0 0 p1',
    ]);
    expect(lab.out()).toHaveLength(5);
    expect(lab.inUse).toBe(0);
  });

  it('is not there unless the config wants it', () => {
    const lab = new Ipv4Lab();
    lab.send('a > b id 1 / udp 1 > 2');
    expect(routeOf(lab).cache).toBeNull();
    expect(cached(lab)).toEqual([]);
    expect(lab.command('sysctl -n net.ipv4.route.max_size net.ipv4.route.gc_thresh')).toBe('2147483647\n-1\n');
  });

  it('marks what is for this router, broadcasts, and flows that another router should have got', () => {
    const lab = withCache();
    lab.command('ip route add 198.51.100.0/24 via 10.0.0.9');
    lab.send('a > p0 id 1 / udp 1 > 2');
    lab.send('a > 198.51.100.1 id 2 / udp 1 > 2');
    lab.receive('p0', 'eth a > broadcast / ip a > 10.0.0.255 id 3 / udp 1 > 2');
    expect(cached(lab).filter((line) => line.startsWith('10.0.0.2 '))).toEqual([
      '10.0.0.2 10.0.0.1 10.0.0.1 il 0 0 0 lo',
      '10.0.0.2 10.0.0.255 10.0.0.255 ibl 0 0 0 lo',
      '10.0.0.2 198.51.100.1 10.0.0.9 ri 0 0 0 p0',
    ]);
    // The second packet hits the entry, which says again that a redirect is due.
    lab.advance(1000);
    lab.out();
    lab.send('a > 198.51.100.1 id 4 / udp 1 > 2');
    expect(lab.out().filter((line) => line.includes('redirect'))).toHaveLength(1);
  });

  it('remembers that there is no way, and still counts it', () => {
    const lab = withCache();
    for (let id = 1; id <= 3; id++) lab.send(`a > 192.0.2.1 id ${id} / udp 1 > 2`);
    expect(lab.out().filter((line) => line.includes('net-unreachable'))).toHaveLength(3);
    expect(lab.counters('IpExt').InNoRoutes).toBe(3);
    expect(cacheOf(lab).stats[0]).toBe(2);
  });

  it.each([
    'ip route add 198.51.100.0/24 via 10.1.0.9',
    'ip rule add from 10.9.0.0/16 table 100',
    'ip addr add 10.2.0.1/24 dev p1',
    'ip link set p1 down',
    'sysctl -w net.ipv4.conf.p0.rp_filter=1',
    'sysctl -w net.ipv4.route.flush=1',
    'ip route flush cache',
  ])('is flushed by %s', (line) => {
    const lab = withCache();
    lab.send('a > b id 1 / udp 1 > 2');
    expect(cached(lab)).toHaveLength(1);
    lab.command(line);
    expect(cached(lab)).toEqual([]);
  });

  it('follows a table that changes', () => {
    const lab = withCache();
    lab.send('a > 203.0.113.5 id 1 / udp 1 > 2');
    lab.command('ip route replace 203.0.113.0/24 via 10.1.0.2');
    lab.send('a > 203.0.113.5 id 2 / udp 1 > 2');
    expect(lab.left.map(({ frame }) => [...frame.subarray(0, 6)].join('.'))).toEqual(['2.0.10.1.0.9', '2.0.10.1.0.2']);
  });

  it('shows in /proc as Linux 2.6 did', () => {
    const lab = withCache();
    lab.send('a > 203.0.113.5 tos 0x10 id 1 / udp 1 > 2');
    const [head, line, end] = lab.command('cat /proc/net/rt_cache').split('\n');
    expect([head.length, line.length, end]).toEqual([127, 127, '']);
    expect(head.split(/\s+/).slice(0, 4)).toEqual(['Iface', 'Destination', 'Gateway', 'Flags']);
    expect(line.trim().split(/\s+/)).toEqual('p1 057100CB 0900010A 4000000 0 0 0 0200000A 1500 0 0 10 1 1 0100000A'.split(' '));
    lab.send('a > 203.0.113.5 tos 0x10 id 2 / udp 1 > 2');
    const [, stat] = lab.command('cat /proc/net/stat/rt_cache').split('\n');
    expect(stat.split(/\s+/).slice(0, 3)).toEqual(['00000001', '00000001', '00000001']);
  });

  it('shows in ip route', () => {
    const lab = withCache();
    lab.send('a > 203.0.113.5 id 1 / udp 1 > 2');
    lab.send('a > 203.0.113.5 id 2 / udp 1 > 2');
    lab.advance(3500);
    expect(lab.command('ip route show cache')).toBe(
      '203.0.113.5 from 10.0.0.2 via 10.1.0.9 dev p1 src 10.0.0.1 \n    cache <src-direct> iif p0 \n',
    );
    expect(lab.command('ip -s route show cache')).toContain('cache <src-direct> used 1 age 3sec iif p0 \n');
    expect(lab.command('ip route show cache dev p0')).toBe('');
    expect(lab.command('ip route show table cache 203.0.113.0/24')).toBe('');
    expect(lab.command('ip route show cache root 203.0.113.0/24')).not.toBe('');
    expect(JSON.parse(lab.command('ip -j route show cache'))).toEqual([
      {
        dst: '203.0.113.5',
        from: '10.0.0.2',
        gateway: '10.1.0.9',
        dev: 'p1',
        prefsrc: '10.0.0.1',
        flags: [],
        cache: ['src-direct'],
        iif: 'p0',
      },
    ]);
  });

  it('is passed by when ports decide', () => {
    const lab = withCache();
    lab.command('ip route add default via 10.1.0.9 table 100');
    lab.command('ip rule add ipproto udp dport 53 table 100');
    lab.send('a > 8.8.8.8 id 1 / udp 1 > 53');
    lab.send('a > 8.8.8.8 id 2 / udp 1 > 54');
    expect(lab.out().map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual(['p1 ip', 'p0 ip']);
    expect(cached(lab)).toEqual([]);
  });

  it('gets a new entry from a redirect, and the table stays', () => {
    const lab = withCache();
    lab.command('sysctl -w net.ipv4.ip_forward=0');
    lab.command('sysctl -w net.ipv4.conf.p1.accept_redirects=1');
    const table = lab.command('ip route');
    lab.receive('p0', 'eth a > p0 / ip 203.0.113.5 > 10.0.0.1 id 1 / icmp echo id 1 seq 1');
    expect(lab.out()).toHaveLength(1);
    lab.receive(
      'p1',
      'eth gw > p1 / ip 10.1.0.9 > 10.1.0.1 id 2 / icmp redirect-host gw 10.1.0.2 / ip 10.0.0.1 > 203.0.113.5 id 1 / icmp echo-reply id 1 seq 1',
    );
    expect(lab.command('ip route show cache 203.0.113.5')).toContain('via 10.1.0.2 dev p1');
    expect(lab.command('ip route show cache 203.0.113.5')).toContain('cache <redirected> expires 300sec');
    expect(cached(lab).some((line) => line.startsWith('10.0.0.1 203.0.113.5 10.1.0.2 0 0 '))).toBe(true);
    expect(lab.command('ip route')).toBe(table);
  });
});

/** A cache by itself, with routes that lead nowhere. */
class Bench {
  readonly lab = withCache();
  readonly cache: RouteCache = cacheOf(this.lab);
  readonly gc = routeOf(this.lab).gc;
  private readonly template = routeOf(this.lab).make(
    this.lab.dev('p1'),
    () => 0,
    () => 0,
    1,
    0,
  );

  input(daddr: number, flags = 0): CachedRoute {
    const made = new CachedRoute(this.template, daddr, 1, 0, 2, 0, 0);
    made.rtFlags = flags;
    made.lastuse = this.lab.softirq.jiffies;
    return this.cache.intern(made);
  }

  has(daddr: number): boolean {
    for (const rt of this.cache.entries()) if (rt.daddr === daddr) return true;
    return false;
  }

  /** Entries for `count` destinations from `first` on. */
  fill(first: number, count: number): void {
    for (let i = 0; i < count; i++) this.input(first + i);
  }
}

const RTCF_REDIRECTED = 0x00040000;

describe('garbage collection', () => {
  it('never lets the cache grow past max_size, whatever comes', () => {
    const bench = new Bench();
    bench.gc.maxSize = 1000;
    bench.gc.gcThresh = 500;
    bench.fill(1000, 20_000);
    expect(bench.cache.size).toBeLessThanOrEqual(1000);
    expect([...bench.cache.entries()]).toHaveLength(bench.cache.size);
  });

  it('bounds chains by gc_elasticity', () => {
    const bench = new Bench();
    bench.gc.maxSize = 10_000_000;
    bench.gc.gcThresh = 10_000_000;
    bench.gc.gcElasticity = 3;
    bench.fill(0, 200_000);
    expect(bench.cache.size).toBeLessThanOrEqual(3 * RT_HASH_SIZE);
  });

  it('keeps entries that somebody holds, redirects, and those in use; others go first', () => {
    const bench = new Bench();
    bench.gc.maxSize = 1000;
    bench.gc.gcThresh = 100;
    const held = bench.input(1);
    held.refcnt = 1;
    bench.input(2, RTCF_REDIRECTED);
    bench.input(3);
    for (let second = 0; second < 40; second++) {
      bench.lab.advance(1000);
      for (let n = 0; n < 50; n++) {
        expect(bench.cache.findInput(3, 1, 0, 2, 0)).not.toBeNull();
        bench.fill(10_000 + second * 5000 + n * 100, 100);
      }
    }
    expect([bench.has(1), bench.has(2), bench.has(3), bench.has(10_000)]).toEqual([true, true, true, false]);
  });

  it('serves a flow without an entry when all entries are held', () => {
    const bench = new Bench();
    bench.gc.maxSize = 10;
    bench.gc.gcThresh = 5;
    for (let i = 0; i < 10; i++) bench.input(i).refcnt = 1;
    const served = bench.input(99);
    expect([served.daddr, bench.has(99), bench.cache.size]).toEqual([99, false, 10]);
  });

  it('lets idle entries go after gc_timeout, and the timer ends with them', () => {
    const bench = new Bench();
    bench.lab.sysctl('route.gc_timeout=10');
    bench.lab.sysctl('route.gc_interval=1');
    bench.fill(0, 100);
    bench.input(1000, RTCF_REDIRECTED).expires = bench.lab.softirq.jiffies + 60_000;
    bench.lab.advance(9000);
    expect(bench.cache.size).toBe(101);
    bench.lab.advance(12_000);
    expect(bench.cache.size).toBe(0);
    expect(bench.lab.softirq.timers.size).toBe(0);
  });

  it('finds what was put in, as a map does', () => {
    const flow = fc.record({ daddr: fc.integer({ min: 0, max: 20 }), again: fc.boolean(), step: fc.integer({ min: 0, max: 5000 }) });
    fc.assert(
      fc.property(fc.array(flow, { maxLength: 300 }), (flows) => {
        const bench = new Bench();
        const model = new Map<number, CachedRoute>();
        for (const { daddr, again, step } of flows) {
          bench.lab.advance(step);
          const found = bench.cache.findInput(daddr, 1, 0, 2, 0);
          // Nothing here is old or much enough to go.
          expect(found).toBe(model.get(daddr) ?? null);
          if (found === null || again) model.set(daddr, bench.input(daddr));
          expect(bench.cache.size).toBe(model.size);
        }
      }),
      { seed: 20, numRuns: 50 },
    );
  });
});
