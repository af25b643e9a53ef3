import { ConfigError, NUD_STALE } from '@packetwalk/framework';
import { expect, test } from 'vitest';
import { ArpLab } from './testing/arp-lab.ts';

test('the section neighbours: has what follows ip neigh add', () => {
  const lab = new ArpLab({
    neighbours: ['10.0.0.9 lladdr 02:00:00:00:0a:09 dev p0', '10.0.0.8 dev p0 lladdr 2:0:0:0:0:8 nud stale', 'proxy 10.1.0.7 dev p0'],
  });
  expect(lab.command('ip neigh')).toBe(
    '10.0.0.9 dev p0 lladdr 02:00:00:00:0a:09 PERMANENT \n10.0.0.8 dev p0 lladdr 02:00:00:00:00:08 STALE \n',
  );
  expect(lab.command('ip neigh show proxy')).toBe('10.1.0.7 dev p0 proxy \n');
});

test('all that is wrong in the section is said at once, by line', () => {
  const neighbours = [
    '10.0.0.9 lladdr 02:00:00:00:0a:09 dev p0',
    '10.0.0.300 dev p0',
    '10.0.0.9 lladdr 1:2:3:4:5:6 dev p0',
    '10.0.0.7 dev nope',
  ];
  try {
    new ArpLab({ neighbours });
    expect.unreachable();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([
      'neighbours.1: any valid address is expected rather than "10.0.0.300".',
      'neighbours.2: File exists',
      'neighbours.3: Cannot find device "nope"',
    ]);
  }
});

test('nothing stays behind when the router stops', async () => {
  const lab = new ArpLab({ neighbours: ['10.0.0.9 lladdr 02:00:00:00:0a:09 dev p0 nud stale'] });
  await lab.router.start();
  lab.send('10.1.0.2', 'p1');
  lab.command('sysctl -w net.ipv4.conf.p0.proxy_arp=1');
  lab.receive('p0', 'eth a > broadcast / arp who-has 10.1.0.2 tell a');
  expect(lab.inUse).toBe(2);
  const neigh = lab.neigh('10.0.0.9', 'p0');
  expect(neigh.nudState).toBe(NUD_STALE);
  await lab.router.stop();
  expect(lab.inUse).toBe(0);
  expect(neigh.dead).toBe(true);
  expect(lab.softirq.timers.size).toBe(0);
  expect(lab.router.net.sysctl.names().filter((name) => name.includes('neigh'))).toEqual([]);
  expect(lab.router.net.notifier.eventNames()).toEqual([]);
  expect(lab.router.commands.get('arp')).toBeUndefined();
});
