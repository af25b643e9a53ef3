/** testing/varied-rules.ts — rule sets that use everything ebtables has, as texts for ebtables-restore; a seed makes the same again. */
import type { Random } from '@packetwalk/framework';

/** Words of matches that stand for themselves. */
const PLAIN: readonly string[] = [
  '--mark 0x5',
  '--mark ! 0x10/0xff',
  '--mark /0x4',
  '--pkttype-type broadcast',
  '--pkttype-type ! otherhost',
  '--limit 5/sec --limit-burst 7',
  '--limit 3/hour --limit-burst 5',
  '--among-src 2:0:0:0:0:1,2:0:0:0:0:2',
  '--among-dst ! 2:0:0:0:0:1=10.0.0.1,2:0:0:0:0:2=10.0.0.2',
  '--among-src 2:0:0:0:0:a --among-dst 2:0:0:0:0:b',
  '--stp-type config --stp-root-prio 1:32768 --stp-root-addr 02:00:00:00:00:00/ff:ff:ff:00:00:00',
  '--stp-flags topology-change --stp-msg-age 256 --stp-hello-time ! 512',
  '--stp-type tcn',
  '--log-level notice --log-prefix "a b" --log-ip --log-arp',
  '--log-level debug',
  '--nflog-prefix "x" --nflog-group 5 --nflog-range 64',
  '--nflog-group 1',
];

/** Words of matches by the protocol that they need. */
const BY_PROTOCOL: Readonly<Record<string, readonly string[]>> = {
  IPv4: [
    '--ip-src 10.0.0.1',
    '--ip-src ! 10.0.0.0/8 --ip-dst 192.168.0.0/255.255.0.255',
    '--ip-tos 0x10',
    '--ip-tos ! 0x08 --ip-proto ! tcp',
    '--ip-proto tcp --ip-sport 80 --ip-dport 1000:2000',
    '--ip-proto udp --ip-dport ! 53',
    '--ip-proto icmp --ip-icmp-type echo-request',
    '--ip-proto icmp --ip-icmp-type ! 3:5/1:2',
    '--ip-proto igmp --ip-igmp-type membership-report-v2',
    '--ip-proto 200',
    '--ip-proto sctp --ip-dport 5',
  ],
  IPv6: [
    '--ip6-src fe80::/10',
    '--ip6-dst ! 2001:db8::1 --ip6-tclass 0x20',
    '--ip6-proto udp --ip6-dport 53',
    '--ip6-proto ipv6-icmp --ip6-icmp-type ! neighbour-solicitation',
    '--ip6-proto ipv6-icmp --ip6-icmp-type 1:3/0:2',
    '--ip6-src ::ffff:10.0.0.1',
  ],
  ARP: [
    '--arp-op Request',
    '--arp-op ! Reply --arp-ip-src 10.0.0.0/24',
    '--arp-ip-dst ! 10.0.0.1 --arp-mac-src 02:00:00:00:00:01',
    '--arp-htype 1 --arp-ptype 0x800',
    '--arp-mac-dst ! 02:00:00:00:00:00/ff:ff:ff:00:00:00',
    '--arp-gratuitous',
    '! --arp-gratuitous',
  ],
  '802_1Q': ['--vlan-id 5', '--vlan-id ! 7 --vlan-encap 0800', '--vlan-prio 3', '--vlan-id 0 --vlan-prio ! 2'],
  Length: ['--802_3-sap 0x42', '--802_3-sap ! 0xaa', '--802_3-type 0x2000'],
};

const TYPES = [...Object.keys(BY_PROTOCOL), 'RARP', 'IPX', '0x9000', 'LLDP', '! IPv4', '! Length'];
const MACS = [
  '02:00:00:00:00:01',
  '! 02:00:00:00:00:01',
  '02:00:00:00:00:00/ff:ff:ff:00:00:00',
  'Unicast',
  'Multicast',
  'Broadcast',
  '! BGA',
];
const DEVICES = ['eth0', '! eth0', 'eth+', '! wan'];
const VERDICTS = [
  'ACCEPT',
  'DROP',
  'CONTINUE',
  'RETURN',
  'mark --mark-set 0x5 --mark-target ACCEPT',
  'mark --mark-xor 0xf0 --mark-target CONTINUE',
];

const TARGETS: Readonly<Record<string, readonly string[]>> = {
  PREROUTING: [
    'dnat --to-dst 02:00:00:00:00:01 --dnat-target ACCEPT',
    'dnat --to-dst ff:ff:ff:ff:ff:ff --dnat-target CONTINUE',
    'redirect --redirect-target DROP',
    'redirect --redirect-target CONTINUE',
  ],
  OUTPUT: ['dnat --to-dst 02:00:00:00:00:01 --dnat-target RETURN'],
  POSTROUTING: ['snat --to-src 02:00:00:00:00:01 --snat-target ACCEPT', 'snat --to-src 02:00:00:00:00:02 --snat-arp --snat-target DROP'],
};

const TABLES: readonly (readonly [string, readonly string[]])[] = [
  ['filter', ['INPUT', 'FORWARD', 'OUTPUT']],
  ['nat', ['PREROUTING', 'OUTPUT', 'POSTROUTING']],
];

export class VariedRules {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  private below(n: number): number {
    return (this.random.int32() >>> 0) % n;
  }

  private one<T>(of: readonly T[]): T {
    return of[this.below(of.length)];
  }

  /** A text of both tables. */
  text(): string {
    return TABLES.map(([table, chains]) => this.table(table, chains)).join('');
  }

  private table(table: string, builtIns: readonly string[]): string {
    const users = ['ALPHA', 'beta-1'].slice(0, this.below(3));
    const heads = [
      ...builtIns.map((chain) => `:${chain} ${this.one(['ACCEPT', 'DROP'])}`),
      ...users.map((chain) => `:${chain} ${this.one(['ACCEPT', 'DROP', 'RETURN'])}`),
    ];
    const rules: string[] = [];
    for (const chain of builtIns) for (let n = this.below(4); n > 0; n--) rules.push(`-A ${chain} ${this.rule(table, chain, users)}`);
    for (const [i, chain] of users.entries()) {
      for (let n = 1 + this.below(3); n > 0; n--) rules.push(`-A ${chain} ${this.rule('filter', '', users.slice(i + 1))}`);
    }
    return `*${table}\n${[...heads, ...rules].map((line) => `${line}\n`).join('')}`;
  }

  /** Two matches at the most: of more than two ebtables 1.8.9 loses some. */
  private rule(table: string, chain: string, jumps: readonly string[]): string {
    const words: string[] = [];
    const type = this.below(4) === 0 ? '' : this.one(TYPES);
    if (type !== '') words.push(`-p ${type}`);
    if (this.below(3) === 0) words.push(`-s ${this.one(MACS)}`);
    if (this.below(3) === 0) words.push(`-d ${this.one(MACS)}`);
    if (this.below(3) === 0 && ['INPUT', 'FORWARD', 'PREROUTING'].includes(chain)) words.push(`-i ${this.one(DEVICES)}`);
    if (this.below(3) === 0 && ['OUTPUT', 'FORWARD', 'POSTROUTING'].includes(chain)) words.push(`-o ${this.one(DEVICES)}`);
    const own = BY_PROTOCOL[type];
    if (own !== undefined && this.below(5) !== 0) words.push(this.one(own));
    if (this.below(2) === 0) words.push(this.one(PLAIN));
    const targets = [...VERDICTS, ...jumps, ...jumps, ...(table === 'nat' ? [...TARGETS[chain], ...TARGETS[chain]] : [])];
    if (type === 'ARP' && chain === 'PREROUTING')
      targets.push('arpreply --arpreply-mac 02:00:00:00:00:01', 'arpreply --arpreply-mac 02:00:00:00:00:01 --arpreply-target ACCEPT');
    return `${words.join(' ')} -j ${this.one(targets)}`.trim();
  }
}
