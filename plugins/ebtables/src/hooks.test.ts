/** hooks.test.ts — frames at the hook points: what targets and matches make of them, what walks tell. */
import {
  defineEbtMatch,
  Ebtables,
  NF_BR_BROUTING,
  NF_IP_FORWARD,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  PACKET_HOST,
  PACKET_OTHERHOST,
  type TraceRecord,
} from '@packetwalk/framework';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EbtablesLab } from './testing/ebtables-lab.ts';
import { type Frame, frameBytes } from './testing/frames.ts';

const A: Frame = { src: '02:00:00:00:0a:01', dst: '02:00:00:00:0b:01', in: 'p0', out: 'p1' };
const ARP: Frame = { ...A, dst: 'ff:ff:ff:ff:ff:ff', arp: { op: 1, sip: '10.0.0.1', tip: '10.0.0.77' } };
const UDP: Frame = { ...A, ip: { src: '10.0.0.1', dst: '10.0.0.2', proto: 17, tos: 0, sport: 5, dport: 53 } };

const hex = (bytes: Uint8Array, from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).toString('hex');

describe('nat', () => {
  it('writes the destination, and says to whom the frame is then', () => {
    const lab = new EbtablesLab();
    lab.need('ebtables -t nat -A PREROUTING -p ARP -j dnat --to-dst 02:00:00:00:00:20');
    lab.need('ebtables -t nat -A PREROUTING -j dnat --to-dst 02:00:00:00:00:99');
    for (const [frame, mac, type] of [
      [ARP, '020000000020', PACKET_HOST],
      [UDP, '020000000099', PACKET_OTHERHOST],
    ] as const) {
      const skb = lab.pass(frameBytes(frame), NF_IP_PRE_ROUTING, 'p0', null);
      expect(skb?.pktType).toBe(type);
      expect(hex(skb?.head.buf ?? new Uint8Array(0), skb?.macHeader ?? 0, (skb?.macHeader ?? 0) + 6)).toBe(mac);
    }
  });

  it('writes the source, in ARP too when it is asked to', () => {
    const lab = new EbtablesLab();
    lab.need('ebtables -t nat -A POSTROUTING -o p1 -j snat --to-src 02:00:00:00:00:55 --snat-arp');
    lab.need('ebtables -t nat -A POSTROUTING -o p2 -j snat --to-src 02:00:00:00:00:55');
    const one = lab.frame(frameBytes(ARP), NF_IP_POST_ROUTING, null, 'p1')?.bytes ?? new Uint8Array(0);
    expect(hex(one, 6, 12)).toBe('020000000055');
    expect(hex(one, 22, 28)).toBe('020000000055');
    const two = lab.frame(frameBytes(ARP), NF_IP_POST_ROUTING, null, 'p2')?.bytes ?? new Uint8Array(0);
    expect(hex(two, 6, 12)).toBe('020000000055');
    expect(hex(two, 22, 28)).toBe('020000000a01');
  });

  it('gives a redirected frame the address of the bridge, in broute that of the port', () => {
    const lab = new EbtablesLab();
    lab.need('ebtables -t nat -A PREROUTING -j redirect');
    lab.need('ebtables -t broute -A BROUTING -p IPv4 -j redirect --redirect-target DROP');
    expect(hex(lab.frame(frameBytes(UDP), NF_IP_PRE_ROUTING, 'p0', null)?.bytes ?? new Uint8Array(0), 0, 6)).toBe('020000000020');
    const brouted = lab.frame(frameBytes(UDP), NF_BR_BROUTING, 'p0', null);
    expect([brouted?.broute, hex(brouted?.bytes ?? new Uint8Array(0), 0, 6)]).toEqual([true, '020000000010']);
    expect(lab.frame(frameBytes(ARP), NF_BR_BROUTING, 'p0', null)?.broute).toBe(false);
  });

  it('answers ARP requests at the port they came by', () => {
    const lab = new EbtablesLab();
    lab.device('p0').flags |= 1;
    lab.need('ebtables -t nat -A PREROUTING -p ARP --arp-ip-dst 10.0.0.77 -j arpreply --arpreply-mac 02:00:00:00:00:77');
    expect(lab.frame(frameBytes(ARP), NF_IP_PRE_ROUTING, 'p0', null)).toBeNull();
    expect(lab.sent.map(({ dev, frame }) => [dev, Buffer.from(frame).toString('hex')])).toEqual([
      [
        'p0',
        '02000000' + '0a01' + '020000000077' + '0806' + '0001080006040002' + '020000000077' + '0a00004d' + '020000000a01' + '0a000001',
      ],
    ]);
    const reply: Frame = { ...ARP, arp: { op: 2, sip: '10.0.0.1', tip: '10.0.0.77' } };
    expect(lab.frame(frameBytes(reply), NF_IP_PRE_ROUTING, 'p0', null)).not.toBeNull();
  });
});

describe('rules', () => {
  it('end in the policy of the chain: ACCEPT of a new one, RETURN when told', () => {
    const lab = new EbtablesLab();
    lab.need('ebtables -N U');
    lab.need('ebtables -A FORWARD -j U');
    lab.need('ebtables -P FORWARD DROP');
    const passes = (): boolean => lab.frame(frameBytes(UDP), NF_IP_FORWARD, 'p0', 'p1') !== null;
    expect(passes()).toBe(true);
    lab.need('ebtables -P U RETURN');
    expect(passes()).toBe(false);
    lab.need('ebtables -P FORWARD ACCEPT');
    expect(passes()).toBe(true);
    lab.need('ebtables -P U DROP');
    expect(passes()).toBe(false);
  });

  it('take away what was given a rate', () => {
    const lab = new EbtablesLab();
    lab.need('ebtables -A FORWARD --limit 10/s --limit-burst 3 -j ACCEPT');
    lab.need('ebtables -P FORWARD DROP');
    const passed = (): number =>
      Array.from({ length: 6 }, () => lab.frame(frameBytes(UDP), NF_IP_FORWARD, 'p0', 'p1')).filter((f) => f !== null).length;
    expect(passed()).toBe(3);
    expect(passed()).toBe(0);
    lab.softirq.advanceTo(lab.softirq.jiffies + 100);
    expect(passed()).toBe(1);
  });

  it('see a tag in the frame, and one that was taken off', () => {
    const lab = new EbtablesLab();
    lab.need('ebtables -A FORWARD -p 802_1Q --vlan-id 7 --vlan-encap IPv4 -j DROP');
    const passes = (frame: Frame, tci: number): boolean => {
      const skb = lab.pass(frameBytes(frame), NF_IP_FORWARD, 'p0', 'p1', (s) => {
        s.vlanTci = tci;
      });
      return skb !== null;
    };
    expect(passes({ ...UDP, vlan: 7 }, 0)).toBe(false);
    expect(passes({ ...UDP, vlan: 8 }, 0)).toBe(true);
    expect(passes(UDP, 0x10000 | 7)).toBe(false);
    expect(passes(UDP, 0x10000 | 8)).toBe(true);
    expect(passes(UDP, 0)).toBe(true);
  });

  it('count, and are changed in their counters and by number', () => {
    const lab = new EbtablesLab();
    for (const type of ['9001', '9002', '9003', '9004', '9005']) lab.need(`ebtables -A FORWARD -p 0x${type} -j DROP`);
    lab.need('ebtables -C FORWARD 2 7 800');
    lab.need('ebtables -C FORWARD 2 +3 -100');
    expect(lab.need('ebtables -L FORWARD --Lc')).toContain('-p 0x9002 -j DROP , pcnt = 10 -- bcnt = 700\n');
    lab.need('ebtables -D FORWARD 2:3');
    expect(lab.need('ebtables -L FORWARD --Ln')).toMatch(/1 -p 0x9001 -j DROP\n2 -p 0x9004 -j DROP\n3 -p 0x9005 -j DROP\n$/);
    lab.need('ebtables -D FORWARD -1');
    expect(lab.need('ebtables -L FORWARD')).toContain('entries: 2');
  });

  it('with three matches keep them all', () => {
    const lab = new EbtablesLab();
    const line = '-p IPv4 --ip-proto udp --mark 0x5 --limit 5/sec --limit-burst 5 --pkttype-type host -j ACCEPT';
    lab.need(`ebtables -A FORWARD ${line}`);
    expect(lab.need('ebtables -L FORWARD')).toContain(line);
  });

  it('are told apart in walks, with the line of the config', () => {
    const lab = new EbtablesLab('*filter\n:FORWARD ACCEPT\n-A FORWARD -p ARP -j DROP\n');
    const records: TraceRecord[] = [];
    lab.router.net.tracer.listen((r) => records.push(r));
    lab.pass(frameBytes(ARP), NF_IP_FORWARD, 'p0', 'p1', (skb) => {
      skb.trace = 1;
    });
    expect(records.find((r) => r.kind === 'verdict')).toMatchObject({ name: 'ebtables filter', detail: 'DROP' });
    expect(records.find((r) => r.kind === 'verdict')?.position).toMatch(/^filter FORWARD rule 1 \(.*-p ARP -j DROP\)$/);
    expect(records.at(-1)).toMatchObject({ kind: 'drop', name: 'NETFILTER_DROP' });
  });

  it('log what they have matched', () => {
    const lab = new EbtablesLab();
    lab.need('ebtables -A FORWARD -p IPv4 --ip-proto udp --log-prefix "hey" --log-ip -j ACCEPT');
    lab.need('ebtables -A FORWARD -p ARP --nflog-group 3 -j DROP');
    lab.frame(frameBytes(UDP), NF_IP_FORWARD, 'p0', 'p1');
    lab.frame(frameBytes(ARP), NF_IP_FORWARD, 'p0', 'p1');
    expect(lab.log.join('\n')).toContain(
      'hey IN=p0 OUT=p1 MAC source = 02:00:00:00:0a:01 MAC dest = 02:00:00:00:0b:01 proto = 0x0800 ' +
        'IP SRC=10.0.0.1 IP DST=10.0.0.2, IP tos=0x00, IP proto=17 SPT=5 DPT=53',
    );
    expect(lab.log.join('\n')).toContain('ARP HTYPE=1, PTYPE=0x0800, OPCODE=1 ARP MAC SRC=02:00:00:00:0a:01 ARP IP SRC=10.0.0.1');
  });

  it('take a match of a third party by its option', () => {
    const lab = new EbtablesLab();
    const length = defineEbtMatch<{ min: number }>({
      name: 'length',
      options: {
        'min-length': {
          parse(d, text) {
            d.min = Number(text);
          },
        },
      },
      create: () => ({ min: 0 }),
      save: ({ min }) => `--min-length ${min}`,
      match: (skb, _par, { min }) => skb.len >= min,
    });
    lab.router.service(Ebtables).matches.add(length.name, length);
    lab.need('ebtables -A FORWARD --min-length 28 -p IPv4 -j DROP');
    expect(lab.need('ebtables -L FORWARD')).toContain('-p IPv4 --min-length 28 -j DROP\n');
    expect(lab.frame(frameBytes(UDP), NF_IP_FORWARD, 'p0', 'p1')).toBeNull();
    expect(lab.frame(frameBytes(UDP).subarray(0, 41), NF_IP_FORWARD, 'p0', 'p1')).not.toBeNull();
  });

  it('cost nothing when there are none', () => {
    const lab = new EbtablesLab();
    const hooks = (): number => lab.router.net.nf.chains.flat().length;
    expect(hooks()).toBe(0);
    lab.need('ebtables -A FORWARD -p ARP -j DROP');
    expect(hooks()).toBe(1);
    lab.need('ebtables -F');
    expect(hooks()).toBe(0);
  });
});

describe('a text to restore', () => {
  it('is taken whole, or not at all; the error names the line', () => {
    const lab = new EbtablesLab();
    const before = lab.need('ebtables-save');
    const good = '*filter\n:U RETURN\n-A FORWARD -p ARP -j U\n*nat\n';
    for (const [line, words] of [
      ['-A PREROUTING -j nope', "Chain 'nope' does not exist"],
      ['-A NOPE -j DROP', 'line 5 failed: No chain/target/match by that name'],
      [':PREROUTING NOPE', "Unknown policy 'NOPE'"],
      [
        '-A PREROUTING -j snat --to-src 02:00:00:00:00:01',
        'line 5 failed: RULE_APPEND failed (Invalid argument): rule in chain PREROUTING',
      ],
      ['-A PREROUTING --ip-src 10.0.0.1', 'line 5 failed: RULE_APPEND failed'],
    ]) {
      const { status, output } = lab.type('ebtables-restore', `${good}${line}\n`);
      expect(status).toBeGreaterThan(0);
      expect(output).toContain(words);
      expect(output).toMatch(/line:? 5/);
      expect(lab.need('ebtables-save')).toBe(before);
    }
    lab.need('ebtables-restore', good);
    expect(lab.need('ebtables-save')).toContain('-A FORWARD -p ARP -j U\n');
  });

  it('with --atomic-file is refused by name', () => {
    expect(new EbtablesLab().type('ebtables --atomic-file f --atomic-save').output).toContain('--atomic-file is not supported');
  });

  it('that is wrong in a config has an issue for each line', () => {
    expect(() => new EbtablesLab('*filter\n-A FORWARD -j nope\n-A FORWARD --nope\n')).toThrow(/nope[\s\S]*Unknown argument/);
  });
});

describe('any bytes behind the MAC header', () => {
  it('are judged without a fault, and no buffer is lost', () => {
    const lab = new EbtablesLab();
    const lines = [
      '-p IPv4 --ip-src 10.0.0.0/8 --ip-tos 0 --ip-proto tcp --ip-dport 1:1000 -j CONTINUE',
      '-p IPv4 --ip-proto icmp --ip-icmp-type ! echo-request -j CONTINUE',
      '-p IPv4 --ip-proto igmp --ip-igmp-type 0:255 -j CONTINUE',
      '-p IPv6 --ip6-dst ! fe80::/10 --ip6-tclass ! 0 --ip6-proto udp --ip6-sport ! 0:5 -j CONTINUE',
      '-p IPv6 --ip6-proto ipv6-icmp --ip6-icmp-type ! echo-request -j CONTINUE',
      '-p ARP --arp-op ! 9 --arp-ip-src ! 10.0.0.1 --arp-ip-dst ! 10.0.0.1 --arp-mac-src ! 02:00:00:00:00:01 --arp-mac-dst ! Broadcast -j CONTINUE',
      '-p ARP ! --arp-gratuitous -j CONTINUE',
      '-p LENGTH --802_3-sap ! 0x42 --802_3-type ! 5 -j CONTINUE',
      '-p 802_1Q --vlan-id ! 5 --vlan-encap ! IPv4 -j CONTINUE',
      '--stp-type config --stp-flags ! 1 --stp-root-prio ! 1 --stp-root-addr ! 02:00:00:00:00:01 --stp-forward-delay ! 0:5 -j CONTINUE',
      '--among-src ! 02:00:00:00:00:01=10.0.0.1 --among-dst ! 02:00:00:00:00:01=10.0.0.1 -j CONTINUE',
      '--log-ip --log-arp --log-ip6 -j CONTINUE',
    ];
    lab.need('ebtables-restore', `*filter\n${lines.map((l) => `-A FORWARD ${l}\n`).join('')}*nat\n`);
    lab.need('ebtables -t nat -A PREROUTING -p ARP -j arpreply --arpreply-mac 02:00:00:00:00:77');
    lab.need('ebtables -t nat -A POSTROUTING -j snat --to-src 02:00:00:00:00:77 --snat-arp');
    lab.need('ebtables -t nat -A OUTPUT -j dnat --to-dst 02:00:00:00:00:77');
    const type = fc.constantFrom(0x0800, 0x86dd, 0x0806, 0x8100, 0x0026, 0x8035, 0x9000);
    const first = fc.constantFrom<readonly number[]>(
      [],
      [0x45, 0, 0, 28],
      [0x60, 0],
      [0, 1, 8, 0, 6, 4, 0, 1],
      [0x42, 0x42, 3, 0, 0, 0, 0],
      [0xaa, 0xaa, 3],
      [0x4f],
      [0x60, 0, 0, 0, 0, 0, 44],
    );
    const hook = fc.constantFrom(NF_IP_FORWARD, NF_IP_PRE_ROUTING, NF_IP_POST_ROUTING, NF_IP_LOCAL_OUT);
    fc.assert(
      fc.property(type, first, fc.uint8Array({ maxLength: 80 }), hook, (t, start, rest, hooknum) => {
        const frame = Uint8Array.from([2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, t >> 8, t & 255, ...start, ...rest]);
        lab.frame(frame, hooknum, 'p0', 'p1');
        expect(lab.softirq.pool.inUse).toBe(0);
      }),
      { numRuns: 3000 },
    );
    expect(lab.log.filter((line) => line.includes('a hook') || line.includes('Error'))).toEqual([]);
    expect(lab.softirq.faults.size).toBe(0);
  });
});
