/** What a hostile rule set or packet costs is bounded: README.md says how, and this holds it. */
import { consumeSkb, formatIpv4, NF_IP_FORWARD } from '@packetwalk/framework';
import { parsePacket } from '@packetwalk/framework/testing';
import { describe, expect, it } from 'vitest';
import { NetfilterLab } from './testing/netfilter-lab.ts';

const accepts = (lab: NetfilterLab, text: string): boolean => lab.accepts(parsePacket(text), NF_IP_FORWARD, 'eth0', 'eth1');

/** Chains c0 … c(depth - 1), each of which jumps `times` times to the next; FORWARD begins. */
function nested(depth: number, times: number): string {
  let text = '*filter\n';
  for (let i = 0; i < depth; i++) text += `:c${i} - [0:0]\n`;
  text += '-A FORWARD -j c0\n';
  for (let i = 0; i + 1 < depth; i++) text += `-A c${i} -j c${i + 1}\n`.repeat(times);
  return `${text}COMMIT\n`;
}

describe('rules', () => {
  it('100,000 of them are taken, and the last one decides', { timeout: 60_000 }, () => {
    const lines = Array.from(
      { length: 100_000 },
      (_, i) => `-A FORWARD -s ${formatIpv4(0x0b000000 + i)} -p udp --dport ${i & 0xffff} -j DROP`,
    );
    const lab = new NetfilterLab();
    lab.need('iptables-restore', `*filter\n${lines.join('\n')}\nCOMMIT\n`);
    expect(accepts(lab, 'ip 10.0.0.1 > 10.9.9.9 / udp 9 > 9')).toBe(true);
    expect(accepts(lab, `ip ${formatIpv4(0x0b000000 + 99_999)} > 10.9.9.9 / udp 9 > ${99_999 & 0xffff}`)).toBe(false);
    expect(lab.softirq.faults.size).toBe(0);
  });

  it('jumps go 16 chains deep, and never round', () => {
    const lab = new NetfilterLab();
    expect(lab.type('iptables-restore', nested(15, 1)).status).toBe(0);
    expect(accepts(lab, 'ip 10.0.0.1 > 10.9.9.9 / udp 9 > 9')).toBe(true);
    expect(lab.type('iptables-restore', nested(40, 1)).status).not.toBe(0);
    expect(lab.type('iptables -A c14 -j c0').status).not.toBe(0);
    expect(accepts(lab, 'ip 10.0.0.1 > 10.9.9.9 / udp 9 > 9')).toBe(true);
  });

  it.each([true, false])('a packet that chains multiply is dropped when it has been through enough (compiled: %s)', (compile) => {
    const lab = new NetfilterLab({ compile });
    // Ten jumps on each of 14 levels would be 10^14 visits.
    lab.need('iptables-restore', nested(14, 10));
    expect(accepts(lab, 'ip 10.0.0.1 > 10.9.9.9 / udp 9 > 9')).toBe(false);
    lab.need('iptables-restore', nested(14, 2));
    expect(accepts(lab, 'ip 10.0.0.1 > 10.9.9.9 / udp 9 > 9')).toBe(true);
  });

  it('patterns that nearly fit everywhere are searched all the same', () => {
    const lab = new NetfilterLab();
    const pattern = `b${'a'.repeat(127)}`;
    for (const algo of ['bm', 'kmp']) lab.need(`iptables -A FORWARD -m string --algo ${algo} --string ${pattern} -j DROP`);
    for (let i = 0; i < 200; i++) expect(accepts(lab, 'ip 10.0.0.1 > 10.9.9.9 / udp 9 > 9 / "a"*1400')).toBe(true);
    expect(accepts(lab, `ip 10.0.0.1 > 10.9.9.9 / udp 9 > 9 / "a"*1200 "${pattern}"`)).toBe(false);
    expect(lab.type(`iptables -A FORWARD -m string --algo bm --string ${'x'.repeat(129)}`).status).toBe(2);
  });
});

describe('what rules remember', () => {
  const flood = (lab: NetfilterLab, count: number): number => {
    let accepted = 0;
    for (let i = 0; i < count; i++) if (accepts(lab, `ip ${formatIpv4(0x0b000000 + i)} > 10.9.9.9 / udp 9 > 9`)) accepted++;
    return accepted;
  };

  it('hashlimit: a full table drops what is new', () => {
    const lab = new NetfilterLab();
    lab.need(
      'iptables -A FORWARD -m hashlimit --hashlimit-upto 1/sec --hashlimit-mode srcip --hashlimit-name h --hashlimit-htable-size 100 --hashlimit-htable-max 1000',
    );
    expect(flood(lab, 5000)).toBe(1000);
    // Entries that nobody asks for go, and make room.
    lab.softirq.advanceTo(lab.softirq.clock.now() + 60_000);
    expect(flood(lab, 5000)).toBe(1000);
  });

  it('recent: a hundred addresses a list, the oldest go', () => {
    const lab = new NetfilterLab();
    lab.need('iptables -A FORWARD -m recent --name r --set');
    lab.need('iptables -A OUTPUT -m recent --name r --rcheck -j DROP');
    flood(lab, 5000);
    const seen = (i: number): boolean =>
      !lab.accepts(parsePacket(`ip ${formatIpv4(0x0b000000 + i)} > 10.9.9.9 / udp 9 > 9`), 3, null, 'eth1');
    expect([seen(0), seen(4899), seen(4900), seen(4999)]).toEqual([false, false, true, true]);
  });

  it('LOG: so many a second, and how many more there were', () => {
    const lab = new NetfilterLab();
    lab.need('iptables -A FORWARD -j LOG');
    flood(lab, 5000);
    expect(lab.log.length).toBeLessThan(200);
  });

  it('packets are given back', () => {
    const lab = new NetfilterLab();
    lab.need('iptables -A FORWARD -m connlimit --connlimit-above 10 --connlimit-mask 0 -j DROP');
    const skbs = Array.from({ length: 100 }, (_, i) => lab.forward(parsePacket(`ip 10.0.0.${i} > 10.9.9.9 / udp 9 > 9`), 'eth0', 'eth1'));
    for (const skb of skbs) if (skb !== null) consumeSkb(skb);
    expect(skbs.filter((skb) => skb !== null)).toHaveLength(10);
    expect(lab.softirq.pool.inUse).toBe(0);
  });
});
