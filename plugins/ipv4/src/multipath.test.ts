/** Shares of several next hops: within 3 % of their weights over 10,000 flows; a flow keeps to its hop. */
import { describe, expect, it } from 'vitest';
import { Ipv4Lab } from './testing/ipv4-lab.ts';

const FLOWS = 10_000;

/** How many of many flows leave by each port, and that each keeps to its own. */
function shares(lab: Ipv4Lab, packet: (n: number) => string): Record<string, number> {
  const counts: Record<string, number> = { p0: 0, p1: 0 };
  for (let n = 0; n < FLOWS; n++) {
    lab.send(packet(n));
    const first = lab.out().map((line) => line.slice(0, 2));
    lab.send(packet(n));
    expect(lab.out().map((line) => line.slice(0, 2))).toEqual(first);
    counts[first[0]]++;
  }
  return counts;
}

describe.each([
  [1, 1],
  [1, 3],
  [7, 2],
  [1, 255],
])('weights %i and %i', (a, b) => {
  const lab = (policy: number): Ipv4Lab =>
    new Ipv4Lab({
      config: {
        routes: [`192.0.2.0/24 nexthop via 10.0.0.9 weight ${a} nexthop via 10.1.0.9 weight ${b}`],
        sysctl: {
          'net.ipv4.ip_forward': 1,
          'net.ipv4.conf.all.send_redirects': 0,
          'net.ipv4.conf.p0.send_redirects': 0,
          'net.ipv4.fib_multipath_hash_policy': policy,
        },
      },
    });
  const near = (count: number): void => expect(Math.abs(count / FLOWS - a / (a + b))).toBeLessThan(0.03);

  it('by addresses', () => {
    near(shares(lab(0), (n) => `10.${64 + (n >> 14)}.${(n >> 7) & 127}.${(n & 127) + 1} > 192.0.2.${1 + (n % 250)} / udp 1 > 2`).p0);
  });

  it('by ports', () => {
    near(shares(lab(1), (n) => `10.0.0.2 > 192.0.2.1 / udp ${1024 + n} > ${53 + (n % 7)}`).p0);
  });
});
