/** Sets against a naive model: random commands and packets, the same answers. */
import { formatIpv4 } from '@packetwalk/framework';
import { parsePacket } from '@packetwalk/framework/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetfilterLab } from '../testing/netfilter-lab.ts';

/** Few addresses, so that networks cover each other. */
const address = fc.integer({ min: 0, max: 31 }).map((n) => 0x0a000000 | (n << 3) | (n & 3));
const cidr = fc.integer({ min: 20, max: 32 });
const port = fc.integer({ min: 1, max: 6 });

const step = fc.oneof(
  fc.record({ op: fc.constantFrom('add', 'del'), ip: address, cidr, port, nomatch: fc.boolean(), timeout: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ op: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ op: fc.constant('packet' as const), ip: address, port }),
);

interface Known {
  readonly ip: number;
  readonly cidr: number;
  readonly port: number;
  readonly nomatch: boolean;
  /** Milliseconds; infinite for ever. */
  readonly ends: number;
}

const maskOf = (length: number): number => (length === 0 ? 0 : -1 << (32 - length));

describe.each([
  ['hash:net', 'src'],
  ['hash:net,port', 'src,dst'],
  ['hash:ip', 'src'],
])('%s', (type, sides) => {
  const withNet = type.includes('net');
  const withPort = type.includes('port');

  it('finds what was added, the longest prefix first, until it ends', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const lab = new NetfilterLab();
        lab.need(`ipset create s ${type} timeout 0 counters maxelem 100000`);
        lab.need(`iptables -A FORWARD -m set --match-set s ${sides} -j DROP`);
        let model: Known[] = [];
        const now = (): number => lab.softirq.jiffies;
        for (const s of steps) {
          if (s.op === 'wait') {
            lab.softirq.advanceTo(lab.softirq.clock.now() + s.seconds * 1000);
            model = model.filter(({ ends }) => ends > now());
          } else if (s.op === 'packet') {
            const packet = parsePacket(`ip ${formatIpv4(s.ip)} > 10.9.9.9 / udp 9 > ${s.port}`);
            const found = model
              .filter((e) => ((e.ip ^ s.ip) & maskOf(e.cidr)) === 0 && (!withPort || e.port === s.port))
              .sort((a, b) => b.cidr - a.cidr)[0];
            expect(lab.accepts(packet, 2, 'eth0', 'eth1')).toBe(found === undefined || found.nomatch);
          } else {
            const length = withNet ? s.cidr : 32;
            const ip = s.ip & maskOf(length);
            const nomatch = withNet && s.nomatch;
            const text = `${formatIpv4(ip)}${length < 32 ? `/${length}` : ''}${withPort ? `,udp:${s.port}` : ''}`;
            const same = (e: Known): boolean => e.ip === ip && e.cidr === length && (!withPort || e.port === s.port);
            const known = model.some(same);
            if (s.op === 'add') {
              const { status } = lab.type(`ipset add s ${text} timeout ${s.timeout}${nomatch ? ' nomatch' : ''}`);
              expect(status).toBe(known ? 1 : 0);
              const ends = s.timeout === 0 ? Number.POSITIVE_INFINITY : now() + s.timeout * 1000;
              if (!known) model.push({ ip, cidr: length, port: s.port, nomatch, ends });
            } else {
              expect(lab.type(`ipset del s ${text}`).status).toBe(known ? 0 : 1);
              model = model.filter((e) => !same(e));
            }
          }
        }
        expect(lab.need('ipset list s').split('Members:\n')[1].split('\n').length - 1).toBe(model.length);
        expect(lab.need('ipset list s')).toContain(`Number of entries: ${model.length}\n`);
      }),
      { numRuns: 60 },
    );
  });
});

describe('bounds', () => {
  it('a flood of sources into a full set, and with forceadd', () => {
    const lab = new NetfilterLab();
    lab.need('ipset create full hash:ip maxelem 1000');
    lab.need('ipset create moving hash:ip maxelem 1000 forceadd');
    lab.need('iptables -A FORWARD -j SET --add-set full src');
    lab.need('iptables -A FORWARD -j SET --add-set moving src');
    for (let i = 0; i < 5000; i++) {
      expect(lab.accepts(parsePacket(`ip ${formatIpv4(0x0b000000 + i)} > 10.9.9.9 / udp 9 > 9`), 2, 'eth0', 'eth1')).toBe(true);
    }
    for (const name of ['full', 'moving']) expect(lab.need(`ipset list ${name} -t`)).toContain('Number of entries: 1000\n');
    expect(lab.type('ipset test full 11.0.0.0').status).toBe(0);
    expect(lab.type('ipset test full 11.0.19.135').status).toBe(1);
    expect(lab.type('ipset test moving 11.0.19.135').status).toBe(0);
  });

  it('a range of more than a million addresses is refused at once', () => {
    const lab = new NetfilterLab();
    lab.need('ipset create s hash:ip maxelem 100000000');
    expect(lab.type('ipset add s 0.0.0.1-255.255.255.255').status).toBe(1);
    expect(lab.type('ipset del s 0.0.0.1-255.255.255.255 -exist').status).toBe(1);
  });

  it('a config names the line of a set that cannot be', () => {
    const ipset = 'create a hash:ip\nadd a 10.0.0.300\n';
    expect(() => new NetfilterLab({ ipset })).toThrow(/10\.0\.0\.300/);
  });
});
