import { allocSkb, skbPutData } from '@packetwalk/framework';
import { beforeEach, describe, expect, test } from 'vitest';
import { icmpSend } from './icmp-send.ts';
import { Ipv4Lab } from './testing/ipv4-lab.ts';

let lab: Ipv4Lab;
beforeEach(() => {
  lab = new Ipv4Lab();
});

const TIMED_OUT = (id: number): string => `10.0.0.2 > 10.1.0.2 ttl 1 id ${id} / udp 1 > 2`;
const count = (): number => lab.packets().length;

describe('no error is sent about', () => {
  test.each([
    ['a later fragment', 'eth a > p0 / ip 10.0.0.2 > 10.1.0.2 ttl 1 frag 80 proto 17 / "x"*20'],
    ['an ICMP error', 'eth a > p0 / ip 10.0.0.2 > 10.1.0.2 ttl 1 / icmp port-unreachable / ip 10.1.0.2 > 10.0.0.2 / udp 1 > 2'],
    ['an ICMP message of unknown type', 'eth a > p0 / ip 10.0.0.2 > 10.1.0.2 ttl 1 proto 1 / 0x6300000000000000'],
    ['an ICMP message of an unassigned type', 'eth a > p0 / ip 10.0.0.2 > 10.1.0.2 ttl 1 proto 1 / 0x0200000000000000'],
    ['an ICMP packet without a message', 'eth a > p0 / ip 10.0.0.2 > 10.1.0.2 ttl 1 proto 1 / ""'],
    ['a link-layer broadcast', 'eth a > broadcast / ip 10.0.0.2 > 10.0.0.1 / udp 1 > 2'],
    ['a broadcast', 'eth a > p0 / ip 10.0.0.2 > 10.0.0.255 / udp 1 > 2'],
    ['a multicast', 'eth a > p0 / ip 10.0.0.2 > 224.0.0.1 / udp 1 > 2'],
    ['a packet from nobody', 'eth a > p0 / ip 0.0.0.0 > 10.0.0.1 / udp 1 > 2'],
  ])('%s', (_, packet) => {
    lab.receive('p0', packet);
    expect(lab.out()).toEqual([]);
    expect(lab.counters('Icmp').OutMsgs).toBeUndefined();
    expect(lab.inUse).toBe(0);
  });

  test('a packet that has no route', () => {
    const skb = allocSkb(lab.net, lab.dev('p0'), 64);
    skbPutData(skb, new Uint8Array(28).fill(0x45));
    icmpSend(skb, 3, 1, 0);
    lab.net.pool.give(skb);
    expect(lab.out()).toEqual([]);
  });
});

describe('an error is sent about', () => {
  test.each([
    ['the first fragment', '10.0.0.2 > 10.1.0.2 ttl 1 mf / udp 1 > 2 len 100'],
    ['an echo request', '10.0.0.2 > 10.1.0.2 ttl 1 / icmp echo id 1 seq 1'],
    ['an echo reply', '10.0.0.2 > 10.1.0.2 ttl 1 / icmp echo-reply id 1 seq 1'],
  ])('%s', (_, packet) => {
    lab.send(packet);
    expect(lab.out()).toEqual([expect.stringContaining('icmp ttl-exceeded')]);
  });
});

describe('the error', () => {
  test('quotes as much as makes 576 bytes', () => {
    for (const length of [0, 519, 520, 521, 1400]) lab.send(`10.0.0.2 > 10.1.0.2 ttl 1 / udp 1 > 2 / "q"*${length}`);
    expect(lab.packets().map((p) => p.length)).toEqual([56, 575, 576, 576, 576]);
  });

  test('keeps the TOS bits and has the precedence of network control', () => {
    for (const tos of [0, 0x10, 0xff]) lab.send(`10.0.0.2 > 10.1.0.2 ttl 1 tos ${tos} / udp 1 > 2`);
    expect(lab.packets().map((p) => p[1])).toEqual([0xc0, 0xd0, 0xde]);
  });

  test('comes from the address that was asked, else from the way back, else from the way in', () => {
    const source = (): string => lab.packets()[0].subarray(12, 16).join('.');
    lab.send('203.0.113.5 > 10.0.0.1 / udp 1 > 2');
    expect(source()).toBe('10.0.0.1');
    lab.send('203.0.113.5 > 10.1.0.2 ttl 1 / udp 1 > 2');
    expect(source()).toBe('10.1.0.1');
    lab.sysctl('icmp_errors_use_inbound_ifaddr=1');
    lab.send('203.0.113.5 > 10.1.0.2 ttl 1 / udp 1 > 2');
    expect(source()).toBe('10.0.0.1');
  });

  test('of a router without addresses comes from the dummy address', () => {
    lab.command('ip addr del 10.1.0.1/24 dev p1');
    lab.command('ip addr del 10.0.0.1/24 dev p0');
    lab.command('ip addr del 127.0.0.1/8 dev lo');
    lab.command('ip route add 10.0.0.0/24 dev p0');
    lab.send('10.0.0.2 > 198.51.100.1 ttl 1 / udp 1 > 2');
    expect(lab.packets()[0].subarray(12, 16).join('.')).toBe('192.0.0.8');
  });

  test('belongs to the walk of the packet that caused it', () => {
    const walk: [number, string][] = [];
    lab.tracer.filter = () => true;
    lab.tracer.listen(({ id, name, detail }) => walk.push([id, `${name} ${detail}`.trim()]));
    lab.send(TIMED_OUT(1));
    expect(walk).toContainEqual([1, 'icmpPushReply time exceeded']);
    expect(new Set(walk.map(([id]) => id))).toEqual(new Set([1]));
  });
});

describe('limits', () => {
  beforeEach(() => lab.sysctl('icmp_ratemask=6168'));

  test('six at once to a host, then one each icmp_ratelimit', () => {
    for (let i = 0; i < 10; i++) lab.send(TIMED_OUT(i));
    expect(count()).toBe(6);
    lab.advance(999);
    lab.send(TIMED_OUT(20));
    expect(count()).toBe(0);
    lab.advance(1);
    for (let i = 0; i < 3; i++) lab.send(TIMED_OUT(30 + i));
    expect(count()).toBe(1);
    lab.receive('p0', 'eth a > p0 / ip 10.0.0.77 > 10.1.0.2 ttl 1 / udp 1 > 2');
    expect(count()).toBe(1);
    expect(lab.counters('Icmp')).toMatchObject({ OutRateLimitHost: 7, OutTimeExcds: 8 });
    lab.advance(60_000);
    for (let i = 0; i < 10; i++) lab.send(TIMED_OUT(i));
    expect(count()).toBe(6);
  });

  test('all hosts together: icmp_msgs_burst at once, icmp_msgs_per_sec in the long run', () => {
    lab.sysctl('icmp_msgs_per_sec=100');
    const flood = (from: number): number => {
      for (let i = 0; i < 200; i++) lab.receive('p0', `eth a > p0 / ip 10.0.${4 + from}.${i} > 10.1.0.2 ttl 1 / udp 1 > 2`);
      return count();
    };
    lab.command('ip route add 10.0.0.0/16 dev p0');
    const burst = flood(0);
    // A message takes 0 to 2 credits, one on the average, so that nobody can count them from outside.
    expect(burst).toBeGreaterThan(35);
    expect(burst).toBeLessThan(70);
    lab.advance(19);
    expect(flood(1)).toBe(0);
    let later = 0;
    for (let i = 0; i < 10; i++) {
      lab.advance(100);
      later += flood(2 + i);
    }
    expect(later).toBeGreaterThan(75);
    expect(later).toBeLessThan(130);
    expect(lab.counters('Icmp').OutRateLimitGlobal).toBe(200 * 12 - burst - later);
  });

  test('are not for path MTU discovery, nor for types outside icmp_ratemask', () => {
    lab.command('ip link set p1 mtu 600');
    for (let i = 0; i < 20; i++) lab.send('10.0.0.2 > 10.1.0.2 df / udp 1 > 2 / "z"*1000');
    expect(count()).toBe(20);
    for (let i = 0; i < 20; i++) lab.send('10.0.0.2 > 10.0.0.1 / icmp echo id 1 seq 1');
    expect(count()).toBe(20);
    lab.sysctl('icmp_ratemask=1');
    for (let i = 0; i < 20; i++) lab.send('10.0.0.2 > 10.0.0.1 / icmp echo id 1 seq 1');
    expect(count()).toBe(6);
  });
});

describe('peers', () => {
  test('are remembered up to inet_peer_threshold, the last used longest', () => {
    const { peers } = lab.ipv4;
    peers.threshold = 100;
    const first = peers.get(1);
    first.redirects = 7;
    for (let address = 2; address <= 100; address++) peers.get(address);
    expect(peers.get(1)).toBe(first);
    for (let address = 200; address < 299; address++) peers.get(address);
    expect(peers.size).toBe(100);
    expect(peers.get(1).redirects).toBe(7);
    expect(peers.get(2).redirects).toBe(0);
  });

  test('a flood of spoofed senders does not grow memory', () => {
    lab.sysctl('icmp_ratemask=6168');
    lab.sysctl('icmp_msgs_per_sec=100000000');
    lab.sysctl('icmp_msgs_burst=100000000');
    lab.ipv4.peers.threshold = 1000;
    lab.command('ip route add 20.0.0.0/8 dev p0');
    for (let i = 0; i < 5000; i++) {
      lab.receive('p0', `eth a > p0 / ip 20.${(i >> 8) & 255}.${i & 255}.1 > 10.1.0.2 ttl 1 / udp 1 > 2`);
      lab.left = [];
    }
    expect(lab.ipv4.peers.size).toBe(1000);
    expect(lab.inUse).toBe(0);
  });
});
