import { devSetNoarp, IFF_POINTOPOINT } from '@packetwalk/framework';
import { beforeEach, describe, expect, test } from 'vitest';
import { ArpLab, ip } from './testing/arp-lab.ts';

let lab: ArpLab;
beforeEach(() => {
  lab = new ArpLab();
});

/** Who asks for 10.1.0.2 when a packet from `saddr` waits. */
function asks(saddr: string): string {
  lab.send('10.1.0.2', 'p1', saddr);
  const [request] = lab.out();
  lab.command('ip neigh del 10.1.0.2 dev p1');
  return /tell (\S+)/.exec(request)?.[1] ?? '';
}

describe('the sender address of a request', () => {
  beforeEach(() => {
    lab.ipv4.addAddress(lab.dev('p1'), { local: ip('10.1.0.200'), prefixlen: 32 });
  });

  test('arp_announce 0: the source of the packet if it is ours, else an address of the device', () => {
    expect(asks('10.0.0.2')).toBe('10.1.0.1');
    expect(asks('10.0.0.1')).toBe('10.0.0.1');
    expect(asks('10.1.0.200')).toBe('10.1.0.200');
  });

  test('arp_announce 1: only when the device has it in a subnet with the target', () => {
    lab.command('sysctl -w net.ipv4.conf.p1.arp_announce=1');
    expect(asks('10.0.0.1')).toBe('10.1.0.1');
    expect(asks('10.1.0.200')).toBe('10.1.0.200');
    lab.ipv4.addAddress(lab.dev('p1'), { local: ip('10.1.0.7'), prefixlen: 24 });
    expect(asks('10.1.0.7')).toBe('10.1.0.7');
  });

  test('arp_announce 2: the address of the device that suits the target best', () => {
    lab.command('sysctl -w net.ipv4.conf.all.arp_announce=2');
    expect(asks('10.1.0.200')).toBe('10.1.0.1');
    expect(asks('10.0.0.1')).toBe('10.1.0.1');
  });

  test('of the packet that came last counts', () => {
    lab.send('10.1.0.2', 'p1', '10.0.0.1');
    lab.send('10.1.0.2', 'p1', '10.1.0.200');
    lab.clear();
    lab.advance(1000);
    expect(lab.out()).toEqual(['1000 p1 eth p1 > broadcast / arp who-has 10.1.0.2 tell 10.1.0.200']);
  });
});

test('a probe goes to the neighbour alone, with the target hardware address left empty', () => {
  lab.command('ip neigh add 10.1.0.2 dev p1 lladdr 02:00:00:00:0b:02 nud probe');
  lab.advance(0);
  expect(lab.out()).toEqual(['0 p1 eth p1 > b / arp who-has 10.1.0.2 tell 10.1.0.1']);
});

describe('addresses that nobody is asked for', () => {
  const sentTo = (address: string, dev: string): string => {
    lab.send(address, dev);
    return /> (\S+) \/ ip/.exec(lab.out()[0])?.[1] ?? '';
  };

  test.each([
    ['224.0.0.5', '01:00:5e:00:00:05'],
    ['239.129.2.3', '01:00:5e:01:02:03'],
    ['255.255.255.255', 'broadcast'],
    ['10.1.0.255', 'broadcast'],
  ])('%s is %s', (address, mac) => {
    expect(sentTo(address, 'p1')).toBe(mac);
    expect(lab.state(address, 'p1')).toBe('NOARP');
  });

  test("on a device without ARP, any: the frame goes to the device's own address", () => {
    devSetNoarp(lab.dev('p1'), true);
    expect(sentTo('10.1.0.2', 'p1')).toBe('p1');
  });
});

test('on a point-to-point link all next hops are one neighbour', () => {
  const p2p = new ArpLab({ devices: { p1: { flags: IFF_POINTOPOINT } } });
  p2p.send('10.1.0.2', 'p1');
  p2p.send('192.0.2.1', 'p1');
  expect(p2p.out()).toHaveLength(2);
  expect(p2p.tbl.size).toBe(1);
  expect(p2p.command('ip neigh show nud all dev p1')).toBe('0.0.0.0 lladdr ff:ff:ff:ff:ff:ff NOARP \n');
});

test('all packets by lo have one neighbour, without ARP', () => {
  lab.send('127.0.0.5', 'lo');
  lab.send('10.0.0.1', 'lo');
  expect(lab.command('ip neigh show nud all dev lo')).toBe('0.0.0.0 lladdr 00:00:00:00:00:00 NOARP \n');
});
