/** Walks as they are printed: whole, as JSON, changes only, counted by path; and who is followed by a tracer. */
import { describe, expect, it } from 'vitest';
import { parsePacket } from '../testing/packet-notation.ts';
import { type TraceRecord, Tracer } from '../trace.ts';
import { packetChanges } from './packet-change.ts';
import { type WalkFormat, WalkPrinter } from './walk-printer.ts';

const OLD = parsePacket('ip 10.0.0.1 > 10.0.0.2 ttl 64 / udp 1000 > 53');
const NEW = parsePacket('ip 192.0.2.1 > 10.0.0.2 ttl 63 / udp 5000 > 53');
const PLAIN: WalkFormat = { json: false, paths: false, changed: false };

function record(id: number, name: string, more: Partial<TraceRecord> = {}): TraceRecord {
  return { id, t: 0, router: 'r', dev: 'eth0', kind: 'stage', name, detail: '', position: '', packet: OLD, ...more };
}

const DROP: Partial<TraceRecord> = { kind: 'drop', detail: 'why' };

function printed(records: readonly TraceRecord[], format: Partial<WalkFormat>): string {
  let text = '';
  const printer = new WalkPrinter((s) => (text += s), { ...PLAIN, ...format });
  for (const r of records) printer.push(r);
  printer.finish();
  expect(printer.open).toBe(0);
  return text;
}

describe('a printed walk', () => {
  const walk = [record(1, 'ipRcv'), record(1, 'nfNatPacket', { packet: NEW, position: 'a.yaml:3' }), record(1, 'IP_CSUM', DROP)];

  it('shows every step', () => {
    expect(printed(walk, {})).toBe(
      [
        'walk 1',
        '  10.0.0.1 > 10.0.0.2 udp 1000 > 53, ttl 64, 28 bytes',
        '    r  eth0  ipRcv',
        '  192.0.2.1 > 10.0.0.2 udp 5000 > 53, ttl 63, 28 bytes',
        '    r  eth0  nfNatPacket  [a.yaml:3]',
        '  10.0.0.1 > 10.0.0.2 udp 1000 > 53, ttl 64, 28 bytes',
        '    r  eth0  IP_CSUM      DROP: why',
        '',
      ].join('\n'),
    );
  });

  it('shows what changed the packet, and the drop', () => {
    expect(printed(walk, { changed: true })).toBe(
      [
        'walk 1',
        '  10.0.0.1 > 10.0.0.2 udp 1000 > 53, ttl 64, 28 bytes',
        '    r  eth0  nfNatPacket  source 10.0.0.1 → 192.0.2.1, ttl 64 → 63, source port 1000 → 5000',
        '    r  eth0  IP_CSUM  DROP: why',
        '',
      ].join('\n'),
    );
  });

  it('is one JSON object a step', () => {
    const lines = printed(walk, { json: true }).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { id: 1, name: 'ipRcv', packet: Buffer.from(OLD).toString('hex') },
      { id: 1, name: 'nfNatPacket', position: 'a.yaml:3' },
      { id: 1, kind: 'drop', name: 'IP_CSUM' },
    ]);
    expect(JSON.parse(printed(walk, { json: true, changed: true }).split('\n')[0])).toMatchObject({
      name: 'nfNatPacket',
      changes: ['source 10.0.0.1 → 192.0.2.1', 'ttl 64 → 63', 'source port 1000 → 5000'],
    });
  });

  it('counts by path, the most frequent first', () => {
    const many = [record(1, 'ipRcv'), record(2, 'ipRcv'), record(3, 'ipRcv'), record(2, 'IP_CSUM', DROP), record(3, 'IP_CSUM', DROP)];
    expect(printed(many, { paths: true })).toBe('2 × r eth0: ipRcv → DROP IP_CSUM\n1 × r eth0: ipRcv\n');
    expect(printed(many, { paths: true, json: true }).split('\n')[0]).toBe('{"count":2,"path":["r eth0: ipRcv","DROP IP_CSUM"]}');
  });

  it('is printed soon when it has ended, and later when the packet may wait', () => {
    let text = '';
    const printer = new WalkPrinter((s) => (text += s), PLAIN);
    printer.push(record(1, 'IP_CSUM', DROP));
    printer.push(record(2, 'arpSolicit'));
    printer.settle(99);
    expect(text).toBe('');
    printer.settle(100);
    expect(text).toMatch(/^walk 1\n/);
    expect(printer.open).toBe(1);
    printer.settle(4000);
    expect(text).toMatch(/\nwalk 2\n/);
  });
});

describe('packetChanges', () => {
  it('says so when only other bytes differ', () => {
    const other = OLD.slice();
    other[5] ^= 1;
    expect(packetChanges(OLD, other)).toEqual(['bytes']);
    expect(packetChanges(OLD, OLD.slice())).toEqual([]);
    expect(packetChanges(null, OLD)).toEqual([]);
  });
});

describe('Tracer.watch', () => {
  it('sets a filter while somebody watches, and gives each the packets it chose', () => {
    const tracer = new Tracer();
    const skb = (mark: number): never => ({ mark, trace: 0 }) as never;
    const odd: number[] = [];
    const all: number[] = [];
    expect(tracer.filter).toBeNull();
    const stopOdd = tracer.watch(
      (s) => s.mark % 2 === 1,
      (r) => odd.push(r.id),
    );
    const stopAll = tracer.watch(
      () => true,
      (r) => all.push(r.id),
    );
    for (const mark of [1, 2, 3]) {
      expect(tracer.filter?.(skb(mark))).toBe(true);
      const trace = tracer.id();
      const net = { softirq: { jiffies: 0 }, name: 'r' };
      tracer.stage({ trace, net, dev: { name: 'd' }, head: { buf: OLD }, networkHeader: 0, data: 0, len: OLD.length } as never, 'here');
    }
    expect([odd, all]).toEqual([
      [1, 3],
      [1, 2, 3],
    ]);
    stopAll();
    expect(tracer.filter?.(skb(2))).toBe(false);
    stopOdd();
    expect(tracer.filter).toBeNull();
  });
});
