import { devClose, devOpen } from '@packetwalk/framework';
import { beforeEach, describe, expect, test } from 'vitest';
import { ArpLab } from './testing/arp-lab.ts';

let lab: ArpLab;
beforeEach(() => {
  lab = new ArpLab();
  lab.command('sysctl -w net.ipv4.neigh.p0.proxy_delay=0');
});

const answered = (target: string): boolean => {
  lab.receive('p0', `eth a > broadcast / arp who-has ${target} tell a`);
  const out = lab.out();
  if (out.length > 0) expect(out).toEqual([`${lab.softirq.clock.now()} p0 eth p0 > a / arp reply ${target} is-at p0 tell 10.0.0.2`]);
  return out.length > 0;
};

describe('proxy_arp', () => {
  test('answers for what is behind another device, and remembers the asker', () => {
    expect(answered('10.1.0.2')).toBe(false);
    lab.command('sysctl -w net.ipv4.conf.p0.proxy_arp=1');
    expect(answered('10.1.0.2')).toBe(true);
    expect(lab.state('10.0.0.2', 'p0')).toBe('STALE');
    // On the asker's own link, and where no route is.
    expect(answered('10.0.0.9')).toBe(false);
    expect(answered('192.0.2.1')).toBe(false);
    lab.ipv4.defaultDev = lab.dev('p1');
    expect(answered('192.0.2.1')).toBe(true);
  });

  test('needs forwarding', () => {
    lab.command('sysctl -w net.ipv4.conf.all.proxy_arp=1');
    lab.command('sysctl -w net.ipv4.conf.p0.forwarding=0');
    expect(answered('10.1.0.2')).toBe(false);
  });
});

test("proxy_arp_pvlan answers for what is on the asker's own link, but not for the asker", () => {
  lab.command('sysctl -w net.ipv4.conf.p0.proxy_arp_pvlan=1');
  expect(answered('10.0.0.9')).toBe(true);
  expect(answered('10.0.0.2')).toBe(false);
  expect(answered('10.1.0.2')).toBe(false);
});

test('an entry answers for one address on one device', () => {
  lab.command('ip neigh add proxy 10.1.0.2 dev p0');
  expect(answered('10.1.0.2')).toBe(true);
  expect(answered('10.1.0.3')).toBe(false);
  lab.command('ip neigh add proxy 10.0.0.9 dev p0');
  expect(answered('10.0.0.9')).toBe(false);
  lab.command('ip neigh del proxy 10.1.0.2 dev p0');
  expect(answered('10.1.0.2')).toBe(false);
});

describe('proxy_delay', () => {
  beforeEach(() => {
    lab.command('sysctl -w net.ipv4.conf.p0.proxy_arp=1 net.ipv4.neigh.p0.proxy_delay=80');
  });
  const ask = (): void => lab.receive('p0', 'eth a > broadcast / arp who-has 10.1.0.2 tell a');

  test('lets the answer wait a random time below it', () => {
    const times: number[] = [];
    for (let i = 0; i < 50; i++) {
      const asked = lab.softirq.clock.now();
      ask();
      lab.advance(800);
      for (const line of lab.out()) times.push(Number.parseInt(line, 10) - asked);
    }
    expect(times).toHaveLength(50);
    expect(Math.max(...times)).toBeLessThan(800);
    expect(new Set(times).size).toBeGreaterThan(20);
    expect(lab.inUse).toBe(0);
  });

  test('does not hold up an answer to a unicast request', () => {
    lab.receive('p0', 'eth a > p0 / arp who-has 10.1.0.2 tell a');
    expect(lab.out()).toHaveLength(1);
  });

  test('lets no more than proxy_qlen and one wait', () => {
    lab.command('sysctl -w net.ipv4.neigh.p0.proxy_qlen=3');
    for (let i = 0; i < 10; i++) ask();
    expect(lab.inUse).toBe(4);
    lab.advance(800);
    expect(lab.out()).toHaveLength(4);
    ask();
    expect(lab.inUse).toBe(1);
  });

  test('ends in silence when the device goes down', () => {
    ask();
    devClose(lab.dev('p0'));
    expect(lab.inUse).toBe(0);
    devOpen(lab.dev('p0'));
    lab.advance(800);
    expect(lab.out()).toEqual([]);
  });
});
