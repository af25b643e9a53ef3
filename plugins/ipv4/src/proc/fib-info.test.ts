/** /proc/net/fib_info: routes with the same next hop share one FibInfo, and its count tells how many. */
import { expect, it } from 'vitest';
import { Ipv4Lab } from '../testing/ipv4-lab.ts';

const shared = (lab: Ipv4Lab): string[] =>
  lab
    .command('cat /proc/net/fib_info')
    .split('\n')
    .filter((line) => line.includes('10.1.0.9'));

it('counts the routes that share a next hop', () => {
  const lab = new Ipv4Lab({ config: { routes: [] } });
  for (let n = 0; n < 10; n++) lab.command(`ip route add 192.0.${n}.0/24 via 10.1.0.9`);
  expect(shared(lab)).toEqual(['    10   254 unicast     global      3      0 10.1.0.9%p1']);
  lab.command('ip route del 192.0.3.0/24');
  lab.command('ip route add 192.0.3.0/24 via 10.1.0.9 metric 5');
  expect(shared(lab)).toEqual([
    '     9   254 unicast     global      3      0 10.1.0.9%p1',
    '     1   254 unicast     global      3      5 10.1.0.9%p1',
  ]);
  lab.command('ip link set p1 down');
  expect(shared(lab)).toEqual([]);
});
