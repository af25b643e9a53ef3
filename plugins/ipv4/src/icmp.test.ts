import { beforeEach, describe, expect, test } from 'vitest';
import { Ipv4Lab } from './testing/ipv4-lab.ts';

let lab: Ipv4Lab;
beforeEach(() => {
  lab = new Ipv4Lab();
});

const echo = (rest = ''): void => lab.send(`10.0.0.2 > 10.0.0.1 ${rest}/ icmp echo id 1 seq 1 / "echo"`);
const REPLY = 'p0 ip 10.0.0.1 > 10.0.0.2 / icmp echo-reply id 1 seq 1 / "echo"';

describe('echo', () => {
  test('comes back with id, sequence, data and TOS', () => {
    echo();
    echo('tos 0xb9 ');
    expect(lab.out()).toEqual([REPLY, REPLY.replace('2 /', '2 tos 0xb9 /')]);
    expect(lab.counters('Icmp')).toEqual({ InMsgs: 2, InEchos: 2, OutMsgs: 2, OutEchoReps: 2 });
    expect([lab.ipv4.icmpMsgIn[8], lab.ipv4.icmpMsgOut[0]]).toEqual([2, 2]);
  });

  test('is ignored when icmp_echo_ignore_all says so, and answered again after', () => {
    lab.sysctl('icmp_echo_ignore_all=1');
    echo();
    expect(lab.out()).toEqual([]);
    expect(lab.drops()).toEqual({ ICMP_IGNORED: 1 });
    lab.sysctl('icmp_echo_ignore_all=0');
    echo();
    expect(lab.out()).toEqual([REPLY]);
  });

  test('to a broadcast is answered from our address if icmp_echo_ignore_broadcasts is off', () => {
    const all = '10.0.0.2 > 10.0.0.255 / icmp echo id 1 seq 1 / "echo"';
    lab.send(all);
    expect(lab.out()).toEqual([]);
    lab.sysctl('icmp_echo_ignore_broadcasts=0');
    lab.send(all);
    expect(lab.out()).toEqual([REPLY]);
  });

  test('longer than the link takes comes back in pieces', () => {
    lab.command('ip link set p0 mtu 600');
    lab.send('10.0.0.2 > 10.0.0.1 / icmp echo id 1 seq 1 / "z"*1000');
    expect(lab.packets().map((p) => p.length)).toEqual([596, 452]);
  });
});

describe('dropped and counted', () => {
  test.each([
    ['a wrong checksum', '/ icmp echo id 1 seq 1 csum 0x1234', 'ICMP_CSUM', { InMsgs: 1, InErrors: 1, InCsumErrors: 1 }],
    ['a short message', 'proto 1 / 0xf7ff0800', 'PKT_TOO_SMALL', { InMsgs: 1, InErrors: 1 }],
    ['an unknown type', '/ icmp type 99 code 0', 'ICMP_UNHANDLED', { InMsgs: 1, InErrors: 1 }],
    ['a reply nobody waits for', '/ icmp echo-reply id 1 seq 1', 'NO_SOCKET', { InMsgs: 1, InEchoReps: 1 }],
    ['an address mask request', '/ icmp type 17 code 0', 'ICMP_UNHANDLED', { InMsgs: 1, InAddrMasks: 1 }],
  ])('%s', (_, packet, reason, counters) => {
    lab.send(`10.0.0.2 > 10.0.0.1 ${packet}`);
    expect(lab.out()).toEqual([]);
    expect(lab.drops()).toEqual({ [reason]: 1 });
    expect(lab.counters('Icmp')).toEqual(counters);
    expect(lab.inUse).toBe(0);
  });
});

test('a time stamp request is answered with the time of day', () => {
  lab.send('10.0.0.2 > 10.0.0.1 / icmp type 13 code 0 rest 0x00070008 / 0x000003e80000000000000000');
  const [reply] = lab.packets();
  const view = new DataView(reply.buffer, reply.byteOffset + 20);
  expect([view.getUint8(0), view.getUint16(4), view.getUint16(6)]).toEqual([14, 7, 8]);
  expect([view.getUint32(8), view.getUint32(12), view.getUint32(16)]).toEqual([1000, 43_200_000, 43_200_000]);
});

describe('errors about our own packets', () => {
  const quoted = '/ ip 10.0.0.1 > 10.0.0.2 / icmp echo-reply id 1 seq 1 / "12345678"';
  const bigEcho = (): void => lab.send('10.0.0.2 > 10.0.0.1 / icmp echo id 1 seq 1 / "z"*1200');

  test('"fragmentation needed" about an echo reply makes the next ones smaller', () => {
    lab.send(`10.0.0.2 > 10.0.0.1 / icmp frag-needed mtu 700 ${quoted}`);
    bigEcho();
    expect(lab.packets().map((p) => p.length)).toEqual([700, 548]);
  });

  test('with ip_no_pmtu_disc 2 it is not believed', () => {
    lab.sysctl('ip_no_pmtu_disc=2');
    lab.send(`10.0.0.2 > 10.0.0.1 / icmp frag-needed mtu 700 ${quoted}`);
    bigEcho();
    expect(lab.packets().map((p) => p.length)).toEqual([1228]);
  });

  test('about TCP and UDP find nobody', () => {
    lab.send('10.0.0.2 > 10.0.0.1 / icmp port-unreachable / ip 10.0.0.1 > 10.0.0.2 / udp 1 > 2');
    lab.send('10.0.0.2 > 10.0.0.1 / icmp port-unreachable / ip 10.0.0.1 > 10.0.0.2 / tcp 1 > 2 S');
    expect(lab.counters('Icmp')).toMatchObject({ InDestUnreachs: 2, InErrors: 2 });
  });

  test('that quote too little are no use', () => {
    lab.send('10.0.0.2 > 10.0.0.1 / icmp port-unreachable / 0x45000014');
    lab.send('10.0.0.2 > 10.0.0.1 / icmp port-unreachable / 0x4400001400000000401100000a0000010a000002');
    expect(lab.counters('Icmp')).toMatchObject({ InErrors: 2 });
    expect(lab.drops()).toEqual({ PKT_TOO_SMALL: 1, IP_INHDR: 1 });
  });

  test('tell the handler of the protocol and the listeners', () => {
    const heard: string[] = [];
    lab.ipv4.protocols.add({
      protocol: 253,
      handler: () => 0,
      errHandler: (skb, type, code, info) => heard.push(`handler ${type} ${code} ${info} ${skb.len}`),
    });
    lab.ipv4.raw.add({
      protocol: 253,
      address: 0,
      receive() {},
      error: (_skb, type, code, info) => heard.push(`raw ${type} ${code} ${info}`),
    });
    lab.send('10.0.0.2 > 10.0.0.1 / icmp parameter-problem ptr 20 / ip 10.0.0.1 > 10.0.0.2 proto 253 / "12345678"');
    lab.send('10.0.0.2 > 10.0.0.1 / icmp frag-needed mtu 900 / ip 10.0.0.1 > 10.0.0.2 proto 253 / "12345678"');
    expect(heard).toEqual(['raw 12 0 20', 'handler 12 0 20 28', 'raw 3 4 900', 'handler 3 4 900 28']);
  });
});
