import {
  devSetNoarp,
  dropReasonName,
  NF_ACCEPT,
  NF_ARP_IN,
  NF_ARP_OUT,
  NF_DROP,
  PF_ARP,
  SKB_DROP_REASON_ARP_IGNORED,
  SKB_DROP_REASON_ARP_INVALID,
  SKB_DROP_REASON_OTHERHOST,
  SKB_DROP_REASON_PKT_TOO_SMALL,
} from '@packetwalk/framework';
import { parsePacket } from '@packetwalk/framework/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { ArpLab, NAMES } from './testing/arp-lab.ts';

let lab: ArpLab;
beforeEach(() => {
  lab = new ArpLab();
});

const conf = (...settings: string[]): void => {
  for (const setting of settings) lab.command(`sysctl -w net.ipv4.conf.${setting}`);
};
/** Reasons of the drops so far. */
const drops = (): string[] => [...lab.router.net.drops].flatMap((count, reason) => new Array<string>(count).fill(dropReasonName(reason)));

describe('a request for us', () => {
  test('is answered, and the asker is remembered', () => {
    lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell a');
    expect(lab.out()).toEqual(['0 p0 eth p0 > a / arp reply 10.0.0.1 is-at p0 tell 10.0.0.2']);
    expect(lab.state('10.0.0.2', 'p0')).toBe('STALE');
    expect(lab.inUse).toBe(0);
    expect(lab.stats).toMatchObject({ requests_in: 1, replies_out: 1 });
  });

  test('is answered when it came by unicast, with padding, or from an IEEE 802 station', () => {
    lab.receive('p0', 'eth a > p0 / arp who-has p0 tell a');
    lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell a / pad 0x000000000000000000000000000000000000');
    lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell a hrd 6');
    expect(lab.out()).toHaveLength(3);
  });

  test('is answered to the sender in the packet, whoever sent the frame', () => {
    lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell 10.0.0.30 sha 02:00:00:00:ff:ff');
    expect(lab.out()).toEqual(['0 p0 eth p0 > 02:00:00:00:ff:ff / arp reply 10.0.0.1 is-at p0 tell 10.0.0.30']);
  });

  test("is answered on the wrong device too: an address is the host's, not the device's", () => {
    lab.receive('p0', 'eth a > broadcast / arp who-has 10.1.0.1 tell a');
    expect(lab.out()).toEqual(['0 p0 eth p0 > a / arp reply 10.1.0.1 is-at p0 tell 10.0.0.2']);
  });

  test('by one who looks whether the address is taken is answered, and teaches nothing', () => {
    lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell 0.0.0.0');
    expect(lab.out()).toEqual(['0 p0 eth p0 > a / arp reply 10.0.0.1 is-at p0 tell 0.0.0.0']);
    lab.receive('p0', 'eth a > broadcast / arp who-has 10.0.0.55 tell 0.0.0.0');
    expect(lab.out()).toEqual([]);
    expect(lab.tbl.size).toBe(0);
  });
});

test('a request for somebody else teaches only what was known to exist', () => {
  lab.receive('p0', 'eth a > broadcast / arp who-has 10.0.0.77 tell a');
  expect(lab.tbl.size).toBe(0);
  lab.send('10.0.0.2', 'p0');
  lab.receive('p0', 'eth a > broadcast / arp who-has 10.0.0.77 tell a');
  // What waited has left, which makes it DELAY at once.
  expect(lab.state('10.0.0.2', 'p0')).toBe('DELAY');
});

test('an answer that nobody asked for teaches nothing', () => {
  lab.receive('p0', 'eth a > p0 / arp reply a is-at a tell p0');
  expect(lab.tbl.size).toBe(0);
});

describe('a packet that is not for ARP here', () => {
  test.each([
    ['another protocol', 'eth a > broadcast / arp who-has p0 tell a pro 34525', SKB_DROP_REASON_ARP_INVALID],
    ['another hardware', 'eth a > broadcast / arp who-has p0 tell a hrd 7', SKB_DROP_REASON_ARP_INVALID],
    ['another length of hardware addresses', 'eth a > broadcast / arp who-has p0 tell a hln 8', SKB_DROP_REASON_ARP_INVALID],
    ['another length of addresses', 'eth a > broadcast / arp who-has p0 tell a pln 16', SKB_DROP_REASON_ARP_INVALID],
    ['another operation', 'eth a > broadcast / arp op 8 10.0.0.2 > 10.0.0.1', SKB_DROP_REASON_ARP_INVALID],
    ['a loopback address', 'eth a > broadcast / arp who-has 127.0.0.1 tell a', SKB_DROP_REASON_ARP_IGNORED],
    ['a group', 'eth a > broadcast / arp who-has 224.0.0.5 tell a', SKB_DROP_REASON_ARP_IGNORED],
    ['another station', 'eth a > c / arp who-has p0 tell a', SKB_DROP_REASON_OTHERHOST],
  ])('%s: dropped with its reason', (_what, packet, reason) => {
    lab.receive('p0', packet);
    expect(lab.out()).toEqual([]);
    expect(drops()).toEqual([dropReasonName(reason)]);
    expect(lab.tbl.size).toBe(0);
  });

  test('too short', () => {
    lab.receiveBytes('p0', parsePacket('eth a > broadcast / arp who-has p0 tell a', NAMES).subarray(0, 41));
    expect(drops()).toEqual([dropReasonName(SKB_DROP_REASON_PKT_TOO_SMALL)]);
  });

  test('a device without ARP', () => {
    devSetNoarp(lab.dev('p0'), true);
    lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell a');
    expect(drops()).toEqual([dropReasonName(SKB_DROP_REASON_ARP_IGNORED)]);
  });
});

describe('another answer', () => {
  beforeEach(() => {
    lab.send('10.1.0.2', 'p1');
    lab.receive('p1', 'eth b > p1 / arp reply b is-at b tell p1');
    lab.clear();
  });
  const used = (): string => lab.command('ip neigh show 10.1.0.2').trim();

  test('within locktime does not count', () => {
    lab.advance(1000);
    lab.receive('p1', 'eth c > p1 / arp reply b is-at c tell p1');
    expect(used()).toBe('10.1.0.2 dev p1 lladdr 02:00:00:00:0b:02 REACHABLE');
  });

  test('later does', () => {
    lab.advance(1001);
    lab.receive('p1', 'eth c > p1 / arp reply b is-at c tell p1');
    expect(used()).toBe('10.1.0.2 dev p1 lladdr 02:00:00:00:0b:03 REACHABLE');
  });

  test('to everybody is believed but proves nothing', () => {
    lab.advance(1001);
    lab.receive('p1', 'eth c > broadcast / arp reply b is-at c tell p1');
    expect(used()).toBe('10.1.0.2 dev p1 lladdr 02:00:00:00:0b:03 STALE');
  });

  test('in an announcement counts at any time', () => {
    lab.receive('p1', 'eth c > broadcast / arp who-has b tell b sha c');
    expect(used()).toBe('10.1.0.2 dev p1 lladdr 02:00:00:00:0b:03 STALE');
  });

  test('in an announcing reply counts only with the target hardware address filled in', () => {
    lab.receive('p1', 'eth c > broadcast / arp reply b is-at c tell b');
    expect(used()).toContain('02:00:00:00:0b:02');
    lab.receive('p1', 'eth c > broadcast / arp reply b is-at c tell b tha c');
    expect(used()).toContain('02:00:00:00:0b:03');
  });

  test('does not change what is permanent', () => {
    lab.command('ip neigh change 10.1.0.2 dev p1 nud permanent');
    lab.advance(5000);
    lab.receive('p1', 'eth c > p1 / arp reply b is-at c tell p1');
    expect(used()).toBe('10.1.0.2 dev p1 lladdr 02:00:00:00:0b:02 PERMANENT');
  });
});

describe('arp_ignore', () => {
  const answered = (target: string, asker = 'a'): boolean => {
    lab.receive('p0', `eth a > broadcast / arp who-has ${target} tell ${asker}`);
    return lab.out().length === 1;
  };

  test('1: only addresses of the device', () => {
    conf('all.arp_ignore=1');
    expect(answered('10.0.0.1')).toBe(true);
    expect(answered('10.1.0.1')).toBe(false);
  });

  test('2: and only to askers of the subnet', () => {
    conf('p0.arp_ignore=2');
    expect(answered('10.0.0.1')).toBe(true);
    expect(answered('10.0.0.1', '10.1.0.2')).toBe(false);
  });

  test('3: no addresses of scope host', () => {
    conf('p0.arp_ignore=3');
    lab.ipv4.addAddress(lab.dev('p0'), { local: 0x0a000005, prefixlen: 32, scope: 254 });
    expect(answered('10.1.0.1')).toBe(true);
    expect(answered('10.0.0.5')).toBe(false);
  });

  test('8: none; the greater one of all and the device counts, also for those who look whether it is taken', () => {
    conf('all.arp_ignore=1', 'p0.arp_ignore=8');
    expect(answered('10.0.0.1')).toBe(false);
    expect(answered('10.0.0.1', '0.0.0.0')).toBe(false);
    conf('p0.arp_ignore=5', 'all.arp_ignore=0');
    expect(answered('10.0.0.1')).toBe(true);
  });
});

test('arp_filter: not answered when the way back is by another device', () => {
  conf('p0.arp_filter=1');
  lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell a');
  expect(lab.out()).toHaveLength(1);
  lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell 10.1.0.2');
  lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell 192.0.2.1');
  expect(lab.out()).toEqual([]);
  expect(lab.stats.arp_filter).toBe(1);
});

describe('arp_accept', () => {
  test.each([
    ['an announcement', 'eth a > broadcast / arp who-has a tell a', 'STALE'],
    ['an answer to us', 'eth a > p0 / arp reply a is-at a tell p0', 'REACHABLE'],
  ])('1: %s makes an entry', (_what, packet, state) => {
    conf('p0.arp_accept=1');
    lab.receive('p0', packet);
    expect(lab.state('10.0.0.2', 'p0')).toBe(state);
  });

  test("2: only for addresses of the device's subnets", () => {
    conf('p0.arp_accept=2');
    lab.receive('p0', 'eth a > broadcast / arp who-has 192.0.2.9 tell 192.0.2.9');
    expect(lab.tbl.size).toBe(0);
    lab.receive('p0', 'eth a > broadcast / arp who-has a tell a');
    expect(lab.tbl.size).toBe(1);
  });

  test('an ordinary request makes none all the same', () => {
    conf('p0.arp_accept=1');
    lab.receive('p0', 'eth a > broadcast / arp who-has 10.0.0.77 tell a');
    expect(lab.tbl.size).toBe(0);
  });
});

test('drop_gratuitous_arp: announcements are not heard', () => {
  lab.command('ip neigh add 10.0.0.2 dev p0 lladdr 02:00:00:00:0c:0c nud stale');
  conf('all.drop_gratuitous_arp=1');
  lab.receive('p0', 'eth a > broadcast / arp who-has a tell a');
  expect(lab.command('ip neigh')).toContain('02:00:00:00:0c:0c');
  expect(drops()).toEqual(['ARP_IGNORED']);
});

test('hooks see ARP come in and go out, and may drop it', () => {
  const seen: string[] = [];
  let verdict = NF_ACCEPT;
  const hook = (hooknum: number, name: string): void => {
    lab.router.net.nf.register({
      pf: PF_ARP,
      hooknum,
      priority: 0,
      hook: (_skb, state) => {
        seen.push(`${name} ${state.in?.name ?? '-'} ${state.out?.name ?? '-'}`);
        return verdict;
      },
    });
  };
  hook(NF_ARP_IN, 'in');
  hook(NF_ARP_OUT, 'out');
  lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell a');
  expect(seen).toEqual(['in p0 -', 'out - p0']);
  expect(lab.out()).toHaveLength(1);
  verdict = NF_DROP;
  lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell a');
  expect(lab.out()).toEqual([]);
  expect(lab.inUse).toBe(0);
});

test('a recorded walk tells what was asked', () => {
  const walk: string[] = [];
  lab.tracer.listen((record) => walk.push(`${record.name} ${record.detail}`.trim()));
  lab.tracer.filter = () => true;
  lab.receive('p0', 'eth a > broadcast / arp who-has p0 tell a');
  expect(walk).toContain('arpRcv');
  expect(walk).toContain('arpProcess who has 10.0.0.1, tell 10.0.0.2');
});
