import { ARP_SIP, ETH_HLEN, NeighTable, SeededRandom } from '@packetwalk/framework';
import { describeNeighTable, parsePacket } from '@packetwalk/framework/testing';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { NeighbourEntry } from './neighbour-entry.ts';
import { NeighbourHash } from './neighbour-hash.ts';
import { ArpLab, ip, NAMES } from './testing/arp-lab.ts';

let lab: ArpLab;
beforeEach(() => {
  lab = new ArpLab();
});

const request = parsePacket('eth a > broadcast / arp who-has p0 tell a', NAMES);
const requestView = new DataView(request.buffer, request.byteOffset);
/** Offset of the sender's address in a request. */
const SENDER = ETH_HLEN + ARP_SIP;

/** A request from each of `count` stations of 10.0.0.0/8, from number `first` on. */
function hearFrom(count: number, first = 0): void {
  for (let i = first; i < first + count; i++) {
    requestView.setInt32(SENDER, 0x0a000000 + i);
    lab.receiveBytes('p0', request);
  }
}

describeNeighTable(() => {
  const own = new ArpLab();
  return {
    table: own.router.service(NeighTable),
    devices: [own.dev('p0'), own.dev('p1')],
    sent: () => own.frames().map(({ dev, frame }) => ({ dev: own.dev(dev), frame })),
  };
});

describe('the hash', () => {
  test('finds what a map finds, under churn', () => {
    const dev = lab.dev('p0');
    const step = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 40 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer(), (steps, seed) => {
        const hash = new NeighbourHash(new SeededRandom(seed));
        const model = new Map<number, NeighbourEntry>();
        for (const [add, n] of steps) {
          // Addresses that differ in few bits, as those of one subnet do.
          const key = (0x0a000000 + n * 256) | 0;
          const known = model.get(key);
          expect(hash.find(key, dev)).toBe(known ?? null);
          if (add && known === undefined) {
            const neigh = { key, dev, hashNext: null } as NeighbourEntry;
            hash.insert(neigh);
            model.set(key, neigh);
          } else if (!add && known !== undefined) {
            hash.remove(known);
            model.delete(key);
          }
          expect(hash.size).toBe(model.size);
        }
        for (const [key, neigh] of model) expect(hash.find(key, dev)).toBe(neigh);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test('tells devices apart', () => {
    lab.send('10.9.9.9', 'p0');
    expect(lab.tbl.lookup(ip('10.9.9.9'), lab.dev('p1'))).toBeNull();
    lab.send('10.9.9.9', 'p1');
    expect(lab.tbl.size).toBe(2);
  });
});

describe('limits', () => {
  beforeEach(() =>
    lab.command('sysctl -w net.ipv4.neigh.default.gc_thresh1=4 net.ipv4.neigh.default.gc_thresh2=8 net.ipv4.neigh.default.gc_thresh3=16'),
  );

  test('the table takes gc_thresh3 entries and no more', () => {
    hearFrom(20);
    expect(lab.tbl.size).toBe(16);
    expect(lab.stats.table_fulls).toBe(4);
    expect(lab.router.service(NeighTable).resolve(ip('10.1.0.9'), lab.dev('p1'))).toBeNull();
  });

  test('a full table is said once in five seconds', () => {
    hearFrom(30);
    lab.advance(3000);
    hearFrom(10, 30);
    expect(lab.warnings).toEqual(['r: neighbour table overflow: 16 entries (net.ipv4.neigh.default.gc_thresh3)']);
    lab.advance(2001);
    // Old entries have made room for some: the rest is too much again.
    hearFrom(30, 40);
    expect(lab.warnings).toHaveLength(2);
  });

  test('who is not remembered is not answered', () => {
    hearFrom(16);
    lab.clear();
    hearFrom(1, 16);
    expect(lab.out()).toEqual([]);
    hearFrom(1, 0);
    expect(lab.out()).toHaveLength(1);
  });

  test('beyond gc_thresh3, entries older than five seconds make room, down to gc_thresh2', () => {
    hearFrom(16);
    lab.advance(5001);
    hearFrom(1, 100);
    expect(lab.tbl.size).toBe(9);
    expect(lab.stats.forced_gc_runs).toBe(1);
  });

  test('beyond gc_thresh2, old entries make room once in five seconds', () => {
    hearFrom(9);
    expect(lab.stats.forced_gc_runs).toBe(0);
    lab.advance(5001);
    hearFrom(1, 100);
    expect(lab.stats.forced_gc_runs).toBe(1);
    // One too many was there, so one was taken: the oldest.
    expect(lab.tbl.size).toBe(9);
    expect(lab.state('10.0.0.0', 'p0')).toBeNull();
    hearFrom(1, 101);
    expect(lab.stats.forced_gc_runs).toBe(1);
  });

  test('failed entries make room at any age, those being asked for never', () => {
    for (let i = 0; i < 16; i++) lab.send(`10.1.0.${i + 20}`, 'p1');
    lab.send('10.1.0.99', 'p1');
    expect(lab.state('10.1.0.99', 'p1')).toBeNull();
    lab.advance(3000);
    lab.send('10.1.0.99', 'p1');
    expect(lab.state('10.1.0.99', 'p1')).toBe('INCOMPLETE');
    expect(lab.inUse).toBe(1);
  });

  test('permanent entries do not count and stay', () => {
    for (let i = 0; i < 40; i++) expect(lab.command(`ip neigh add 10.0.1.${i} dev p0 lladdr 02:00:00:00:01:00`)).toBe('');
    expect(lab.tbl.gc.entries).toBe(0);
    hearFrom(16);
    expect(lab.tbl.size).toBe(56);
    lab.advance(200_000);
    expect([...lab.tbl.entries()].map(({ nudState }) => nudState)).toEqual(new Array(40).fill(0x80));
  });

  test('an entry made permanent no longer counts; made stale, it counts again', () => {
    hearFrom(1);
    expect(lab.tbl.gc.entries).toBe(1);
    lab.command('ip neigh change 10.0.0.0 dev p0 nud permanent');
    expect(lab.tbl.gc.entries).toBe(0);
    lab.command('ip neigh change 10.0.0.0 dev p0 nud stale');
    expect(lab.tbl.gc.entries).toBe(1);
  });

  test('below gc_thresh1 nothing is ever collected; above, what was not used for gc_stale_time', () => {
    hearFrom(3);
    lab.advance(300_000);
    expect(lab.tbl.size).toBe(3);
    hearFrom(1, 50);
    lab.advance(59_000);
    expect(lab.state('10.0.0.50', 'p0')).toBe('STALE');
    expect(lab.tbl.size).toBe(1);
    lab.command('ip neigh del 10.0.0.50 dev p0');
    lab.advance(20_000);
    expect(lab.softirq.timers.size).toBe(0);
  });
});

test('a managed entry is kept resolved without traffic', () => {
  lab.command('ip neigh add 10.1.0.2 dev p1 managed');
  expect(lab.out()).toEqual(['0 p1 eth p1 > broadcast / arp who-has 10.1.0.2 tell 10.1.0.1']);
  lab.receive('p1', 'eth b > p1 / arp reply b is-at b tell p1');
  lab.clear();
  lab.advance(60_000);
  expect(lab.out()[0]).toMatch(/eth p1 > b \/ arp who-has 10.1.0.2/);
});

test('a million spoofed stations and 250,000 unknown next hops find a table that stays small', () => {
  for (let i = 0; i < 1_000_000; i++) {
    hearFrom(1, i);
    if ((i & 3) === 0) lab.tbl.resolve(0x0c000000 + i, lab.dev('p1'));
    if ((i & 1023) === 0) {
      lab.advance(1);
      lab.clear();
    }
  }
  expect(lab.tbl.size).toBeLessThanOrEqual(1024);
  expect(lab.softirq.pool.bytes).toBeLessThan(64 * 2048);
  expect(lab.inUse).toBe(0);
}, 60_000);

test('a flood does not push out neighbours in use', () => {
  lab.send('10.1.0.2', 'p1');
  lab.receive('p1', 'eth b > p1 / arp reply b is-at b tell p1');
  for (let round = 0; round < 20; round++) {
    hearFrom(2000, round * 2000);
    lab.advance(600);
    lab.clear();
  }
  expect(lab.state('10.1.0.2', 'p1')).toBe('REACHABLE');
});
