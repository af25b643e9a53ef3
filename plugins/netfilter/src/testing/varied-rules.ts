/** testing/varied-rules.ts — rule sets with everything that iptables knows, as texts for iptables-restore that a kernel takes. */
import type { Random } from '@packetwalk/framework';

type Words = readonly string[];

const TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'] as const;
type Table = (typeof TABLES)[number];

const BUILT_IN: Readonly<Record<Table, Words>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
};

/** Behind a protocol. */
const BY_PROTOCOL: Readonly<Record<string, Words>> = {
  tcp: [
    '--dport 80',
    '! --dport 1000:2000',
    '--sport 1024: --dport 22',
    '--tcp-flags SYN,ACK SYN',
    '! --tcp-flags ALL NONE',
    '--syn',
    '! --syn --tcp-option 8',
    '-m multiport --dports 22,80:90,443',
    '-m multiport ! --sports 1,2',
    '-m multiport --ports 5,7',
    '-m tcpmss --mss 500:1400',
    '-m ecn --ecn-tcp-ece ! --ecn-tcp-cwr --ecn-ip-ect 2',
    '-m connlimit --connlimit-above 5 --connlimit-mask 24',
    '-m connlimit --connlimit-upto 3 --connlimit-daddr',
  ],
  udp: ['--dport 53', '! --sport :1023', '-m multiport --dports 67,68', '--sport 500 --dport 500'],
  icmp: ['--icmp-type 8', '! --icmp-type 3/4', '--icmp-type any', '--icmp-type 5/1'],
  esp: ['-m esp --espspi 100:200'],
  ah: ['-m ah ! --ahspi 7'],
  sctp: ['-m sctp --dport 5', '-m sctp ! --sport 6:9'],
  47: [''],
};

const MATCHES: Words = [
  '-m addrtype --dst-type LOCAL,BROADCAST',
  '-m comment --comment plain',
  '-m comment --comment "two words and a \\"quote\\""',
  '-m connbytes --connbytes 100:2000 --connbytes-mode bytes --connbytes-dir both',
  '-m connbytes ! --connbytes 5: --connbytes-mode avgpkt --connbytes-dir reply',
  '-m connmark --mark 0x7',
  '-m connmark ! --mark 0x10/0xf0',
  '-m conntrack --ctstate RELATED,ESTABLISHED',
  '-m conntrack ! --ctstate INVALID,NEW,UNTRACKED',
  '-m conntrack --ctorigsrc 10.0.0.0/8 ! --ctreplsrc 192.168.0.1/32 --ctdir REPLY',
  '-m conntrack --ctproto 17 --ctorigdstport 50:60 --ctexpire 10:20',
  '-m conntrack --ctstatus ASSURED,SEEN_REPLY',
  '-m dscp --dscp 0x2e',
  '-m dscp ! --dscp-class AF21',
  '-m hashlimit --hashlimit-upto 5/min --hashlimit-burst 9 --hashlimit-mode srcip,dstport --hashlimit-name one',
  '-m hashlimit --hashlimit-above 512kb/s --hashlimit-mode dstip --hashlimit-dstmask 24 --hashlimit-name two',
  '-m hashlimit --hashlimit-above 10/sec --hashlimit-name three --hashlimit-htable-expire 5000',
  '-m helper --helper ftp',
  '-m iprange --src-range 10.0.0.1-10.0.0.9 ! --dst-range 1.2.3.4-1.2.3.5',
  '-m length --length 40:1500',
  '-m length ! --length 52',
  '-m limit --limit 7/hour',
  '-m limit --limit 100/sec --limit-burst 200',
  '-m mark --mark 0x12/0xff -m mark ! --mark 0x3',
  '-m physdev ! --physdev-is-bridged',
  '-m pkttype --pkt-type broadcast',
  '-m pkttype ! --pkt-type unicast',
  '-m quota --quota 100000',
  '-m recent --set --name seen --rsource',
  '-m recent --rcheck --seconds 60 --hitcount 4 --rttl --name seen --mask 255.255.255.0 --rsource',
  '-m recent ! --update --name other --rdest',
  '-m set --match-set hosts src',
  '-m set ! --match-set pairs src,dst',
  '-m set --match-set nets dst --return-nomatch ! --update-counters --packets-gt 5',
  '-m state --state NEW',
  '-m statistic --mode nth --every 5 --packet 2',
  '-m statistic --mode random ! --probability 0.25',
  '-m string --string "GET /" --algo bm --from 20 --to 600',
  '-m string --hex-string "|0d0a|abc" --algo kmp --icase',
  '-m time --timestart 08:00 --timestop 18:30 --weekdays Mon,Tue,Fri',
  '-m time --monthdays 1,15 --datestart 2026-01-01T00:00:00 --kerneltz',
  '-m tos --tos 0x10',
  '-m tos ! --tos 0x08/0x1e',
  '-m ttl --ttl-gt 9',
  '-m ttl ! --ttl-eq 64',
  '-m u32 --u32 "0>>22&0x3C@0>>16=22,53:55&&6&0xFF=0x11"',
];

/** Those that only some chains may have. */
const INCOMING: Words = [
  '-m addrtype ! --src-type UNICAST --limit-iface-in',
  '-m devgroup --src-group 0x5',

  '-m mac --mac-source 02:00:00:00:00:01',
  '-m mac ! --mac-source aa:bb:cc:dd:ee:ff',
  '-m policy --dir in --pol none',
];
const OUTGOING: Words = [
  '-m addrtype --dst-type UNICAST --limit-iface-out',
  '-m devgroup ! --dst-group 0x10/0xf0',

  '-m policy --dir out --pol ipsec --strict --reqid 7 --mode tunnel --tunnel-src 1.1.1.1 --tunnel-dst 2.2.2.2 --next --proto esp',
];

const OWNERS: Words = ['-m owner --uid-owner 0', '-m owner ! --gid-owner 5-9 --socket-exists'];

const EVERYWHERE: Words = [
  '-j ACCEPT',
  '-j RETURN',
  '',
  '-j LOG --log-prefix "seen: " --log-level 7 --log-tcp-options --log-ip-options --log-uid',
  '-j LOG',
  '-j NFLOG --nflog-group 5 --nflog-prefix "x y" --nflog-threshold 2',
  '-j NFQUEUE --queue-num 3 --queue-bypass',
  '-j NFQUEUE --queue-balance 0:3 --queue-cpu-fanout',
  '-j CONNMARK --restore-mark',
  '-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff00',
  '-j CONNMARK --set-xmark 0x5/0xf',
  '-j SET --add-set hosts src --exist --timeout 60',
  '-j SET --del-set pairs dst,dst',
  '-j MARK --set-xmark 0x1/0xff',
  '-j MARK --and-mark 0x7',
];

const BY_TABLE: Readonly<Record<Table, Words>> = {
  raw: ['-j DROP', '-j CT --notrack', '-j CT --zone 5', '-j CT --zone-orig 7 --ctevents new,destroy', '-j TRACE', '-j NOTRACK'],
  mangle: [
    '-j DROP',
    '-j TOS --set-tos 0x10/0x3f',
    '-j TOS --or-tos 0x8',
    '-j DSCP --set-dscp 0x2e',
    '-j DSCP --set-dscp-class CS1',
    '-j TTL --ttl-set 64',
    '-j TTL --ttl-dec 1',
    '-j CHECKSUM --checksum-fill',
    '-j TEE --gateway 10.0.0.9',
  ],
  nat: [],
  filter: ['-j DROP', '-j REJECT', '-j REJECT --reject-with icmp-admin-prohibited', '-j REJECT --reject-with icmp-host-unreachable'],
  security: ['-j DROP'],
};

const BY_CHAIN: Readonly<Record<string, Words>> = {
  'nat PREROUTING': [
    '-j DNAT --to-destination 10.0.0.1-10.0.0.9 --random',
    '-j REDIRECT',
    '-j NETMAP --to 10.0.0.0/24',
    '-j DNAT --to-destination 10.0.0.7 --persistent',
  ],
  'nat OUTPUT': ['-j DNAT --to-destination 10.0.0.1', '-j REDIRECT'],
  'nat INPUT': ['-j SNAT --to-source 10.0.0.1'],
  'nat POSTROUTING': [
    '-j SNAT --to-source 1.2.3.4-1.2.3.9 --random-fully --persistent',
    '-j MASQUERADE',
    '-j MASQUERADE --random',
    '-j NETMAP --to 5.6.0.0/16',
  ],
  'mangle POSTROUTING': ['-j CLASSIFY --set-class 1:10'],
};

/** With TCP and nothing else. */
const TCP_TARGETS: Readonly<Record<string, Words>> = {
  mangle: ['-j ECN --ecn-tcp-remove'],
  filter: ['-j REJECT --reject-with tcp-reset'],
  'nat PREROUTING': ['-j DNAT --to-destination 10.0.0.1:80-90', '-j DNAT --to-destination :8080', '-j REDIRECT --to-ports 3128-3130'],
  'nat POSTROUTING': ['-j SNAT --to-source 1.2.3.4:1000-2000', '-j MASQUERADE --to-ports 5000-6000'],
};

export class VariedRules {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** Sets that rules name, for `ipset restore`. */
  static readonly SETS = 'create hosts hash:ip timeout 100\ncreate nets hash:net counters\ncreate pairs hash:ip,port\n';

  private pick<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)];
  }

  private chance(percent: number): boolean {
    return this.random.below(100) < percent;
  }

  private counters(): string {
    return `[${this.random.below(100000)}:${this.random.below(10000000)}]`;
  }

  /** A text with some of the tables. */
  text(): string {
    const tables = TABLES.filter(() => this.chance(60));
    return (tables.length === 0 ? (['filter'] as const) : tables).map((table) => this.table(table)).join('');
  }

  private table(table: Table): string {
    const users = Array.from({ length: this.random.below(4) }, (_, i) => `${table}-${this.pick(['in', 'log', 'chain', 'X'])}${i}`).sort();
    const lines = [`*${table}`];
    for (const chain of BUILT_IN[table])
      lines.push(`:${chain} ${table === 'nat' ? 'ACCEPT' : this.pick(['ACCEPT', 'DROP'])} ${this.counters()}`);
    for (const chain of users) lines.push(`:${chain} - [0:0]`);
    for (let i = this.random.below(14); i >= 0; i--) {
      const user = users.length > 0 && this.chance(25) ? this.random.below(users.length) : -1;
      lines.push(
        `${this.counters()} -A ${this.rule(table, user < 0 ? this.pick(BUILT_IN[table]) : users[user], users.slice(user + 1), user >= 0)}`,
      );
    }
    return `${lines.join('\n')}\nCOMMIT\n`;
  }

  private rule(table: Table, chain: string, below: Words, isUser: boolean): string {
    const incoming = chain === 'PREROUTING' || chain === 'INPUT';
    const outgoing = chain === 'OUTPUT' || chain === 'POSTROUTING';
    const words = [chain, ...this.addresses(), ...this.devices(incoming, outgoing, isUser)];
    const protocol = this.chance(60) ? this.pick(Object.keys(BY_PROTOCOL)) : '';
    if (protocol !== '') {
      const inverted = this.chance(10);
      words.push(`${inverted ? '! ' : ''}-p ${protocol}`);
      if (!inverted && this.chance(80)) words.push(this.pick(BY_PROTOCOL[protocol]));
    }
    const isTcp = words.some((word) => word === '-p tcp');
    for (let i = this.random.below(3); i > 0; i--) words.push(this.pick(MATCHES));
    if (incoming && this.chance(15)) words.push(this.pick(INCOMING));
    if (outgoing && this.chance(15)) words.push(this.pick(OUTGOING));
    if (outgoing && this.chance(10)) words.push(this.pick(OWNERS));
    words.push(below.length > 0 && this.chance(30) ? `${this.pick(['-j', '-g'])} ${this.pick(below)}` : this.target(table, chain, isTcp));
    return words.filter((word) => word !== '').join(' ');
  }

  private addresses(): string[] {
    const one = (letter: string): string =>
      this.chance(30)
        ? `${this.chance(20) ? '! ' : ''}${letter} ${this.pick(['10.0.0.0/8', '192.168.1.1', '172.16.0.0/12', '10.1.0.0/255.255.0.255', '0.0.0.0/1'])}`
        : '';
    return [one('-s'), one('-d')];
  }

  private devices(incoming: boolean, outgoing: boolean, isUser: boolean): string[] {
    const one = (letter: string): string =>
      this.chance(25) ? `${this.chance(20) ? '! ' : ''}${letter} ${this.pick(['eth0', 'ppp+', 'br-lan', 'e+'])}` : '';
    const words = [outgoing || isUser ? '' : one('-i'), incoming || isUser ? '' : one('-o')];
    if (this.chance(5)) words.push(this.pick(['-f', '! -f']));
    return words;
  }

  private target(table: Table, chain: string, isTcp: boolean): string {
    const own = [...(BY_CHAIN[`${table} ${chain}`] ?? []), ...BY_TABLE[table]];
    if (isTcp) own.push(...(TCP_TARGETS[table] ?? []), ...(TCP_TARGETS[`${table} ${chain}`] ?? []));
    return this.pick(own.length > 0 && this.chance(60) ? own : EVERYWHERE);
  }
}
