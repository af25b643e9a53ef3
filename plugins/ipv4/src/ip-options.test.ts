import { beforeEach, describe, expect, test } from 'vitest';
import { Ipv4Lab } from './testing/ipv4-lab.ts';

let lab: Ipv4Lab;
beforeEach(() => {
  lab = new Ipv4Lab();
});

/** Options of the IP packets that left, in hexadecimal, and the address they are for. */
function options(): [string, string][] {
  return lab.packets().map((p) => [Buffer.from(p.subarray(20, (p[0] & 15) * 4)).toString('hex'), p.subarray(16, 20).join('.')]);
}

/** The lab's clock stands at noon: 43,200,000 ms since midnight. */
const NOON = '02932e00';

describe('record route', () => {
  test('notes the address of the side the packet leaves by', () => {
    lab.send('10.0.0.2 > 10.1.0.2 opts 0x070b04000000000000000000 / udp 1 > 2');
    expect(options()).toEqual([[`070b08${'0a010001'}0000000000`, '10.1.0.2']]);
  });

  test('that is full goes on as it is', () => {
    lab.send('10.0.0.2 > 10.1.0.2 opts 0x0707080102030400 / udp 1 > 2');
    expect(options()).toEqual([['0707080102030400', '10.1.0.2']]);
  });

  test('in an echo request comes back in the reply, with one address more', () => {
    lab.send('10.0.0.2 > 10.0.0.1 opts 0x070b04000000000000000000 / icmp echo id 1 seq 1');
    expect(options()).toEqual([['070b0c0a0000010a00000100', '10.0.0.2']]);
  });
});

describe('time stamps', () => {
  test.each([
    ['times only', '440c05000000000000000000', `440c0900${NOON}00000000`],
    ['addresses and times', '440c05010000000000000000', `440c0d010a000001${NOON}`],
    ['of this router, which was named', '440c05030a00000100000000', `440c0d030a000001${NOON}`],
    ['of another router', '440c05030a00000900000000', '440c05030a00000900000000'],
    ['of an unknown kind', '440c05020000000000000000', '440c05020000000000000000'],
    ['without room are counted', '440809000a000001', '440809100a000001'],
  ])('%s', (_, before, after) => {
    lab.send(`10.0.0.2 > 10.1.0.2 opts 0x${before} / udp 1 > 2`);
    expect(options()).toEqual([[after, '10.1.0.2']]);
  });

  test('in an echo request come back in the reply', () => {
    lab.send(`10.0.0.2 > 10.0.0.1 opts 0x44140501${'00'.repeat(16)} / icmp echo id 1 seq 1`);
    expect(options()).toEqual([[`441415010a000001${NOON}0a000001${NOON}`, '10.0.0.2']]);
  });
});

describe('source routes', () => {
  beforeEach(() => lab.sysctl('conf.all.accept_source_route=1'));

  test('are refused unless the device and all accept them', () => {
    lab.sysctl('conf.all.accept_source_route=0');
    lab.send('10.0.0.2 > 10.0.0.1 opts 0x8307040a01000200 / udp 1 > 2');
    lab.sysctl('conf.all.accept_source_route=1');
    lab.sysctl('conf.p0.accept_source_route=0');
    lab.send('10.0.0.2 > 10.0.0.1 opts 0x8307040a01000200 / udp 1 > 2');
    expect(lab.out()).toEqual([]);
    expect(lab.drops()).toEqual({ IP_SOURCE_ROUTED: 2 });
  });

  test('lead to the next hop, whose place gets the address of the way out', () => {
    lab.send('10.0.0.2 > 10.0.0.1 opts 0x8307040a01000200 / udp 1 > 2');
    lab.send('10.0.0.2 > 10.0.0.1 opts 0x8907040a01000200 / udp 1 > 2');
    expect(options()).toEqual([
      ['8307080a01000100', '10.1.0.2'],
      ['8907080a01000100', '10.1.0.2'],
    ]);
  });

  test('pass over hops that are addresses of this router too', () => {
    lab.send('10.0.0.2 > 10.0.0.1 opts 0x830b040a0100010a01000200 / udp 1 > 2');
    expect(options()).toEqual([['830b0c0a0100010a01000100', '10.1.0.2']]);
  });

  test('that are strict end at a gateway, and at a router that was not named', () => {
    lab.send('10.0.0.2 > 10.0.0.1 opts 0x890704cb00710100 / udp 1 > 2');
    lab.send('10.0.0.2 > 10.1.0.2 opts 0x8907040a01000300 / udp 1 > 2');
    expect(lab.out()).toEqual([
      expect.stringContaining('icmp source-route-failed'),
      expect.stringContaining('icmp parameter-problem ptr 16'),
    ]);
    expect(lab.drops()).toEqual({ IP_SOURCE_ROUTED: 2 });
  });

  test('that are used up are answered backwards', () => {
    lab.send('10.0.0.2 > 10.0.0.1 opts 0x8307080a00000900 / icmp echo id 1 seq 1');
    expect(options()).toEqual([['8307040a00000200', '10.0.0.9']]);
  });

  test('in link-layer broadcasts are refused', () => {
    lab.receive('p0', 'eth a > broadcast / ip 10.0.0.2 > 10.0.0.1 opts 0x8307040a01000200 / udp 1 > 2');
    expect(lab.drops()).toEqual({ IP_SOURCE_ROUTED: 1 });
    expect(lab.out()).toEqual([]);
  });
});

describe('malformed options are answered with the place of the bad byte', () => {
  test.each([
    ['07000400', 20, 'length 0'],
    ['07010400', 20, 'length 1'],
    ['07020000', 21, 'no pointer'],
    ['07030300', 22, 'pointer too small'],
    ['0706040000000000', 22, 'no room for an address'],
    ['07280400', 20, 'longer than the header'],
    ['01010107', 23, 'kind without a length'],
    ['44030500', 21, 'time stamp without its fields'],
    ['44080400', 20, 'time stamp longer than the header'],
    ['4408040000000000', 22, 'time stamp pointer too small'],
    ['44070500000000ff', 22, 'no room for a time'],
    ['4408050100000000', 22, 'no room for an address and a time'],
    ['440809f00a000001', 23, 'overflow counter full'],
    ['8302000000000000', 21, 'source route without a pointer'],
    ['8307030a01000200', 22, 'source route pointer too small'],
    ['8307040a0100028307040a0100020000', 27, 'two source routes'],
    ['0707040000000007070400000000ffff', 27, 'two record routes'],
    ['4408050000000000440805000000000000', 28, 'two time stamps'],
    ['94030000', 21, 'short router alert'],
    ['86040000', 21, 'short CIPSO label'],
    ['8608000000010102', 22, 'CIPSO label of an unknown domain'],
  ])('%s: %i, %s', (hex, pointer) => {
    const padded = hex.padEnd(Math.ceil(hex.length / 8) * 8, '0');
    lab.send(`10.0.0.2 > 10.1.0.2 opts 0x${padded} / udp 1 > 2`);
    expect(lab.out()).toEqual([expect.stringContaining(`icmp parameter-problem ptr ${pointer} `)]);
    expect(lab.drops()).toEqual({ IP_OPTIONS: 1 });
    expect(lab.counters('Ip')).toMatchObject({ InHdrErrors: 1 });
    expect(lab.inUse).toBe(0);
  });
});

test('what is behind the end of options is cleared', () => {
  lab.send('10.0.0.2 > 10.1.0.2 opts 0x01000707ffffffff / udp 1 > 2');
  expect(options()).toEqual([['0100000000000000', '10.1.0.2']]);
});

test('a router alert in transit goes to those who asked for it, whole', () => {
  const got: string[] = [];
  const undo = lab.ipv4.raw.add({ protocol: 253, address: 0, routerAlert: true, receive: (skb) => got.push(`${skb.len} bytes`) });
  const alert = '10.0.0.2 > 10.1.0.2 opts 0x94040000 id 5';
  lab.send(`${alert} mf proto 253 / "12345678"`);
  lab.send(`${alert} frag 8 proto 253 / "9"`);
  lab.send('10.0.0.2 > 10.1.0.2 opts 0x94040000 proto 252 / "other"');
  expect(got).toEqual(['9 bytes']);
  expect(lab.packets()).toHaveLength(1);
  undo();
  lab.send(`${alert} proto 253 / "passes"`);
  expect(lab.packets()).toHaveLength(1);
  expect(lab.inUse).toBe(0);
});
