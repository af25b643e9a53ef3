/** NAT and tracking against naive models: whatever comes in whichever order, the same answers as a list of flows gives. */
import { consumeSkb, formatIpv4 } from '@packetwalk/framework';
import { formatPacket, parsePacket } from '@packetwalk/framework/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetfilterLab } from '../testing/netfilter-lab.ts';

/** Sends a packet through the router by the hooks of forwarding; as text, or null when it did not get through. */
function through(lab: NetfilterLab, text: string, from: string, to: string): string | null {
  const skb = lab.forward(parsePacket(text), from, to);
  if (skb === null) return null;
  // A wrong checksum would be told: printing says what differs from the usual.
  const printed = formatPacket(skb.head.buf.slice(skb.data, skb.data + skb.len), { from: 'ip' });
  consumeSkb(skb);
  return printed;
}

/** The ends of a packet as text: protocol, source, source port or identifier, destination, destination port. */
interface Ends {
  readonly protocol: 'udp' | 'tcp' | 'icmp';
  readonly src: string;
  readonly sport: number;
  readonly dst: string;
  readonly dport: number;
}

function request({ protocol, src, sport, dst, dport }: Ends): string {
  if (protocol === 'icmp') return `ip ${src} > ${dst} / icmp echo id ${sport} / "x"`;
  return `ip ${src} > ${dst} / ${protocol} ${sport} > ${dport}${protocol === 'tcp' ? ' S seq 1' : ' / "x"'}`;
}

/** The answer to a request with these ends. */
function answer({ protocol, src, sport, dst, dport }: Ends): string {
  if (protocol === 'icmp') return `ip ${dst} > ${src} / icmp echo-reply id ${sport} / "x"`;
  return `ip ${dst} > ${src} / ${protocol} ${dport} > ${sport}${protocol === 'tcp' ? ' SA seq 7 ack 2' : ' / "x"'}`;
}

function readEnds(text: string): Ends {
  const m = /^ip (\S+) > (\S+) .*?(?:(udp|tcp) (\d+) > (\d+)|icmp echo id (\d+))/.exec(text);
  if (m === null) throw new Error(text);
  const protocol = (m[3] ?? 'icmp') as Ends['protocol'];
  return { src: m[1], dst: m[2], protocol, sport: Number(m[4] ?? m[6]), dport: protocol === 'icmp' ? 0 : Number(m[5]) };
}

const key = ({ protocol, src, sport, dst, dport }: Ends): string => `${protocol} ${src}:${sport} > ${dst}:${dport}`;

const ends = fc.record({
  protocol: fc.constantFrom('udp' as const, 'tcp' as const, 'icmp' as const),
  src: fc.integer({ min: 2, max: 9 }).map((n) => formatIpv4(0x0a000000 | n)),
  sport: fc.constantFrom(1000, 1001, 1002, 40000),
  dst: fc.constantFrom('198.51.100.1', '198.51.100.2', '203.0.113.1'),
  dport: fc.constantFrom(53, 80),
});

/** Ports that each address outside has for these flows. */
const PORTS = 4;

const RULES = `*nat
-A PREROUTING -d 203.0.113.1 -j DNAT --to-destination 198.51.100.3-198.51.100.4
-A POSTROUTING -o wan0 -p udp -j SNAT --to-source 192.0.2.1-192.0.2.2:1000-${999 + PORTS}
-A POSTROUTING -o wan0 -p tcp -j SNAT --to-source 192.0.2.1-192.0.2.2:1000-${999 + PORTS}
-A POSTROUTING -o wan0 -p icmp -j SNAT --to-source 192.0.2.1-192.0.2.2:1000-${999 + PORTS}
COMMIT
`;

describe('NAT', () => {
  it('every flow has replies of its own, and they find the way back', () => {
    const step = fc.oneof({ weight: 12, arbitrary: ends }, { weight: 1, arbitrary: fc.constant('wait' as const) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer(), (steps, seed) => {
        const lab = new NetfilterLab({ seed, iptables: RULES });
        /** What each flow looks like outside. */
        const flows = new Map<string, Ends>();
        for (const s of steps) {
          if (s === 'wait') {
            // Longer than anything that is not established lives.
            lab.softirq.advanceTo(lab.softirq.clock.now() + 3_600_000);
            flows.clear();
            continue;
          }
          const flow = s.protocol === 'icmp' ? { ...s, dport: 0 } : s;
          const left = through(lab, request(flow), 'eth0', 'wan0');
          const known = flows.get(key(flow));
          if (left === null) {
            // Only when all ports of an address are in use at that far end.
            const busy = [...flows.values()].filter((o) => o.protocol === flow.protocol && o.dport === flow.dport);
            expect(known).toBeUndefined();
            expect(busy.length).toBeGreaterThanOrEqual(PORTS);
            continue;
          }
          expect(left).not.toContain('csum');
          const outside = readEnds(left);
          if (known !== undefined) expect(outside).toEqual(known);
          expect(['192.0.2.1', '192.0.2.2']).toContain(outside.src);
          expect(outside.sport).toBeGreaterThanOrEqual(1000);
          expect(outside.sport).toBeLessThan(1000 + PORTS);
          if (flow.dst === '203.0.113.1') expect(['198.51.100.3', '198.51.100.4']).toContain(outside.dst);
          else expect(outside.dst).toBe(flow.dst);
          expect(outside.dport).toBe(flow.dport);
          for (const [other, its] of flows) if (other !== key(flow)) expect(key(its)).not.toBe(key(outside));
          flows.set(key(flow), outside);
          // The way back leads to where it came from, and looks as if the far end had been spoken to.
          const back = through(lab, answer(outside), 'wan0', 'eth0');
          expect(back).toBe(formatPacket(parsePacket(answer(flow)), { from: 'ip' }));
        }
        expect(lab.softirq.faults.size).toBe(0);
        lab.need('conntrack -F');
        expect(lab.softirq.pool.inUse).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});

/** A flow of the tracking model. */
interface Tracked {
  readonly original: string;
  readonly reply: string;
  seenReply: boolean;
  streamFrom: number;
  expires: number;
}

describe('tracking', () => {
  it('says of each packet what a list of flows says', () => {
    const lab0 = `*mangle
-A FORWARD -m conntrack --ctstate NEW -j MARK --set-mark 1
-A FORWARD -m conntrack --ctstate ESTABLISHED -j MARK --set-mark 2
-A FORWARD -m conntrack --ctstate INVALID -j MARK --set-mark 4
COMMIT
`;
    const host = fc.constantFrom('10.0.0.2', '10.0.0.3', '10.1.0.2');
    const step = fc.oneof(
      fc.record({
        src: host,
        dst: host,
        sport: fc.constantFrom(53, 1000),
        dport: fc.constantFrom(53, 1000),
        icmp: fc.constantFrom('', 'echo', 'echo-reply'),
      }),
      fc.integer({ min: 1, max: 70_000 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const lab = new NetfilterLab({ iptables: lab0 });
        let flows: Tracked[] = [];
        for (const s of steps) {
          if (typeof s === 'number') {
            lab.softirq.advanceTo(lab.softirq.clock.now() + s);
            continue;
          }
          const { src, dst, sport, dport, icmp } = s;
          const now = lab.softirq.clock.now();
          flows = flows.filter(({ expires }) => expires > now);
          const id = (a: string, b: string, x: number, y: number, kind: string): string => `${a}>${b} ${x}>${y} ${kind}`;
          const here = icmp === '' ? id(src, dst, sport, dport, 'udp') : id(src, dst, sport, 0, icmp);
          const there = icmp === '' ? id(dst, src, dport, sport, 'udp') : id(dst, src, sport, 0, icmp === 'echo' ? 'echo-reply' : 'echo');
          const original = flows.find((f) => f.original === here);
          const reply = original === undefined ? flows.find((f) => f.reply === here) : undefined;
          const flow = original ?? reply;
          let want: number;
          if (flow === undefined) {
            // An answer to a query that nobody has sent is none; of UDP nobody can tell.
            want = icmp === 'echo-reply' ? 4 : 1;
            if (want === 1) flows.push({ original: here, reply: there, seenReply: false, streamFrom: now + 2000, expires: now + 30_000 });
          } else {
            const stream = icmp === '' && flow.seenReply && flow.streamFrom < now;
            flow.expires = now + (stream ? 120_000 : 30_000);
            want = reply !== undefined || flow.seenReply ? 2 : 1;
            if (reply !== undefined) flow.seenReply = true;
          }
          const skb = lab.forward(
            parsePacket(icmp === '' ? `ip ${src} > ${dst} / udp ${sport} > ${dport}` : `ip ${src} > ${dst} / icmp ${icmp} id ${sport}`),
            'eth0',
            'eth1',
          );
          if (skb === null) throw new Error('dropped');
          expect(skb.mark).toBe(want);
          consumeSkb(skb);
        }
        expect(lab.need('conntrack -C').trim()).toBe(String(flows.filter(({ expires }) => expires > lab.softirq.clock.now()).length));
      }),
      { numRuns: 150 },
    );
  });

  it('a full table makes room among those that nobody has answered, and keeps the others', () => {
    const lab = new NetfilterLab({ iptables: '*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n' });
    lab.need('sysctl -w net.netfilter.nf_conntrack_max=500');
    const send = (text: string): boolean => {
      const skb = lab.forward(parsePacket(text), 'eth0', 'eth1');
      if (skb !== null) consumeSkb(skb);
      return skb !== null;
    };
    for (let i = 0; i < 100; i++) {
      send(`ip 10.0.0.2 > 10.1.0.2 / tcp ${1000 + i} > 80 S seq 1`);
      send(`ip 10.1.0.2 > 10.0.0.2 / tcp 80 > ${1000 + i} SA seq 1 ack 2`);
      send(`ip 10.0.0.2 > 10.1.0.2 / tcp ${1000 + i} > 80 A seq 2 ack 2`);
    }
    let through = 0;
    for (let i = 0; i < 5000; i++) {
      if (send(`ip 10.2.${i >> 8}.${i & 255} > 10.1.0.2 / udp 9 > 9`)) through++;
      expect(Number(lab.need('conntrack -C'))).toBeLessThanOrEqual(500);
    }
    expect(through).toBeGreaterThan(400);
    expect(
      lab
        .need('conntrack -L -p tcp --state ESTABLISHED')
        .split('\n')
        .filter((line) => line.includes('ASSURED')),
    ).toHaveLength(100);
  });
});
