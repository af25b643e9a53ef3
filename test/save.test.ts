/** `packetwalk save`: the config that it prints makes the same router again. */
import { BufferIo, Lab, parseConfig, type Router, SeededRandom, silentLog, splitWords, VirtualClock } from '@packetwalk/framework';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDocument } from '../cli/src/load-config.ts';

const START = `
plugins: [ipv4, arp, fib-trie, netfilter, ebtables, nic-pair]
devices:
  lan: {driver: nic-pair, peer: wan, mac: "02:00:00:00:00:01", addresses: [192.168.0.1/24]}
  wan: {driver: nic-pair, peer: lan, mac: "02:00:00:00:00:02", addresses: [203.0.113.2/30]}
rt_tables: {isp: 100}
fib: {backend: fib-trie}
`;

/** Everything that tells one router from another, as its own commands show it. */
const QUESTIONS = [
  'ip -d link',
  'ip -d addr',
  'ip -d route show table all',
  'ip -d rule',
  'ip neigh show nud permanent',
  'ip neigh show proxy',
  'sysctl -a',
  'ipset save',
  'iptables-save',
  'ebtables-save',
];

const KEY = '0x101112131415161718191a1b1c1d1e1f20212223';

async function build(text: string): Promise<Lab> {
  const doc = parseConfig(text, 'saved.yaml');
  const plan = await loadDocument(doc, 'saved.yaml', (issues) => doc.sort(issues).map((i) => doc.format(i)));
  return new Lab(plan, { clock: new VirtualClock(), random: new SeededRandom(1), log: silentLog, secret: () => KEY });
}

const only = (lab: Lab): Router => lab.routers.values().next().value as Router;

function type(router: Router, line: string): string {
  const io = new BufferIo();
  void router.commands.run(splitWords(line), io);
  return io.stdout;
}

function answers(router: Router): Record<string, string> {
  // Time goes on between the two, and the kernel's own random numbers are drawn anew.
  const steady = (text: string): string =>
    text
      .replace(/^#.*\n/gm, '')
      .replace(/\[\d+:\d+\]/g, '')
      .replace(/qdisc noop|qdisc noqueue/g, 'qdisc');
  return Object.fromEntries(QUESTIONS.map((line) => [line, steady(type(router, line))]));
}

const host = fc.integer({ min: 3, max: 250 });
const dev = fc.constantFrom('lan', 'wan');
const line = fc.oneof(
  fc.tuple(host, dev).map(([n, d]) => `ip addr add 10.${n}.0.1/24 dev ${d}`),
  fc.tuple(host, dev).map(([n, d]) => `ip addr add 10.7.0.${n}/16 brd + dev ${d} label ${d}:${n} metric ${n}`),
  fc.tuple(host, dev).map(([n, d]) => `ip addr add 10.8.0.${n} peer 10.9.${n}.1/32 dev ${d} scope link`),
  host.map((n) => `ip addr add 10.99.0.${n}/32 dev lo`),
  fc.tuple(host, host).map(([a, b]) => `ip route add 172.${a}.0.0/16 via 192.168.0.${b}`),
  fc.tuple(host, host).map(([a, b]) => `ip route append 172.${a % 8}.0.0/16 via 192.168.0.${b}`),
  fc.tuple(host, host).map(([a, b]) => `ip route append 172.${a % 8}.0.0/16 via 192.168.0.${b} metric ${b} mtu lock 1400 src 192.168.0.1`),
  fc
    .tuple(host, host, host)
    .map(([a, b, c]) => `ip route add 173.${a}.0.0/16 nexthop via 192.168.0.${b} weight 3 nexthop via 192.168.0.${c} dev lan onlink`),
  fc
    .tuple(host, fc.constantFrom('blackhole', 'unreachable', 'prohibit', 'throw'))
    .map(([n, t]) => `ip route add ${t} 174.${n}.0.0/16 table isp`),
  fc.tuple(host, dev).map(([n, d]) => `ip route add 175.${n}.0.0/24 dev ${d} scope link proto static tos 0x10`),
  fc.tuple(host, host).map(([a, b]) => `ip rule add from 10.${a}.0.0/16 fwmark ${b}/0xff iif lan lookup isp priority ${a}`),
  fc.tuple(host, host).map(([a, b]) => `ip rule add not to 10.${a}.0.0/16 ipproto udp dport ${b}-${b + 9} prohibit`),
  host.map((n) => `ip rule add goto 32766 priority ${n}`),
  fc.tuple(host, host).map(([a, b]) => `ip route add 176.${a}.0.0/16 via 192.168.0.${b} realms ${a}/${b}`),
  fc.constantFrom('ip rule del priority 32767', 'ip rule del priority 32766'),
  fc.tuple(host, dev).map(([n, d]) => `ip neigh add 192.168.0.${n} lladdr 02:00:00:00:01:${n.toString(16).padStart(2, '0')} dev ${d}`),
  fc.tuple(host, dev).map(([n, d]) => `ip neigh add proxy 192.168.0.${n} dev ${d}`),
  fc.tuple(dev, host).map(([d, n]) => `ip link set dev ${d} mtu ${1000 + n} txqueuelen ${n} alias 'the ${d} of "${n}"'`),
  fc.tuple(host, host).map(([a, b]) => `ipset add hosts 10.${a}.0.${b} timeout ${a} comment "${b} of ${a}"`),
  fc.tuple(host, host).map(([a, b]) => `ipset add nets 10.${a}.0.0/${16 + (b % 16)}${b > 99 ? ' nomatch' : ''}`),
  fc.constantFrom(
    'ipset create hosts hash:ip timeout 300 counters comment',
    'ipset create nets hash:net hashsize 64',
    'ipset create all list:set',
    'ipset add all nets',
    'iptables -A FORWARD -m set --match-set hosts src -j DROP',
    'iptables -A FORWARD -m set --match-set all dst -j SET --add-set hosts src --exist --timeout 9',
  ),
  dev.map((d) => `ip link set dev ${d} promisc on`),
  dev.map((d) => `ip link set dev ${d} arp off`),
  fc.tuple(dev, fc.constantFrom('down', 'up')).map(([d, state]) => `ip link set dev ${d} ${state}`),
  fc.tuple(host, dev).map(([n, d]) => `ip addr add 10.7.0.${n % 3}/16 dev ${d} metric 3`),
  host.map((n) => `ip addr add 10.7.0.${n % 3}/32 dev lo`),
  fc.tuple(host, dev).map(([n, d]) => `ip addr del 10.7.0.${n % 3}/16 dev ${d}`),
  host.map((n) => `ip route append 10.7.0.0/16 via 192.168.0.${n} metric 3`),
  fc.constantFrom(
    'sysctl -w net.ipv4.ip_forward=1',
    'sysctl -w net.ipv4.conf.all.rp_filter=1',
    'sysctl -w net.ipv4.conf.default.arp_ignore=2',
    'sysctl -w net.ipv4.conf.lan.forwarding=1',
    'sysctl -w net.ipv4.conf.wan.accept_redirects=0',
    'sysctl -w net.ipv4.neigh.lan.gc_stale_time=90',
    'sysctl -w net.ipv4.icmp_echo_ignore_all=1',
  ),
  fc.constantFrom(
    'iptables -A INPUT -p udp --dport 9999 -j DROP',
    'iptables -t nat -A POSTROUTING -o wan -j MASQUERADE',
    'iptables -N "with space"',
    'iptables -N LOGGED',
    'iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP',
    'iptables -A FORWARD -m comment --comment "it\'s \\"quoted\\"" -j ACCEPT',
    'iptables -P FORWARD DROP',
    'ebtables -N U -P RETURN',
    'ebtables -A FORWARD -p IPv4 --ip-dport 53 --ip-proto udp -j U',
    'ebtables -t nat -A POSTROUTING -o lan -j snat --to-src 02:00:00:00:00:77 --snat-arp',
    'ebtables -A U --log-prefix "a b" -j DROP',
  ),
);

describe('packetwalk save', () => {
  it('prints what makes the same router again, whatever was typed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 25 }), async (lines) => {
        const lab = await build(START);
        for (const typed of lines) type(only(lab), typed);
        const text = type(only(lab), 'save');
        const again = await build(text);
        expect(answers(only(again))).toEqual(answers(only(lab)));
        expect(type(only(again), 'save')).toBe(text);
        for (const router of [lab, again]) await router.stop();
      }),
      { numRuns: 30 },
    );
  });

  it('is a config that a person likes to read', async () => {
    const lab = await build(START);
    for (const typed of [
      'ip route add default via 203.0.113.1',
      'sysctl -w net.ipv4.ip_forward=1',
      'iptables -A INPUT -p udp --dport 9999 -j DROP',
    ]) {
      type(only(lab), typed);
    }
    expect(type(only(lab), 'save')).toBe(`hostname: saved
plugins: [ipv4, arp, fib-trie, netfilter, ebtables, nic-pair]
devices:
  lan: {driver: nic-pair, peer: wan, mac: 02:00:00:00:00:01, addresses: [192.168.0.1/24]}
  wan: {driver: nic-pair, peer: lan, mac: 02:00:00:00:00:02, addresses: [203.0.113.2/30]}
rt_tables:
  isp: 100
fib:
  backend: fib-trie
sysctl:
  net.ipv4.ip_forward: 1
routes:
  - default via 203.0.113.1 dev wan
iptables: |
  *filter
  :INPUT ACCEPT [0:0]
  :FORWARD ACCEPT [0:0]
  :OUTPUT ACCEPT [0:0]
  -A INPUT -p udp -m udp --dport 9999 -j DROP
  COMMIT
`);
    await lab.stop();
  });

  it('saves a lab with its cables', async () => {
    const lab = await build(`
routers:
  a: {plugins: [ipv4, arp, fib-hash, nic-pair], devices: {eth0: {driver: nic-pair, addresses: [10.0.0.1/24]}}}
  b: {plugins: [ipv4, arp, fib-hash, nic-pair], devices: {eth0: {driver: nic-pair, addresses: [10.0.0.2/24]}}}
links: [[a.eth0, b.eth0]]
`);
    const { routers, links } = lab.save() as { routers: Record<string, unknown>; links: unknown };
    expect(Object.keys(routers)).toEqual(['a', 'b']);
    expect(links).toEqual([['a.eth0', 'b.eth0']]);
    await lab.stop();
  });

  const IPSEC = `
plugins: [ipv4, arp, fib-trie, xfrm]
xfrm:
  state:
    - src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 mode tunnel aead 'rfc4106(gcm(aes))' env:LEFT_KEY 128
    - src 192.0.2.2 dst 192.0.2.1 proto ah spi 2 mode transport reqid 7 auth-trunc 'hmac(sha1)' env:RIGHT_KEY 96
`;
  for (const name of ['LEFT_KEY', 'RIGHT_KEY']) process.env[name] = KEY;
  const nullEsp = "proto esp enc 'ecb(cipher_null)' ''";
  const ipsec = fc.oneof(
    host.map(
      (n) => `ip xfrm state add src 10.0.0.1 dst 10.0.0.${n} spi ${n} ${nullEsp} reqid 4294967295 limit byte-hard ${n} limit time-soft 9`,
    ),
    host.map(
      (n) =>
        `ip xfrm state add src 10.0.0.2 dst 10.0.0.${n} spi ${n} ${nullEsp} mark ${n} mask 0xff output-mark 7 if_id ${n} mode tunnel tfcpad 5`,
    ),
    host.map(
      (n) => `ip xfrm state add src 10.0.0.3 dst 10.0.0.${n} spi ${n} ${nullEsp} replay-window 64 flag esn noecn extra-flag oseq-may-wrap`,
    ),
    host.map(
      (n) =>
        `ip xfrm state add src 10.0.0.4 dst 10.0.0.${n} spi ${n} ${nullEsp} encap espinudp 4500 4501 0.0.0.0 sel proto udp sport ${n} dev lo`,
    ),
    host.map((n) => `ip xfrm state add src 10.0.0.5 dst 10.0.0.${n} proto comp spi ${n} mode tunnel comp deflate flag af-unspec`),
    fc
      .tuple(host, fc.constantFrom('in', 'out', 'fwd'))
      .map(([n, d]) => `ip xfrm policy add src 10.${n}.0.0/16 dir ${d} action block priority ${n}`),
    host.map((n) => `ip xfrm policy add dst 10.${n}.0.0/16 proto icmp type 8 dir fwd index ${8 * n + 2} limit packet-soft 3 ptype sub`),
    host.map(
      (n) =>
        `ip xfrm policy add proto gre key ${n} dir out mark ${n} if_id 9 flag localok tmpl src 1.1.1.1 dst 2.2.2.2 proto esp mode tunnel tmpl proto ah spi ${n}`,
    ),
    host.map(
      (n) => `ip xfrm policy add src 10.0.${n}.0/24 proto tcp dport ${n} dev lo dir in tmpl proto comp mode transport reqid 3 level use`,
    ),
    fc.constantFrom(
      'ip xfrm policy setdefault fwd block',
      'ip xfrm policy setdefault in block out block',
      'ip xfrm policy setdefault in accept',
    ),
  );

  it('prints states by the names of their keys, and policies', async () => {
    const asked = ['ip xfrm state', 'ip xfrm policy', 'ip xfrm policy getdefault'];
    await fc.assert(
      fc.asyncProperty(fc.array(ipsec, { maxLength: 20 }), async (lines) => {
        const lab = await build(IPSEC);
        for (const typed of lines) type(only(lab), typed);
        const text = type(only(lab), 'save');
        expect(text).toContain('env:LEFT_KEY');
        expect(text).not.toContain('0x1011');
        const again = await build(text);
        for (const line of asked) expect(type(only(again), line)).toBe(type(only(lab), line));
        expect(type(only(again), 'save')).toBe(text);
        for (const router of [lab, again]) await router.stop();
      }),
      { numRuns: 12 },
    );
  });

  it('prints no key that was typed: it says which state is in the way', async () => {
    const lab = await build(IPSEC);
    type(only(lab), "ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp spi 0x77 enc 'cbc(aes)' 0x0102030405060708090a0b0c0d0e0f10");
    const io = new BufferIo();
    expect(await only(lab).commands.run(['save'], io)).not.toBe(0);
    expect(io.stdout).toBe('');
    expect(io.stderr).toContain('src 10.0.0.1 dst 10.0.0.2 proto esp spi 0x77');
    expect(io.stderr).not.toContain('0102');
    await lab.stop();
  });

  it('may print lines of setup; those that are wrong have a place', async () => {
    await expect(build(`${START}setup: [ip link set lan alias x, ip route add 10.0.0.0/8 via 1.1.1.1, ping 10.0.0.1]\n`)).rejects.toThrow(
      'saved.yaml:8:34: setup[1]: Nexthop has invalid gateway.',
    );
  });
});
