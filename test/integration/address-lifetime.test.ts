/** Addresses for a time: what is shown of them, and what happens when it is over. */
import arp from '@packetwalk/arp';
import fibTrie from '@packetwalk/fib-trie';
import { TestRouter } from '@packetwalk/framework/testing';
import ipv4 from '@packetwalk/ipv4';
import { afterEach, beforeEach, expect, it } from 'vitest';

let router: TestRouter;
beforeEach(() => {
  router = new TestRouter({
    plugins: [ipv4, arp, fibTrie],
    config: { devices: { p0: { driver: 'test-port', mac: '02:00:00:00:00:01' } } },
  });
  router.run('ip link set p0 up');
});
afterEach(() => router.close());

const shown = (): string[] =>
  router
    .run('ip -o addr show dev p0')
    .split('\n')
    .filter((line) => line.includes('inet '))
    .map((line) => line.replace(/^.*inet |\\ +/g, ''));

it('deprecates an address, and takes it away with its routes', () => {
  router.run('ip addr add 10.0.0.1/24 dev p0 valid_lft 20 preferred_lft 10');
  router.run('ip addr add 10.1.0.1/24 dev p0 preferred_lft 0');
  expect(shown()).toEqual([
    '10.0.0.1/24 scope global dynamic p0valid_lft 20sec preferred_lft 10sec',
    '10.1.0.1/24 scope global deprecated p0valid_lft forever preferred_lft forever',
  ]);
  router.advance(9999);
  expect(shown()[0]).toBe('10.0.0.1/24 scope global dynamic p0valid_lft 11sec preferred_lft 1sec');
  router.advance(1);
  expect(shown()[0]).toBe('10.0.0.1/24 scope global deprecated dynamic p0valid_lft 10sec preferred_lft 0sec');
  expect(router.run('ip route show 10.0.0.0/24')).toContain('src 10.0.0.1');
  router.advance(10_000);
  expect(shown()).toHaveLength(1);
  expect(router.run('ip route show 10.0.0.0/24')).toBe('');
});

it('gives an address another time, or all of it', () => {
  router.run('ip addr add 10.0.0.1/24 dev p0 valid_lft 20 preferred_lft 10');
  router.advance(15_000);
  router.run('ip addr change 10.0.0.1/24 dev p0 valid_lft 30 preferred_lft 30');
  expect(shown()).toEqual(['10.0.0.1/24 scope global dynamic p0valid_lft 30sec preferred_lft 30sec']);
  router.advance(29_000);
  router.run('ip addr replace 10.0.0.1/24 dev p0');
  router.advance(1_000_000);
  expect(shown()).toEqual(['10.0.0.1/24 scope global p0valid_lft forever preferred_lft forever']);
});
