import { allocSkb, CHECKSUM_PARTIAL, csumFold, csumPartial, csumTcpudpPseudo, skbPutData } from '@packetwalk/framework';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fragGeometry, keepGeometry } from './frag-geometry.ts';
import { ipDoFragment } from './ip-fragment.ts';
import { Ipv4Lab, ip } from './testing/ipv4-lab.ts';

const labs = new Map<number, Ipv4Lab>();
/** A router whose second port has this MTU; one for each, they are dear to make. */
function labOf(mtu: number): Ipv4Lab {
  let lab = labs.get(mtu);
  if (lab === undefined) {
    lab = new Ipv4Lab({ mtu: { p1: mtu, p0: 9000 } });
    labs.set(mtu, lab);
  }
  return lab;
}

interface Header {
  readonly hlen: number;
  readonly total: number;
  readonly more: boolean;
  readonly df: boolean;
  readonly offset: number;
  readonly options: Uint8Array;
  readonly payload: Uint8Array;
}

function read(packet: Uint8Array): Header {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const hlen = (packet[0] & 15) * 4;
  const word = view.getUint16(6);
  expect(csumPartial(view, 0, hlen)).toBe(0xffff);
  expect(view.getUint16(2)).toBe(packet.length);
  return {
    hlen,
    total: packet.length,
    more: (word & 0x2000) !== 0,
    df: (word & 0x4000) !== 0,
    offset: (word & 0x1fff) * 8,
    options: packet.subarray(20, hlen),
    payload: packet.subarray(hlen),
  };
}

/** Copied options stay in every fragment, the others become no-operations: by the list of options that the test made. */
const option = fc.constantFrom(
  { bytes: [0x9e, 4, 0xab, 0xcd], copied: true },
  { bytes: [0x1e, 4, 0xab, 0xcd], copied: false },
  { bytes: [0x1e, 3, 0xab, 1], copied: false },
  { bytes: [0x9e, 2, 1, 1], copied: true },
  { bytes: [0x82, 8, 1, 2, 3, 4, 5, 6], copied: true },
  { bytes: [1, 1, 1, 1], copied: false },
);

describe('a packet longer than the link takes', () => {
  test('is cut so that it can be put together again, whatever its length, options and the MTU', () => {
    const mtus = fc.constantFrom(68, 69, 75, 76, 100, 576, 1006, 1280, 1499, 1500);
    const packets = fc.record({
      mtu: mtus,
      length: fc.integer({ min: 0, max: 3000 }),
      options: fc.array(option, { maxLength: 5 }),
      seed: fc.nat(255),
    });
    fc.assert(
      fc.property(packets, ({ mtu, length, options, seed }) => {
        const lab = labOf(mtu);
        const opts = options.flatMap((o) => o.bytes);
        const payload = Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 255);
        const frame = new Uint8Array(14 + 20 + opts.length + length);
        const view = new DataView(frame.buffer);
        frame.set([2, 0, 0, 0, 0, 0x10, 2, 0, 10, 0, 0, 2, 8, 0, 0x45 + opts.length / 4]);
        view.setUint16(16, frame.length - 14);
        view.setUint16(18, seed);
        frame[22] = 64;
        frame[23] = 253;
        view.setInt32(26, ip('10.0.0.2'));
        view.setInt32(30, ip('10.1.0.2'));
        frame.set(opts, 34);
        view.setUint16(24, csumFold(csumPartial(view, 14, 20 + opts.length)));
        frame.set(payload, 34 + opts.length);
        lab.receiveBytes('p0', frame);

        const fragments = lab.packets().map(read);
        const most = mtu - 20 - opts.length;
        if (20 + opts.length + length > mtu && most < 8) {
          expect(fragments).toEqual([]);
          return;
        }
        const whole = new Uint8Array(length);
        fragments.forEach((f, i) => {
          expect(f.total).toBeLessThanOrEqual(mtu);
          expect(f.offset).toBe(fragments.slice(0, i).reduce((sum, o) => sum + o.payload.length, 0));
          expect(f.more).toBe(i < fragments.length - 1);
          if (f.more) expect(f.payload.length % 8).toBe(0);
          if (f.more) expect(f.payload.length).toBeGreaterThan(most - 8);
          const blank = options.flatMap((o) => (o.copied || i === 0 ? o.bytes : o.bytes.map(() => 1)));
          // What is behind a two- or three-byte option is a no-operation either way.
          expect([...f.options]).toEqual(blank);
          whole.set(f.payload, f.offset);
        });
        expect(whole).toEqual(payload);
        expect(lab.inUse).toBe(0);
      }),
      { numRuns: 300, seed: 791 },
    );
  });

  test('and came as a fragment stays one: offsets go on, MF stays', () => {
    const lab = labOf(576);
    lab.send('10.0.0.2 > 10.1.0.2 id 9 mf frag 800 proto 253 / "m"*800');
    expect(lab.out()).toEqual([
      'p1 ip 10.0.0.2 > 10.1.0.2 ttl 63 id 9 mf frag 800 proto 253 / "m"*552',
      'p1 ip 10.0.0.2 > 10.1.0.2 ttl 63 id 9 mf frag 1352 proto 253 / "m"*248',
    ]);
  });

  test('has its transport checksum finished first', () => {
    const lab = labOf(576);
    const flow = { daddr: ip('10.1.0.2'), saddr: 0, tos: 0, iif: 0, oif: 0, mark: 0, protocol: 17, scope: 0, sport: 0, dport: 0, flags: 0 };
    const rt = lab.ipv4.routing.routeOutput(flow);
    if (typeof rt === 'number') throw new Error('no route');
    const skb = allocSkb(lab.net, rt.dev, 1000);
    const bytes = new Uint8Array(20 + 8 + 900).fill(3);
    const view = new DataView(bytes.buffer);
    bytes[0] = 0x45;
    bytes[9] = 17;
    view.setUint16(2, bytes.length);
    view.setUint16(6, 0);
    view.setUint16(20 + 4, 908);
    view.setUint16(20 + 6, csumFold(csumTcpudpPseudo(ip('10.1.0.1'), flow.daddr, 17, 908)) ^ 0xffff);
    view.setInt32(12, ip('10.1.0.1'));
    view.setInt32(16, flow.daddr);
    skbPutData(skb, bytes);
    skb.networkHeader = skb.data;
    skb.dst = rt;
    skb.ipSummed = CHECKSUM_PARTIAL;
    skb.csumStart = skb.data + 20;
    skb.csumOffset = 6;
    const sent: Uint8Array[] = [];
    ipDoFragment(skb, 576, (fragment) => {
      sent.push(fragment.head.buf.slice(fragment.data + 20, fragment.data + fragment.len));
      expect(fragment.ipSummed).toBe(0);
      lab.net.pool.give(fragment);
      return 0;
    });
    const datagram = new Uint8Array(sent.flatMap((s) => [...s]));
    const pseudo = csumTcpudpPseudo(ip('10.1.0.1'), flow.daddr, 17, 908);
    expect(csumPartial(new DataView(datagram.buffer), 0, 908, pseudo)).toBe(0xffff);
    expect(lab.inUse).toBe(0);
  });

  test('stops at the first fragment that is lost', () => {
    const lab = new Ipv4Lab({ mtu: { p1: 576 }, deaf: ['10.1.0.7'] });
    lab.send('10.0.0.2 > 10.1.0.7 id 9 proto 253 / "m"*1400');
    expect(lab.counters('Ip')).toMatchObject({ FragFails: 1 });
    expect(lab.counters('Ip').FragCreates).toBeUndefined();
    expect(lab.drops()).toEqual({ NEIGH_FAILED: 1, IP_FRAG_LOST: 1 });
    expect(lab.inUse).toBe(0);
  });
});

describe('the sizes that a packet came in', () => {
  const lab = new Ipv4Lab();
  const withSizes = (...sizes: number[]): (readonly number[] | null)[] => {
    const skb = allocSkb(lab.net, lab.dev('p0'), 100);
    keepGeometry(skb, 0, sizes);
    const answers = [
      fragGeometry(skb, 0, 1000, 600),
      fragGeometry(skb, 0, 1000, 500),
      fragGeometry(skb, 0, 999, 600),
      fragGeometry(skb, 1, 1000, 600),
    ];
    lab.net.pool.give(skb);
    return answers;
  };

  test('are used while they fit the payload and the link', () => {
    expect(withSizes(504, 496)).toEqual([[504, 496], null, null, null]);
    expect(withSizes(400, 600)).toEqual([[400, 600], null, null, null]);
    expect(withSizes(401, 599)).toEqual([null, null, null, null]);
    expect(withSizes(1000)).toEqual([null, null, null, null]);
  });
});
