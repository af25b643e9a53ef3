import { beforeEach, describe, expect, test } from 'vitest';
import { Ipv4Lab } from './testing/ipv4-lab.ts';

let lab: Ipv4Lab;
beforeEach(() => {
  lab = new Ipv4Lab();
});

const segment = (tcp: string, header = ''): void => lab.send(`10.0.0.2 > 10.0.0.1 ${header}/ tcp 5 > 6 ${tcp}`);

describe('a segment that nobody wants is reset', () => {
  test.each([
    ['SYN', 'S seq 100', 'RA ack 101'],
    ['SYN and FIN count one each', 'SF seq 0xffffffff', 'RA ack 1'],
    ['data counts its bytes', 'P seq 100 / "abcd"', 'RA ack 104'],
    ['ACK: from where it was acknowledged', 'A seq 100 ack 5555', 'R seq 5555'],
    ['nothing at all', 'none seq 7', 'RA ack 7'],
  ])('%s', (_, tcp, reset) => {
    segment(tcp);
    expect(lab.out()).toEqual([`p0 ip 10.0.0.1 > 10.0.0.2 df / tcp 6 > 5 ${reset} win 0`]);
    expect(lab.counters('Tcp')).toEqual({ InSegs: 1, OutSegs: 1, OutRsts: 1 });
    expect(lab.drops()).toEqual({ NO_SOCKET: 1 });
    expect(lab.inUse).toBe(0);
  });

  test('with the TOS it had, less ECN, and identification 0 with DF', () => {
    segment('S', 'tos 0xbb ');
    const [answer] = lab.packets();
    expect([...answer.subarray(0, 8)]).toEqual([0x45, 0xb8, 0, 40, 0, 0, 0x40, 0]);
  });
});

describe('silence follows', () => {
  test.each([
    ['a reset', 'R', { InSegs: 1 }, 'NO_SOCKET'],
    ['a wrong checksum', 'S csum 0x1234', { InSegs: 1, InErrs: 1, InCsumErrors: 1 }, 'TCP_CSUM'],
    ['an MD5 signature', `S opts 0x1312${'00'.repeat(16)}0000`, { InSegs: 1 }, 'NO_SOCKET'],
    ['an AO signature', `S opts 0x1d10${'00'.repeat(14)}01010101`, { InSegs: 1 }, 'NO_SOCKET'],
    ['a malformed option', `S opts 0x01040${'1'.repeat(35)}`, { InSegs: 1 }, 'NO_SOCKET'],
  ])('%s', (_, tcp, counters, reason) => {
    segment(tcp);
    expect(lab.out()).toEqual([]);
    expect(lab.counters('Tcp')).toEqual(counters);
    expect(lab.drops()).toEqual({ [reason]: 1 });
  });

  test('a segment to all', () => {
    lab.send('10.0.0.2 > 10.0.0.255 / tcp 5 > 6 S');
    lab.receive('p0', 'eth a > broadcast / ip 10.0.0.2 > 10.0.0.1 / tcp 5 > 6 S');
    expect(lab.out()).toEqual([]);
  });

  test('headers too short', () => {
    lab.send('10.0.0.2 > 10.0.0.1 proto 6 / "short"');
    lab.send('10.0.0.2 > 10.0.0.1 proto 6 / 0x0005000600000000000000004002200000000000');
    lab.send('10.0.0.2 > 10.0.0.1 proto 6 / 0x000500060000000000000000f002200000000000');
    expect(lab.out()).toEqual([]);
    expect(lab.drops()).toEqual({ PKT_TOO_SMALL: 3 });
    expect(lab.counters('Tcp')).toEqual({ InSegs: 3, InErrs: 1 });
  });
});

test('options of the segment come back with the reset', () => {
  segment('S', 'opts 0x070b04000000000000000000 ');
  expect(lab.packets().map((p) => Buffer.from(p.subarray(20, 32)).toString('hex'))).toEqual(['070b0c0a0000010a00000100']);
});
