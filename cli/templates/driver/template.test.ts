import arp from '@packetwalk/arp';
import fibTrie from '@packetwalk/fib-trie';
import { describePlugin, TEST_PORT, TestRouter } from '@packetwalk/framework/testing';
import ipv4 from '@packetwalk/ipv4';
import { expect, it } from 'vitest';
import plugin from './template.ts';

const config = {
  devices: {
    lan: { driver: TEST_PORT, mac: '02:00:00:00:00:01', addresses: ['10.0.0.1/24'] },
    mirror: { driver: 'template', mac: '02:00:00:00:00:02', addresses: ['10.1.0.1/24'] },
  },
  sysctl: { 'net.ipv4.ip_forward': 1 },
  neighbours: ['10.0.0.9 lladdr 02:00:00:00:00:09 dev lan', '10.1.0.9 lladdr 02:00:00:00:01:09 dev mirror'],
};

// What every plugin must keep: a right manifest, and nothing left behind.
describePlugin(plugin, { with: [ipv4, arp, fibTrie], config: { devices: { mirror: config.devices.mirror } } });

it('sends, and receives what it sent', async () => {
  const router = new TestRouter({ plugins: [ipv4, arp, fibTrie, plugin], config });
  // The packet leaves by mirror with one hop left, comes back, and dies here: its sender is told.
  router.receive('lan', 'eth 02:00:00:00:00:09 > 02:00:00:00:00:01 / ip 10.0.0.9 > 10.1.0.9 ttl 2 id 1 / udp 1 > 2');
  expect(router.run('ip -s link show mirror')).toMatch(/RX:.*\n +42 +1 /);
  expect(router.sent()).toEqual([expect.stringContaining('icmp ttl-exceeded / ip 10.0.0.9 > 10.1.0.9 ttl 1 id 1')]);
  await router.close();
});
