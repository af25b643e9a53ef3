import {
  consumeSkb,
  csumPartial,
  ipDecreaseTtl,
  ipSendCheck,
  NF_ACCEPT,
  NF_IP_FORWARD,
  PF_INET,
  type SkBuff,
  skbClone,
} from '@packetwalk/framework';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { rtTos2priority } from './ip-forward.ts';
import { Ipv4Lab } from './testing/ipv4-lab.ts';

let lab: Ipv4Lab;
beforeEach(() => {
  lab = new Ipv4Lab({ mtu: { p1: 600 } });
});

/** Calls `look` with each packet at FORWARD. */
function atForward(look: (skb: SkBuff) => void): void {
  lab.net.nf.register({
    pf: PF_INET,
    hooknum: NF_IP_FORWARD,
    priority: 0,
    hook(skb) {
      look(skb);
      return NF_ACCEPT;
    },
  });
}

describe('time to live', () => {
  test('goes down by one, and the checksum follows', () => {
    for (const ttl of [2, 64, 255]) lab.send(`10.0.0.2 > 10.1.0.2 ttl ${ttl} id 7 / udp 1 > 2`);
    expect(lab.out()).toEqual([
      'p1 ip 10.0.0.2 > 10.1.0.2 ttl 1 id 7 / udp 1 > 2',
      'p1 ip 10.0.0.2 > 10.1.0.2 ttl 63 id 7 / udp 1 > 2',
      'p1 ip 10.0.0.2 > 10.1.0.2 ttl 254 id 7 / udp 1 > 2',
    ]);
    expect(lab.counters('Ip')).toMatchObject({ ForwDatagrams: 3, OutTransmits: 3 });
  });

  test('keeps the checksum right whatever the header holds', () => {
    const view = new DataView(new ArrayBuffer(20));
    const header = fc.uint8Array({ minLength: 20, maxLength: 20 }).filter((bytes) => bytes[8] > 1);
    fc.assert(
      fc.property(header, (bytes) => {
        for (const [i, byte] of bytes.entries()) view.setUint8(i, byte);
        view.setUint8(0, 0x45);
        ipSendCheck(view, 0);
        expect(ipDecreaseTtl(view, 0)).toBe(bytes[8] - 1);
        expect([view.getUint8(8), view.getUint8(9), csumPartial(view, 0, 20)]).toEqual([bytes[8] - 1, bytes[9], 0xffff]);
      }),
      { numRuns: 1000, seed: 791 },
    );
  });

  test('of 1 and 0 is too short, and the sender hears of it', () => {
    for (const ttl of [1, 0]) lab.send(`10.0.0.2 > 10.1.0.2 ttl ${ttl} id 7 / udp 1 > 2`);
    expect(lab.out()).toEqual([
      'p0 ip 10.0.0.1 > 10.0.0.2 tos 0xc0 / icmp ttl-exceeded / ip 10.0.0.2 > 10.1.0.2 ttl 1 id 7 / udp 1 > 2',
      'p0 ip 10.0.0.1 > 10.0.0.2 tos 0xc0 / icmp ttl-exceeded / ip 10.0.0.2 > 10.1.0.2 ttl 0 id 7 / udp 1 > 2',
    ]);
    expect(lab.drops()).toEqual({ IP_TTL: 2 });
    expect(lab.counters('Ip')).toMatchObject({ InHdrErrors: 2 });
    expect(lab.counters('Icmp')).toMatchObject({ OutMsgs: 2, OutTimeExcds: 2 });
  });
});

describe('size', () => {
  test('over the MTU with DF is told with the next MTU', () => {
    lab.send('10.0.0.2 > 10.1.0.2 df id 7 / udp 1 > 2 / "z"*573');
    expect(lab.out()).toEqual([expect.stringMatching(/^p0 ip 10\.0\.0\.1 > 10\.0\.0\.2 tos 0xc0 \/ icmp frag-needed mtu 600 \/ ip/)]);
    expect(lab.drops()).toEqual({ PKT_TOO_BIG: 1 });
    expect(lab.counters('Ip')).toMatchObject({ FragFails: 1, ForwDatagrams: 1 });
  });

  test('of the MTU passes', () => {
    lab.send('10.0.0.2 > 10.1.0.2 df id 7 / udp 1 > 2 / "z"*572');
    expect(lab.packets().map((p) => p.length)).toEqual([600]);
  });

  test('is that of the route where it has one, learned or not', () => {
    lab.command('ip route add 198.51.100.0/24 via 10.1.0.9 mtu 300');
    lab.send('10.0.0.2 > 198.51.100.1 df / udp 1 > 2 / "z"*280');
    expect(lab.out()).toEqual([expect.stringContaining('frag-needed mtu 300')]);
    expect(lab.inUse).toBe(0);
  });

  test('does not matter for offloaded packets, which leave in segments', () => {
    lab.net.nf.register({
      pf: PF_INET,
      hooknum: 0,
      priority: 0,
      hook(skb) {
        skb.gsoSize = 536;
        return NF_ACCEPT;
      },
    });
    lab.send('10.0.0.2 > 10.1.0.2 df id 7 / tcp 1 > 2 A / "z"*1000');
    expect(lab.packets().map((p) => p.length)).toEqual([1040]);
  });
});

describe('what is not forwarded', () => {
  test('link-layer broadcasts and multicasts', () => {
    lab.receive('p0', 'eth a > broadcast / ip 10.0.0.2 > 10.1.0.2 / udp 1 > 2');
    lab.receive('p0', 'eth a > 01:00:5e:00:00:01 / ip 10.0.0.2 > 10.1.0.2 / udp 1 > 2');
    expect(lab.out()).toEqual([]);
    expect(lab.drops()).toEqual({ IP_NOT_FORWARDABLE: 2 });
  });

  test('anything, on a host', () => {
    lab.sysctl('ip_forward=0');
    lab.send('10.0.0.2 > 10.1.0.2 / udp 1 > 2');
    expect(lab.out()).toEqual([]);
    expect(lab.counters('Ip')).toMatchObject({ InAddrErrors: 1 });
  });
});

test('the priority follows the TOS, unless ip_forward_update_priority is off', () => {
  const seen: number[] = [];
  atForward((skb) => seen.push(skb.priority));
  for (const tos of [0x00, 0x08, 0x10, 0x18, 0xb8]) lab.send(`10.0.0.2 > 10.1.0.2 tos ${tos} / udp 1 > 2`);
  lab.sysctl('ip_forward_update_priority=0');
  lab.send('10.0.0.2 > 10.1.0.2 tos 0x10 / udp 1 > 2');
  expect(seen).toEqual([0, 2, 6, 4, 4, 0]);
  expect(rtTos2priority(0x1f)).toBe(4);
});

test('a packet that others hold too is copied before its TTL changes', () => {
  const held: SkBuff[] = [];
  lab.net.nf.register({
    pf: PF_INET,
    hooknum: 0,
    priority: 0,
    hook(skb) {
      held.push(skbClone(skb));
      return NF_ACCEPT;
    },
  });
  lab.send('10.0.0.2 > 10.1.0.2 ttl 9 id 7 / udp 1 > 2');
  expect(lab.out()).toEqual(['p1 ip 10.0.0.2 > 10.1.0.2 ttl 8 id 7 / udp 1 > 2']);
  const [clone] = held;
  expect(clone.head.view.getUint8(clone.networkHeader + 8)).toBe(9);
  consumeSkb(clone);
  expect(lab.inUse).toBe(0);
});

describe('redirects', () => {
  test('are sent to a neighbour that should have asked another', () => {
    lab.command('ip route add 198.51.100.0/24 via 10.0.0.9');
    lab.send('10.0.0.2 > 198.51.100.1 ttl 64 id 7 / udp 1 > 2');
    expect(lab.out()).toEqual([
      'p0 ip 10.0.0.1 > 10.0.0.2 tos 0xc0 / icmp redirect-host gw 10.0.0.9 / ip 10.0.0.2 > 198.51.100.1 ttl 63 id 7 / udp 1 > 2',
      'p0 ip 10.0.0.2 > 198.51.100.1 ttl 63 id 7 / udp 1 > 2',
    ]);
    expect(lab.inUse).toBe(0);
  });

  test('are not, when a source route asked for the detour', () => {
    lab.sysctl('conf.all.accept_source_route=1');
    lab.send('10.0.0.2 > 10.0.0.1 id 7 opts 0x8307040a00000900 / udp 1 > 2');
    expect(lab.out()).toEqual([expect.stringMatching(/^p0 ip 10\.0\.0\.2 > 10\.0\.0\.9/)]);
  });
});
