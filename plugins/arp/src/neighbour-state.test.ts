import { ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, type Neighbour } from '@packetwalk/framework';
import { beforeEach, describe, expect, test } from 'vitest';
import { ArpLab, ip } from './testing/arp-lab.ts';

const REPLY = 'eth b > p1 / arp reply b is-at b tell p1';
const REQUEST = 'p1 eth p1 > broadcast / arp who-has 10.1.0.2 tell 10.1.0.1';
const PROBE = 'p1 eth p1 > b / arp who-has 10.1.0.2 tell 10.1.0.1';
const packet = (id: number): string => `p1 eth p1 > b / ip 10.0.0.2 > 10.1.0.2 id ${id}`;

let lab: ArpLab;
beforeEach(() => {
  lab = new ArpLab();
});

const send = (): number => lab.send('10.1.0.2', 'p1');
const state = (): string | null => lab.state('10.1.0.2', 'p1');
const reachableTime = (): number => lab.neigh('10.1.0.2', 'p1').parms.reachableTime;
/** The neighbour has answered just now. */
function resolve(): void {
  send();
  lab.receive('p1', REPLY);
  lab.clear();
}

describe('an unknown neighbour', () => {
  test('is asked for at once; what waits leaves with the answer, in order', () => {
    const ids = [send(), send(), send()];
    expect(lab.out()).toEqual([`0 ${REQUEST}`]);
    expect(state()).toBe('INCOMPLETE');
    lab.advance(200);
    lab.receive('p1', REPLY);
    expect(lab.out()).toEqual(ids.map((id) => `200 ${packet(id)}`));
    expect(state()).toBe('REACHABLE');
    expect(lab.inUse).toBe(0);
  });

  test('is asked for three times, a second apart; then the senders hear host unreachable', () => {
    const ids = [send(), send()];
    lab.advance(2999);
    expect(lab.out()).toEqual([`0 ${REQUEST}`, `1000 ${REQUEST}`, `2000 ${REQUEST}`]);
    expect(state()).toBe('INCOMPLETE');
    lab.advance(1);
    expect(state()).toBe('FAILED');
    expect(lab.ipv4.icmp).toEqual(ids.map((id) => ({ t: 3000, type: ICMP_DEST_UNREACH, code: ICMP_HOST_UNREACH, dev: 'p1', id })));
    expect(lab.inUse).toBe(0);
    expect(lab.stats.res_failed).toBe(1);
  });

  test('that failed is asked for anew by the next packet', () => {
    send();
    lab.advance(5000);
    lab.clear();
    send();
    expect(state()).toBe('INCOMPLETE');
    expect(lab.out()).toEqual([`5000 ${REQUEST}`]);
  });

  test('is asked for as the settings say', () => {
    lab.command('sysctl -w net.ipv4.neigh.p1.mcast_solicit=2 net.ipv4.neigh.p1.retrans_time_ms=300');
    send();
    lab.advance(10_000);
    expect(lab.out()).toEqual([`0 ${REQUEST}`, `300 ${REQUEST}`]);
    expect(lab.ipv4.icmp.map(({ t }) => t)).toEqual([600]);
  });

  test('is not asked for without requests to send: the packet is lost at once', () => {
    lab.command('sysctl -w net.ipv4.neigh.p1.mcast_solicit=0');
    send();
    expect(state()).toBe('FAILED');
    expect(lab.out()).toEqual([]);
    expect(lab.inUse).toBe(0);
  });

  test('may be known to an application, which is asked first', () => {
    lab.command('sysctl -w net.ipv4.neigh.p1.app_solicit=1');
    const missed: Neighbour[] = [];
    lab.router.net.notifier.on('neigh:miss', (neigh) => missed.push(neigh));
    send();
    expect(missed.map(({ key }) => key)).toEqual([ip('10.1.0.2')]);
    expect(lab.out()).toEqual([]);
    lab.advance(1000);
    expect(lab.out()).toEqual([`1000 ${REQUEST}`]);
  });

  test('is asked for with no less than 10 ms between requests', () => {
    lab.command('sysctl -w net.ipv4.neigh.p1.retrans_time_ms=0');
    send();
    lab.advance(100);
    expect(lab.out()).toEqual([`0 ${REQUEST}`, `10 ${REQUEST}`, `20 ${REQUEST}`]);
    expect(state()).toBe('FAILED');
  });
});

describe('packets that wait', () => {
  // As many as in Linux 6.18: measured with the same sizes.
  test.each([
    [28, 256],
    [226, 256],
    [227, 166],
    [674, 166],
    [675, 92],
    [1500, 92],
  ])('of %i bytes: %i', (bytes, count) => {
    const ids = Array.from({ length: count + 9 }, () => lab.send('10.1.0.2', 'p1', '10.0.0.2', bytes));
    expect(lab.neigh('10.1.0.2', 'p1').waiting).toBe(count);
    expect(lab.stats.unresolved_discards).toBe(9);
    lab.clear();
    lab.receive('p1', REPLY);
    expect(lab.out()).toEqual(ids.slice(9).map((id) => `0 ${packet(id)}`));
    expect(lab.inUse).toBe(0);
  });

  test('make room for one that is larger than the queue', () => {
    lab.command('sysctl -w net.ipv4.neigh.p1.unres_qlen_bytes=0');
    send();
    const last = send();
    lab.clear();
    lab.receive('p1', REPLY);
    expect(lab.out()).toEqual([`0 ${packet(last)}`]);
  });

  test('are freed when the entry is deleted', () => {
    send();
    lab.command('ip neigh del 10.1.0.2 dev p1');
    expect(state()).toBeNull();
    expect(lab.inUse).toBe(0);
  });
});

describe('a reachable neighbour', () => {
  beforeEach(resolve);

  test('stays so for its reachable time, then is stale', () => {
    const time = reachableTime();
    expect(time).toBeGreaterThanOrEqual(15_000);
    expect(time).toBeLessThan(45_000);
    lab.advance(time);
    expect(state()).toBe('REACHABLE');
    // Due again at that very moment, the timer waits its least time.
    lab.advance(10);
    expect(state()).toBe('STALE');
    expect(lab.out()).toEqual([]);
  });

  test('sends by the cached header', () => {
    const id = send();
    expect(lab.out()).toEqual([`0 ${packet(id)}`]);
  });

  test('stays so while traffic confirms it', () => {
    lab.advance(reachableTime() - 100);
    lab.tbl.confirm(lab.neigh('10.1.0.2', 'p1'));
    lab.advance(reachableTime() - 100);
    expect(state()).toBe('REACHABLE');
  });
});

describe('a stale neighbour', () => {
  beforeEach(() => {
    resolve();
    lab.advance(60_000);
    lab.clear();
  });
  const now = (): number => lab.softirq.clock.now();

  test('is used at once, and probed itself five seconds later', () => {
    const id = send();
    const t = now();
    expect(lab.out()).toEqual([`${t} ${packet(id)}`]);
    expect(state()).toBe('DELAY');
    lab.advance(5000);
    expect(state()).toBe('PROBE');
    expect(lab.out()).toEqual([`${t + 5000} ${PROBE}`]);
    const during = send();
    expect(lab.out()).toEqual([`${t + 5000} ${packet(during)}`]);
    lab.receive('p1', REPLY);
    expect(state()).toBe('REACHABLE');
  });

  test('that does not answer three probes has failed', () => {
    const t = now();
    send();
    lab.clear();
    lab.advance(20_000);
    expect(lab.out()).toEqual([5000, 6000, 7000].map((dt) => `${t + dt} ${PROBE}`));
    expect(state()).toBe('FAILED');
  });

  test('is asked for by broadcasts too, with mcast_resolicit', () => {
    lab.command('sysctl -w net.ipv4.neigh.p1.mcast_resolicit=2 net.ipv4.neigh.p1.ucast_solicit=1');
    const t = now();
    send();
    lab.clear();
    lab.advance(20_000);
    expect(lab.out()).toEqual([`${t + 5000} ${PROBE}`, `${t + 6000} ${REQUEST}`, `${t + 7000} ${REQUEST}`]);
  });

  test('is not probed when traffic confirms it', () => {
    send();
    lab.advance(4000);
    lab.tbl.confirm(lab.neigh('10.1.0.2', 'p1'));
    lab.advance(1000);
    expect(state()).toBe('REACHABLE');
  });
});

test('a neighbour used as its time runs out is probed later, not stale', () => {
  resolve();
  const neigh = lab.neigh('10.1.0.2', 'p1');
  lab.advance(reachableTime());
  neigh.used = lab.softirq.clock.now();
  lab.advance(10);
  expect(state()).toBe('DELAY');
});

test('every change is told, after it', () => {
  const seen: string[] = [];
  lab.router.net.notifier.on('neigh:update', (neigh) => seen.push(`${lab.softirq.clock.now()} ${neigh.dead ? 'deleted' : state()}`));
  send();
  lab.receive('p1', REPLY);
  lab.advance(reachableTime() + 10);
  const stale = lab.softirq.clock.now();
  send();
  lab.advance(8000);
  lab.command('ip neigh del 10.1.0.2 dev p1');
  expect(seen).toEqual(['0 REACHABLE', `${stale} STALE`, `${stale + 5000} PROBE`, `${stale + 8000} FAILED`, `${stale + 8000} deleted`]);
});

test('a deleted entry sends nothing, whoever still has it', () => {
  resolve();
  const neigh = lab.neigh('10.1.0.2', 'p1');
  lab.command('ip neigh del 10.1.0.2 dev p1');
  expect(neigh.dead).toBe(true);
  send();
  expect(lab.neigh('10.1.0.2', 'p1')).not.toBe(neigh);
  expect(state()).toBe('INCOMPLETE');
});
