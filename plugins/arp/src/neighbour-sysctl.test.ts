import { beforeEach, describe, expect, test } from 'vitest';
import { ArpLab, ip } from './testing/arp-lab.ts';

let lab: ArpLab;
beforeEach(() => {
  lab = new ArpLab();
});
const get = (name: string): string => lab.command(`sysctl -n net.ipv4.neigh.${name}`).trim();
const set = (name: string, value: string): string => lab.command(`sysctl -w "net.ipv4.neigh.${name}=${value}"`);

// Names and values as Linux 6.18 has them.
test("names and defaults are the kernel's", () => {
  const expected = {
    anycast_delay: 100,
    app_solicit: 0,
    base_reachable_time: 30,
    base_reachable_time_ms: 30000,
    delay_first_probe_time: 5,
    gc_stale_time: 60,
    interval_probe_time_ms: 5000,
    locktime: 100,
    mcast_resolicit: 0,
    mcast_solicit: 3,
    proxy_delay: 80,
    proxy_qlen: 64,
    retrans_time: 100,
    retrans_time_ms: 1000,
    ucast_solicit: 3,
    unres_qlen: 101,
    unres_qlen_bytes: 212992,
  };
  const limits = { gc_interval: 30, gc_thresh1: 128, gc_thresh2: 512, gc_thresh3: 1024 };
  const shown = (where: string): Record<string, number> => {
    const prefix = `net.ipv4.neigh.${where}.`;
    const names = lab.router.net.sysctl.names().filter((name) => name.startsWith(prefix));
    return Object.fromEntries(names.map((name) => [name.slice(prefix.length), Number(get(name.slice('net.ipv4.neigh.'.length)))]));
  };
  for (const dev of ['lo', 'p0', 'p1']) expect(shown(dev)).toEqual(expected);
  expect(shown('default')).toEqual({ ...expected, ...limits });
});

describe('values', () => {
  test('are read as the kernel reads them', () => {
    set('p0.locktime', '0x10');
    expect(get('p0.locktime')).toBe('16');
    set('p0.locktime', ' 5 6');
    expect(get('p0.locktime')).toBe('5');
    set('p0.locktime', '010');
    expect(get('p0.locktime')).toBe('8');
  });

  test.each([
    ['locktime', 'x'],
    ['locktime', ''],
    ['locktime', '1.5'],
    ['app_solicit', '-1'],
    ['retrans_time_ms', '-1'],
    ['interval_probe_time_ms', '0'],
    ['base_reachable_time', '2147484'],
    ['proxy_qlen', '99999999999'],
  ])('%s = %j is refused and changes nothing', (name, value) => {
    const before = get(`p0.${name}`);
    expect(set(`p0.${name}`, value)).toMatch(/^sysctl: setting key "net\.ipv4\.neigh\.p0\..*": Invalid argument/);
    expect(get(`p0.${name}`)).toBe(before);
  });

  test('have two names in different units', () => {
    set('p0.retrans_time', '30');
    expect(get('p0.retrans_time_ms')).toBe('300');
    set('p0.unres_qlen', '3');
    expect(get('p0.unres_qlen_bytes')).toBe(String(3 * 2112));
    set('p0.unres_qlen_bytes', '1');
    expect(get('p0.unres_qlen')).toBe('1');
    set('p0.base_reachable_time_ms', '1500');
    expect(get('p0.base_reachable_time')).toBe('2');
  });
});

describe('default', () => {
  test('is followed by devices without an address, until they have a value of their own', () => {
    // p0 and p1 have addresses.
    const lo = 'lo.locktime';
    set('default.locktime', '9');
    expect([get(lo), get('p0.locktime')]).toEqual(['9', '100']);
    set(lo, '11');
    set('default.locktime', '10');
    expect(get(lo)).toBe('11');
  });

  test('is not followed once an address was given', () => {
    lab.ipv4.addAddress(lab.dev('lo'), { local: ip('127.0.0.1'), prefixlen: 8 });
    set('default.locktime', '9');
    expect(get('lo.locktime')).toBe('100');
  });
});

test('a new base_reachable_time counts at once: half to one and a half of it', () => {
  for (let i = 0; i < 50; i++) {
    set('p0.base_reachable_time', '10');
    const { reachableTime } = lab.tbl.parms.of(lab.dev('p0'));
    expect(reachableTime).toBeGreaterThanOrEqual(5000);
    expect(reachableTime).toBeLessThan(15_000);
  }
  set('p0.base_reachable_time', '0');
  expect(lab.tbl.parms.of(lab.dev('p0')).reachableTime).toBe(0);
});

test('a reachable time is drawn anew every five minutes', () => {
  lab.command('ip neigh add 10.0.0.9 dev p0 lladdr 02:00:00:00:0a:09 nud stale');
  const parms = lab.tbl.parms.of(lab.dev('p0'));
  const before = parms.reachableTime;
  lab.advance(299_000);
  expect(parms.reachableTime).toBe(before);
  lab.advance(30_000);
  expect(parms.reachableTime).not.toBe(before);
});
