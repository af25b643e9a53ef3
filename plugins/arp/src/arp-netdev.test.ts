import { devChangeName, devClose, devOpen, devSetCarrier, devSetMacAddress, devSetNoarp, unregisterNetdev } from '@packetwalk/framework';
import { beforeEach, expect, test } from 'vitest';
import { ArpLab, ip } from './testing/arp-lab.ts';

let lab: ArpLab;
beforeEach(() => {
  lab = new ArpLab();
  const set = (line: string): void => expect(lab.command(`ip neigh replace ${line}`)).toBe('');
  set('10.1.0.20 lladdr 02:00:00:00:0b:20 dev p1 nud permanent');
  set('10.1.0.21 lladdr 02:00:00:00:0b:21 dev p1 nud stale');
  set('10.1.0.22 lladdr 02:00:00:00:0b:22 dev p1 nud noarp');
  set('10.1.0.23 lladdr 02:00:00:00:0b:23 dev p1 nud stale extern_learn');
  set('proxy 10.1.0.24 dev p1');
  set('proxy 10.1.0.25 dev p1 nud stale');
  set('10.0.0.20 lladdr 02:00:00:00:0a:20 dev p0 nud permanent');
  lab.send('10.1.0.26', 'p1');
  lab.clear();
});

/** Last bytes of the addresses known on p1, and of those answered for. */
function known(): string {
  const last = (text: string): string => [...text.matchAll(/^10\.1\.0\.(\d+) /gm)].map((m) => m[1]).join(' ');
  return `${last(lab.command('ip neigh show nud all dev p1'))} / ${last(lab.command('ip neigh show proxy dev p1'))}`;
}

// What is left after each event is what Linux 6.18 leaves.
test('without carrier only what an administrator or another program made stays', () => {
  devSetCarrier(lab.dev('p1'), false);
  expect(known()).toBe('20 23 / 24');
  expect(lab.inUse).toBe(0);
});

test('arp_evict_nocarrier 0: everything stays', () => {
  lab.command('sysctl -w net.ipv4.conf.p1.arp_evict_nocarrier=0');
  devSetCarrier(lab.dev('p1'), false);
  expect(known()).toBe('20 21 22 23 26 / 24 25');
});

test('when ARP is switched off or on, all entries go', () => {
  devSetNoarp(lab.dev('p1'), true);
  expect(known()).toBe(' / 24 25');
  lab.send('10.1.0.2', 'p1');
  expect(lab.state('10.1.0.2', 'p1')).toBe('NOARP');
  devSetNoarp(lab.dev('p1'), false);
  expect(known()).toBe(' / 24 25');
});

test('when the hardware address changes, all entries and cached routes go', () => {
  devSetMacAddress(lab.dev('p1'), Uint8Array.of(2, 0, 0, 0, 0, 0x99));
  expect(known()).toBe(' / 24 25');
  expect(lab.ipv4.flushes).toBe(1);
  lab.command('ip neigh add 10.1.0.2 dev p1 lladdr 02:00:00:00:0b:02');
  const id = lab.send('10.1.0.2', 'p1');
  expect(lab.out()).toEqual([`0 p1 eth 02:00:00:00:00:99 > b / ip 10.0.0.2 > 10.1.0.2 id ${id}`]);
});

test.each([
  ['down', () => devClose(lab.dev('p1'))],
  ['without addresses', () => lab.ipv4.delAddress(lab.dev('p1').inDev!.ifaList[0])],
  ['removed', () => unregisterNetdev(lab.dev('p1'))],
])('when the device is %s nothing is kept', (_what, happen) => {
  happen();
  expect([...lab.tbl.entries()].map(({ key }) => key)).toEqual([ip('10.0.0.20')]);
  expect(lab.command('ip neigh show proxy')).toBe('');
  expect(lab.inUse).toBe(0);
});

test('one address less of several changes nothing', () => {
  const ifa = lab.ipv4.addAddress(lab.dev('p1'), { local: ip('10.9.0.1'), prefixlen: 24 });
  lab.ipv4.delAddress(ifa);
  expect(known()).toBe('20 21 22 23 26 / 24 25');
});

test('a new address makes broadcasts of what was being asked for', () => {
  lab.send('10.9.0.255', 'p1');
  lab.command('ip neigh add 10.8.0.255 dev p1 lladdr 02:00:00:00:0b:55');
  lab.ipv4.addAddress(lab.dev('p1'), { local: ip('10.9.0.1'), prefixlen: 24 });
  lab.ipv4.addAddress(lab.dev('p1'), { local: ip('10.8.0.1'), prefixlen: 24 });
  expect(lab.state('10.9.0.255', 'p1')).toBeNull();
  expect(lab.state('10.8.0.255', 'p1')).toBe('PERMANENT');
  lab.send('10.9.0.255', 'p1');
  expect(lab.state('10.9.0.255', 'p1')).toBe('NOARP');
});

test('arp_notify: the link hears of a device that comes up or has a new hardware address', () => {
  lab.ipv4.addAddress(lab.dev('p1'), { local: ip('10.9.0.1'), prefixlen: 24 });
  const announcement = ['10.1.0.1', '10.9.0.1'].map((a) => `0 p1 eth p1 > broadcast / arp who-has ${a} tell ${a}`);
  devClose(lab.dev('p1'));
  devOpen(lab.dev('p1'));
  expect(lab.out()).toEqual([]);
  lab.command('sysctl -w net.ipv4.conf.p1.arp_notify=1');
  devClose(lab.dev('p1'));
  expect(lab.out()).toEqual([]);
  devOpen(lab.dev('p1'));
  expect(lab.out()).toEqual(announcement);
  devSetMacAddress(lab.dev('p1'), Uint8Array.of(2, 0, 0, 0, 0, 0x11));
  expect(lab.out()).toEqual(announcement);
});

test('settings follow the device to its new name and go with it', () => {
  lab.command('sysctl -w net.ipv4.neigh.p1.locktime=7');
  devChangeName(lab.dev('p1'), 'wan.10');
  expect(lab.command('sysctl -n net/ipv4/neigh/wan.10/locktime')).toBe('7\n');
  expect(lab.command('sysctl -n net.ipv4.neigh.p1.locktime')).toContain('No such file or directory');
  unregisterNetdev(lab.dev('wan.10'));
  expect(lab.router.net.sysctl.names().filter((name) => name.includes('wan'))).toEqual([]);
});
