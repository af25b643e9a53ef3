import arp from '@packetwalk/arp';
import fibTrie from '@packetwalk/fib-trie';
import { describePlugin, TEST_PORT, TestRouter } from '@packetwalk/framework/testing';
import ipv4 from '@packetwalk/ipv4';
import { expect, it } from 'vitest';
import plugin from './template.ts';

// What every plugin must keep: a right manifest, and nothing left behind.
describePlugin(plugin, { with: [ipv4, arp, fibTrie] });

it('drops what is longer than maxLength, and counts', async () => {
  const router = new TestRouter({
    plugins: [ipv4, arp, fibTrie, { id: 'template', plugin, options: { maxLength: 100 } }],
    config: {
      devices: {
        lan: { driver: TEST_PORT, mac: '02:00:00:00:00:01', addresses: ['10.0.0.1/24'] },
        wan: { driver: TEST_PORT, mac: '02:00:00:00:00:02', addresses: ['10.1.0.1/24'] },
      },
      sysctl: { 'net.ipv4.ip_forward': 1 },
      neighbours: ['10.1.0.9 lladdr 02:00:00:00:01:09 dev wan'],
    },
  });
  const packet = 'eth 02:00:00:00:00:09 > 02:00:00:00:00:01 / ip 10.0.0.9 > 10.1.0.9 id 1 / udp 1 > 2';
  router.receive('lan', `${packet} / "short"`);
  router.receive('lan', `${packet} / "${'long'.repeat(25)}"`);
  expect(router.sent()).toEqual([
    'wan eth 02:00:00:00:00:02 > 02:00:00:00:01:09 / ip 10.0.0.9 > 10.1.0.9 ttl 63 id 1 / udp 1 > 2 / "short"',
  ]);
  expect(router.counters('template')).toEqual({ seen: 2, dropped: 1 });
  expect(router.drops()).toEqual({ TEMPLATE_TOO_LONG: 1 });
  expect(router.run('template')).toBe('seen 2, dropped 1\n');
  await router.close();
});
