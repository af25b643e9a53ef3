import {
  consumeSkb,
  IP_DEFRAG_CONNTRACK_IN,
  IP_DEFRAG_CONNTRACK_OUT,
  NF_ACCEPT,
  NF_IP_PRE_ROUTING,
  NF_STOLEN,
  PF_INET,
  skbBytes,
} from '@packetwalk/framework';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { ipDefrag } from './ip-defrag.ts';
import { Ipv4Lab } from './testing/ipv4-lab.ts';

/** Payloads that were delivered, protocol 253. */
let delivered: Uint8Array[];
let lab: Ipv4Lab;

function newLab(): void {
  lab = new Ipv4Lab();
  delivered = [];
  lab.ipv4.protocols.add({
    protocol: 253,
    handler(skb) {
      delivered.push(skbBytes(skb).slice());
      consumeSkb(skb);
      return 0;
    },
  });
}
beforeEach(newLab);

interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly more: boolean;
  /** What its bytes are. */
  readonly fill: number;
}

function sendPiece({ offset, length, more, fill }: Piece, id = 1, rest = ''): void {
  const data = `0x${fill.toString(16).padStart(2, '0').repeat(length)}`;
  lab.send(
    `10.0.0.2 > 10.0.0.1 id ${id} ${more ? 'mf ' : ''}${offset > 0 ? `frag ${offset} ` : ''}${rest}proto 253 / ${length > 0 ? data : '""'}`,
  );
}

/**
 * Reassembly said again, as simply as can be: a map of bytes. A byte knows its value and its run, which is a row of
 * fragments that came in order. Touching a held byte is a duplicate inside one run and the end of the packet otherwise.
 */
class NaivePacket {
  private readonly value: (number | undefined)[] = [];
  private readonly run: (number | undefined)[] = [];
  private end = 0;
  private lastIn = false;
  private runs = 0;

  /** `held`, `dup`, `lost`, or the whole packet. */
  take({ offset, length, more, fill }: Piece): 'held' | 'dup' | 'lost' | Uint8Array {
    let end = offset + length;
    if (more) end -= end % 8;
    if (!more) {
      if (end < this.end || (this.lastIn && end !== this.end)) return 'lost';
      this.lastIn = true;
      this.end = end;
    } else if (end > this.end) {
      if (this.lastIn) return 'lost';
      this.end = end;
    }
    if (end <= offset) return 'lost';
    const owners = new Set(this.run.slice(offset, Math.max(offset, Math.min(end, this.run.length))));
    for (let i = this.run.length; i < end; i++) owners.add(undefined);
    if (!owners.has(undefined) && owners.size === 1) return 'dup';
    if (owners.size > 1 || !owners.has(undefined)) return 'lost';
    // Only behind everything else does it join the run before it.
    const joins = offset === this.run.length && offset > 0;
    const run = joins ? this.run[offset - 1] : this.runs++;
    for (let i = offset; i < end; i++) {
      this.value[i] = fill;
      this.run[i] = run;
    }
    for (let i = 0; i < this.end; i++) if (this.value[i] === undefined) return 'held';
    return this.lastIn ? Uint8Array.from(this.value as number[]) : 'held';
  }
}

const piece: fc.Arbitrary<Omit<Piece, 'fill'>> = fc
  .record({
    start: fc.integer({ min: 0, max: 11 }),
    units: fc.integer({ min: 0, max: 5 }),
    odd: fc.integer({ min: 0, max: 7 }),
    more: fc.boolean(),
  })
  .map(({ start, units, odd, more }) => ({ offset: start * 8, length: units * 8 + (units === 0 || !more ? odd : 0), more }));

/** A packet cut in places, its pieces shuffled, with others among them: mostly becomes whole. */
const cut: fc.Arbitrary<Omit<Piece, 'fill'>[]> = fc
  .tuple(
    fc.integer({ min: 1, max: 90 }),
    fc.uniqueArray(fc.integer({ min: 1, max: 11 }), { maxLength: 8 }),
    fc.array(piece, { maxLength: 3 }),
  )
  .chain(([length, cuts, noise]) => {
    const ends = [...cuts.map((c) => c * 8).filter((c) => c < length), length].sort((a, b) => a - b);
    const pieces = ends.map((end, i) => ({
      offset: i === 0 ? 0 : ends[i - 1],
      length: end - (i === 0 ? 0 : ends[i - 1]),
      more: end !== length,
    }));
    const all = [...pieces, ...noise];
    return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
  });

describe('against a map of bytes', () => {
  const sequences = fc.array(fc.oneof(cut, fc.array(piece, { maxLength: 10 })), { minLength: 1, maxLength: 12 });

  test('random fragments give the same packets and the same losses', () => {
    fc.assert(
      fc.property(sequences, (groups) => {
        newLab();
        lab.sysctl('ipfrag_max_dist=0');
        const expected: Uint8Array[] = [];
        let model = new NaivePacket();
        let [dups, lost, oks, fill] = [0, 0, 0, 0];
        for (const p of groups.flat()) {
          fill = (fill % 255) + 1;
          // A fragment of offset 0 without MF is no fragment.
          if (p.offset === 0 && !p.more) continue;
          sendPiece({ ...p, fill });
          const answer = model.take({ ...p, fill });
          if (answer === 'dup') dups++;
          else if (answer !== 'held') {
            if (answer === 'lost') lost++;
            else {
              oks++;
              expected.push(answer);
            }
            model = new NaivePacket();
          }
        }
        expect(delivered).toEqual(expected);
        expect(lab.drops().DUP_FRAG ?? 0).toBe(dups);
        expect(lab.counters('Ip').ReasmFails ?? 0).toBe(lost);
        expect(lab.counters('Ip').ReasmOKs ?? 0).toBe(oks);
        expect(lab.ipv4.frags.size).toBeLessThanOrEqual(1);
        lab.advance(31_000);
        expect(lab.inUse).toBe(0);
        expect(lab.ipv4.frags.mem).toBe(0);
      }),
      { numRuns: 200, seed: 791 },
    );
  });
});

describe('what becomes of a packet', () => {
  const first = { offset: 0, length: 80, more: true, fill: 1 };
  const last = { offset: 80, length: 21, more: false, fill: 2 };

  test('fragments of different identification, protocol or address do not meet', () => {
    sendPiece(first, 1);
    sendPiece(last, 2);
    lab.send('10.0.0.2 > 10.0.0.1 id 1 frag 80 proto 252 / "x"');
    lab.send('10.0.0.3 > 10.0.0.1 id 1 frag 80 proto 253 / "x"');
    lab.send('10.0.0.2 > 10.1.0.1 id 1 frag 80 proto 253 / "x"');
    expect(delivered).toEqual([]);
    expect(lab.ipv4.frags.size).toBe(5);
    sendPiece(last, 1);
    expect(delivered.map((d) => d.length)).toEqual([101]);
  });

  test('it has the header of the first fragment and a whole length and checksum', () => {
    const headers: number[][] = [];
    lab.net.nf.register({
      pf: PF_INET,
      hooknum: 1,
      priority: 0,
      hook(skb) {
        headers.push([...skb.head.buf.subarray(skb.networkHeader, skb.networkHeader + 20)]);
        return NF_ACCEPT;
      },
    });
    sendPiece(last, 9, 'ttl 9 tos 0x28 ');
    sendPiece(first, 9, 'ttl 33 tos 0x08 ');
    const [header] = headers;
    expect(header.slice(0, 10)).toEqual([0x45, 8, 0, 121, 0, 9, 0, 0, 33, 253]);
    const sum = header.reduce((s, byte, i) => s + (i % 2 === 0 ? byte << 8 : byte), 0);
    expect((sum & 0xffff) + (sum >>> 16)).toBe(0xffff);
  });

  test('congestion marked on one fragment is marked on the packet; ECN and no ECN do not mix', () => {
    const tos: number[] = [];
    lab.net.nf.register({
      pf: PF_INET,
      hooknum: 1,
      priority: 0,
      hook(skb) {
        tos.push(skb.head.view.getUint8(skb.networkHeader + 1));
        return NF_ACCEPT;
      },
    });
    for (const [id, [a, b]] of [
      [2, 2],
      [2, 3],
      [1, 3],
      [3, 3],
      [0, 0],
      [2, 1],
    ].entries()) {
      sendPiece(first, id, `tos ${a} `);
      sendPiece(last, id, `tos ${b} `);
    }
    expect(tos).toEqual([2, 3, 3, 3, 0, 2]);
    sendPiece(first, 100, 'tos 0 ');
    sendPiece(last, 100, 'tos 2 ');
    expect(tos).toHaveLength(6);
    expect(lab.counters('Ip')).toMatchObject({ ReasmFails: 1 });
    expect(lab.inUse).toBe(0);
  });

  test('a packet longer than 65,535 bytes is none', () => {
    for (let offset = 0; offset < 65_520; offset += 1456) sendPiece({ offset, length: 1456, more: true, fill: 1 });
    sendPiece({ offset: 65_520, length: 16, more: false, fill: 1 });
    expect(delivered).toEqual([]);
    expect(lab.counters('Ip')).toMatchObject({ ReasmFails: 1 });
    expect(lab.inUse).toBe(0);
  });

  test('the largest one is', () => {
    for (let offset = 0; offset < 65_504; offset += 1424) sendPiece({ offset, length: 1424, more: true, fill: 7 });
    sendPiece({ offset: 65_504, length: 11, more: false, fill: 8 });
    expect(delivered.map((d) => [d.length, d[0], d[65_514]])).toEqual([[65_515, 7, 8]]);
    expect(lab.inUse).toBe(0);
  });
});

describe('a packet that does not become whole', () => {
  test('is given up after ipfrag_time; its sender hears of it when the first fragment came', () => {
    sendPiece({ offset: 0, length: 16, more: true, fill: 0x41 }, 1);
    sendPiece({ offset: 16, length: 16, more: false, fill: 0x42 }, 2);
    lab.advance(29_999);
    expect(lab.inUse).toBe(2);
    lab.advance(1);
    expect(lab.out()).toEqual([
      'p0 ip 10.0.0.1 > 10.0.0.2 tos 0xc0 / icmp reassembly-exceeded / ip 10.0.0.2 > 10.0.0.1 id 1 mf proto 253 / "A"*16',
    ]);
    expect(lab.counters('Ip')).toMatchObject({ ReasmTimeout: 2, ReasmFails: 2, ReasmReqds: 2 });
    expect(lab.drops()).toEqual({ FRAG_REASM_TIMEOUT: 2 });
    expect(lab.inUse).toBe(0);
  });

  test('goes silently when its device has gone, or its route', () => {
    sendPiece({ offset: 0, length: 16, more: true, fill: 1 });
    lab.command('ip addr del 10.0.0.1/24 dev p0');
    lab.command('sysctl -w net.ipv4.ip_forward=0');
    lab.advance(30_000);
    expect(lab.out()).toEqual([]);
    expect(lab.inUse).toBe(0);
  });

  test('holds no more memory than ipfrag_high_thresh, however many there are', () => {
    for (let id = 0; id < 5000; id++) sendPiece({ offset: 0, length: 8, more: true, fill: 1 }, id);
    const { frags, ipfragHighThresh } = lab.ipv4;
    expect(frags.mem).toBeLessThan(ipfragHighThresh + 4096);
    expect(frags.mem).toBeGreaterThan(ipfragHighThresh);
    expect(lab.drops().FRAG_MEM).toBe(5000 - frags.size);
    lab.advance(30_000);
    expect(lab.ipv4.frags).toMatchObject({ size: 0, mem: 0 });
    expect(lab.inUse).toBe(0);
  });

  test('is begun again when too many others came between its fragments', () => {
    sendPiece({ offset: 0, length: 80, more: true, fill: 1 }, 1);
    for (let id = 100; id < 164; id++) sendPiece({ offset: 0, length: 8, more: true, fill: 1 }, id);
    sendPiece({ offset: 80, length: 8, more: false, fill: 2 }, 1);
    expect(delivered).toEqual([]);
    expect(lab.drops()).toEqual({ FRAG_TOO_FAR: 1 });
    sendPiece({ offset: 0, length: 80, more: true, fill: 3 }, 1);
    expect(delivered.map((d) => [d.length, d[0], d[87]])).toEqual([[88, 3, 2]]);
  });

  test('is freed with the router', async () => {
    sendPiece({ offset: 0, length: 80, more: true, fill: 1 });
    await lab.router.stop();
    expect(lab.inUse).toBe(0);
  });
});

describe('for connection tracking', () => {
  /** Puts fragments together before they are routed, as defragmentation at PRE_ROUTING does. */
  function track(user = IP_DEFRAG_CONNTRACK_IN): void {
    lab.net.nf.register({
      pf: PF_INET,
      hooknum: NF_IP_PRE_ROUTING,
      priority: -400,
      hook(skb) {
        const word = skb.head.view.getUint16(skb.networkHeader + 6);
        if ((word & 0x3fff) === 0) return NF_ACCEPT;
        return ipDefrag(skb, user) === 0 ? NF_ACCEPT : NF_STOLEN;
      },
    });
  }

  test('packets in transit leave in the pieces that they came in', () => {
    track();
    lab.send('10.0.0.2 > 10.1.0.2 id 3 frag 1000 proto 253 / "c"*4');
    lab.send('10.0.0.2 > 10.1.0.2 id 3 mf proto 253 / "a"*200');
    lab.send('10.0.0.2 > 10.1.0.2 id 3 mf frag 200 proto 253 / "b"*800');
    expect(lab.out()).toEqual([
      'p1 ip 10.0.0.2 > 10.1.0.2 ttl 63 id 3 mf proto 253 / "a"*200',
      'p1 ip 10.0.0.2 > 10.1.0.2 ttl 63 id 3 mf frag 200 proto 253 / "b"*800',
      'p1 ip 10.0.0.2 > 10.1.0.2 ttl 63 id 3 frag 1000 proto 253 / "cccc"',
    ]);
    expect(lab.counters('Ip')).toMatchObject({ ReasmOKs: 1, FragOKs: 1, FragCreates: 3 });
    expect(lab.inUse).toBe(0);
  });

  test('pieces too large for the next link are cut to the largest that fits, or refused with DF', () => {
    lab = new Ipv4Lab({ mtu: { p1: 600 } });
    track();
    lab.send('10.0.0.2 > 10.1.0.2 id 3 mf proto 253 / "a"*800');
    lab.send('10.0.0.2 > 10.1.0.2 id 3 frag 800 proto 253 / "b"*8');
    expect(lab.packets().map((p) => p.length)).toEqual([596, 252]);
    lab.send('10.0.0.2 > 10.1.0.2 id 4 df mf proto 253 / "a"*800');
    lab.send('10.0.0.2 > 10.1.0.2 id 4 df frag 800 proto 253 / "b"*8');
    expect(lab.out()).toEqual([expect.stringContaining('frag-needed mtu 600')]);
    expect(lab.inUse).toBe(0);
  });

  test('what does not become whole is given up without a word', () => {
    track();
    lab.send('10.0.0.2 > 10.1.0.2 id 3 mf proto 253 / "a"*200');
    lab.advance(30_000);
    expect(lab.out()).toEqual([]);
    expect(lab.inUse).toBe(0);
  });

  test('on the way out an error may follow', () => {
    track(IP_DEFRAG_CONNTRACK_OUT);
    lab.send('10.0.0.2 > 10.1.0.2 id 3 mf proto 253 / "a"*200');
    lab.advance(30_000);
    expect(lab.out()).toEqual([expect.stringContaining('reassembly-exceeded')]);
  });
});
