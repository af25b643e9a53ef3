import { kfreeSkb, NF_ACCEPT, NF_IP_LOCAL_IN, NF_IP_PRE_ROUTING, PF_INET, SKB_DROP_REASON_NO_SOCKET, skbPull } from '@packetwalk/framework';
import { beforeEach, describe, expect, test } from 'vitest';
import { Ipv4Lab } from './testing/ipv4-lab.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

let lab: Ipv4Lab;
beforeEach(() => {
  lab = new Ipv4Lab();
});

/** Sends a frame of these header bytes; the checksum is made right unless `check` is given. */
function sendHeader(bytes: Uint8Array, check?: number): void {
  const packet = bytes.slice();
  const view = new DataView(packet.buffer);
  const hlen = Math.min((packet[0] & 15) * 4 || 20, packet.length & ~1);
  if (packet.length >= 12) {
    view.setUint16(10, 0);
    let sum = 0;
    for (let i = 0; i + 1 < hlen; i += 2) sum += view.getUint16(i);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(10, check ?? ~sum & 0xffff);
  }
  const frame = new Uint8Array(14 + packet.length);
  frame.set(hex('020000000010' + '02000a000002' + '0800'));
  frame.set(packet, 14);
  lab.receiveBytes('p0', frame);
}

/** A UDP packet from a to b, 28 bytes. */
const GOOD = hex('4500001c0001000040110000' + '0a000002' + '0a010002' + '0001000200080000');
const changed = (...changes: [number, number][]): Uint8Array => {
  const bytes = GOOD.slice();
  for (const [offset, value] of changes) bytes[offset] = value;
  return bytes;
};

describe('ipRcv drops', () => {
  test.each<[string, Uint8Array, number | undefined, string, string]>([
    ['another version', changed([0, 0x55]), undefined, 'IP_INHDR', 'InHdrErrors'],
    ['version 6', changed([0, 0x65]), undefined, 'IP_INHDR', 'InHdrErrors'],
    ['a header of four words', changed([0, 0x44]), undefined, 'IP_INHDR', 'InHdrErrors'],
    ['a header of no words', changed([0, 0x40]), undefined, 'IP_INHDR', 'InHdrErrors'],
    ['a header longer than the packet', changed([0, 0x4f]), undefined, 'PKT_TOO_SMALL', 'InHdrErrors'],
    ['a wrong checksum', GOOD, 0x1234, 'IP_CSUM', 'InHdrErrors'],
    ['a total length below the header', changed([3, 19]), undefined, 'IP_INHDR', 'InHdrErrors'],
    ['a total length of 0', changed([3, 0]), undefined, 'IP_INHDR', 'InHdrErrors'],
    ['no bytes at all', GOOD.subarray(0, 0), undefined, 'PKT_TOO_SMALL', 'InHdrErrors'],
    ['19 bytes', GOOD.subarray(0, 19), undefined, 'PKT_TOO_SMALL', 'InHdrErrors'],
  ])('%s', (_, bytes, check, reason, counter) => {
    sendHeader(bytes, check);
    expect(lab.drops()).toEqual({ [reason]: 1 });
    expect(lab.counters('Ip')).toEqual({ InReceives: 1, [counter]: 1 });
    expect(lab.out()).toEqual([]);
    expect(lab.inUse).toBe(0);
  });

  test('a packet cut short, which is no header error', () => {
    sendHeader(changed([2, 1]));
    expect(lab.drops()).toEqual({ PKT_TOO_SMALL: 1 });
    expect(lab.counters('Ip')).toEqual({ InReceives: 1 });
    expect(lab.counters('IpExt')).toMatchObject({ InTruncatedPkts: 1 });
  });

  test('a checksum error counts twice, as with the kernel', () => {
    sendHeader(GOOD, 0);
    expect(lab.counters('IpExt')).toMatchObject({ InCsumErrors: 1 });
  });

  test("another host's frame, before it is counted", () => {
    lab.receive('p0', 'eth a > b / ip 10.0.0.2 > 10.1.0.2 / udp 1 > 2');
    expect(lab.drops()).toEqual({ OTHERHOST: 1 });
    expect(lab.counters('Ip')).toEqual({});
  });
});

describe('ipRcv accepts', () => {
  test('a right header, in all its lengths', () => {
    for (let words = 5; words <= 15; words++) {
      const bytes = new Uint8Array(words * 4 + 8).fill(1);
      bytes.set(GOOD.subarray(0, 20));
      bytes[0] = 0x40 | words;
      bytes[3] = bytes.length;
      sendHeader(bytes);
    }
    expect(lab.packets()).toHaveLength(11);
    expect(lab.drops()).toEqual({});
  });

  test('a frame longer than the packet, without its padding', () => {
    sendHeader(new Uint8Array([...GOOD, ...new Uint8Array(18).fill(0xee)]));
    expect(lab.packets().map((p) => p.length)).toEqual([28]);
    expect(lab.counters('IpExt')).toMatchObject({ InOctets: 46, OutOctets: 28 });
  });

  test('and counts by the ECN field', () => {
    for (const tos of [0, 0, 0, 1, 2, 2, 3]) sendHeader(changed([1, tos]));
    expect(lab.counters('IpExt')).toMatchObject({ InNoECTPkts: 3, InECT1Pkts: 1, InECT0Pkts: 2, InCEPkts: 1 });
  });
});

describe('broadcasts and multicasts', () => {
  test('are counted as such', () => {
    lab.receive('p0', 'eth a > broadcast / ip 10.0.0.2 > 10.0.0.255 / udp 1 > 2 / "to all"');
    lab.receive('p0', 'eth a > 01:00:5e:00:00:01 / ip 10.0.0.2 > 224.0.0.1 / udp 1 > 2 / "to the group"');
    expect(lab.counters('IpExt')).toMatchObject({ InBcastPkts: 1, InBcastOctets: 34, InMcastPkts: 1, InMcastOctets: 40 });
    expect(lab.out()).toEqual([]);
  });

  test('of the link carry unicast packets, unless the device refuses', () => {
    const packet = 'eth a > broadcast / ip 10.0.0.2 > 10.0.0.1 / icmp echo id 1 seq 1';
    lab.receive('p0', packet);
    expect(lab.out()).toEqual(['p0 ip 10.0.0.1 > 10.0.0.2 / icmp echo-reply id 1 seq 1']);
    lab.sysctl('conf.p0.drop_unicast_in_l2_multicast=1');
    lab.receive('p0', packet);
    expect(lab.out()).toEqual([]);
    expect(lab.drops()).toEqual({ UNICAST_IN_L2_MULTICAST: 1 });
  });
});

describe('delivery', () => {
  test('passes PRE_ROUTING and LOCAL_IN, then the protocol with data at its header', () => {
    const seen: string[] = [];
    for (const hooknum of [NF_IP_PRE_ROUTING, NF_IP_LOCAL_IN]) {
      lab.net.nf.register({
        pf: PF_INET,
        hooknum,
        priority: 0,
        hook(skb, state) {
          seen.push(`${hooknum} in ${state.in?.name} out ${state.out?.name} data at ${skb.data - skb.networkHeader}`);
          return NF_ACCEPT;
        },
      });
    }
    lab.ipv4.protocols.add({
      protocol: 253,
      handler(skb) {
        seen.push(`handler data at ${skb.data - skb.networkHeader}, ${skb.len} bytes`);
        kfreeSkb(skb, SKB_DROP_REASON_NO_SOCKET);
        return 0;
      },
    });
    lab.send('10.0.0.2 > 10.0.0.1 proto 253 / "abc"');
    expect(seen).toEqual(['0 in p0 out undefined data at 0', '1 in p0 out undefined data at 0', 'handler data at 20, 3 bytes']);
    expect(lab.counters('Ip')).toMatchObject({ InReceives: 1, InDelivers: 1 });
  });

  test('goes on with the protocol that a handler names', () => {
    lab.ipv4.protocols.add({
      protocol: 253,
      handler(skb) {
        skbPull(skb, 4);
        return -17;
      },
    });
    lab.send('10.0.0.2 > 10.0.0.1 proto 253 / "skip" 0x0001000200080000');
    expect(lab.counters('Udp')).toEqual({ NoPorts: 1 });
    expect(lab.counters('Ip')).toMatchObject({ InDelivers: 1 });
  });

  test('of an unknown protocol is refused with an error', () => {
    lab.send('10.0.0.2 > 10.0.0.1 proto 253 / "abc"');
    expect(lab.out()).toEqual([
      'p0 ip 10.0.0.1 > 10.0.0.2 tos 0xc0 / icmp protocol-unreachable / ip 10.0.0.2 > 10.0.0.1 proto 253 / "abc"',
    ]);
    expect(lab.counters('Ip')).toMatchObject({ InUnknownProtos: 1 });
    expect(lab.drops()).toEqual({ IP_NOPROTO: 1 });
  });

  test('two handlers of one protocol are a mistake, and each is undone', () => {
    const { protocols } = lab.ipv4;
    const undo = protocols.add({ protocol: 200, handler: () => 0 });
    expect(() => protocols.add({ protocol: 200, handler: () => 0 })).toThrow('IP protocol 200 has a handler already');
    expect(() => protocols.add({ protocol: 256, handler: () => 0 })).toThrow('does not exist');
    undo();
    expect(protocols.get(200)).toBeNull();
  });
});

test('the walk names its stages', () => {
  const walk: string[] = [];
  lab.tracer.filter = () => true;
  lab.tracer.listen(({ kind, name }) => walk.push(`${kind} ${name}`));
  lab.send('10.0.0.2 > 10.1.0.2 ttl 9 / udp 1 > 2');
  expect(walk).toEqual([
    'stage netifReceiveSkb',
    'stage ipRcv',
    'hook NF_INET_PRE_ROUTING',
    'stage ipRcvFinish',
    'stage ipRouteInput',
    'stage ipForward',
    'stage ipDecreaseTtl',
    'hook NF_INET_FORWARD',
    'stage ipOutput',
    'hook NF_INET_POST_ROUTING',
    'stage ipFinishOutput2',
    'stage devQueueXmit',
  ]);
});
