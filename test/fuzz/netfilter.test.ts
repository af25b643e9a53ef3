/**
 * Packets whose transport headers are cut off or lie, at rules with everything, tracking, helpers and NAT: nothing throws,
 * nothing leaks, and what is not valid is counted. FUZZ_FRAMES says how many, FUZZ_SEED which ones.
 */
import arp from '@packetwalk/arp';
import fibTrie from '@packetwalk/fib-trie';
import {
  allocSkb,
  BufferIo,
  consumeSkb,
  definePlugin,
  ipSendCheck,
  netifReceiveSkb,
  type Random,
  Router,
  SeededRandom,
  Softirq,
  silentLog,
  skbPutData,
  splitWords,
  Tracer,
  VirtualClock,
} from '@packetwalk/framework';
import ipv4 from '@packetwalk/ipv4';
import netfilter from '@packetwalk/netfilter';
import { expect, test } from 'vitest';
import { VariedRules } from '../../plugins/netfilter/src/testing/varied-rules.ts';
import { mutate } from './frame-mutator.ts';

const FRAMES = Math.min(Number(process.env.FUZZ_FRAMES ?? 100_000), 2_000_000);
const SEED = Number(process.env.FUZZ_SEED ?? 20_070_801);

const GATEWAY = `*raw
-A PREROUTING -p tcp --dport 21 -j CT --helper ftp
-A PREROUTING -p udp --dport 69 -j CT --helper tftp
COMMIT
*nat
-A PREROUTING -d 10.0.0.1 -p udp --dport 53 -j DNAT --to-destination 10.1.0.2:5353
-A PREROUTING -d 203.0.113.0/24 -j NETMAP --to 10.1.0.0/24
-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080
-A POSTROUTING -o p1 -j MASQUERADE --random
COMMIT
*mangle
-A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
-A FORWARD -p tcp -j ECN --ecn-tcp-remove
-A FORWARD -m conntrack --ctstate INVALID -j TEE --gateway 10.0.0.2
COMMIT
*filter
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A FORWARD -m conntrack --ctstate INVALID -j REJECT
-A FORWARD -m connlimit --connlimit-above 50 -j REJECT
COMMIT
`;

const ports = definePlugin({
  name: 'fuzz-port',
  setup(ctx) {
    ctx.driver({
      name: 'fuzz-port',
      create: () => ({
        ops: {
          startXmit(skb) {
            consumeSkb(skb);
            return 0;
          },
        },
      }),
    });
  },
});

const PROTOCOLS = [1, 6, 6, 17, 17, 47, 132, 136, 50, 51, 253];
const TEXTS = [
  'PORT 10,0,0,2,8,1\r\n',
  'PORT 300,1,1\r\n',
  'EPRT |1|10.0.0.2|2052|\r\n',
  '227 Entering (10,1,0,2,9,2)\r\n',
  'PASV\r\n',
  'a needle',
];

/** An IPv4 packet with a right header; what is behind it is cut off or says what it likes. */
function lyingPacket(random: Random, frame: Uint8Array): number {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
  const view = new DataView(frame.buffer);
  const options = random.below(20) === 0 ? 4 * (1 + random.below(10)) : 0;
  const header = 20 + options;
  const size = header + (random.below(3) === 0 ? random.below(24) : random.below(120));
  frame.set([2, 0, 0, 0, 0, 0x10, 2, 0, 0, 0, 0x0a, 2, 8, 0]);
  for (let i = 14; i < 14 + size; i++) frame[i] = random.below(4) === 0 ? random.below(256) : 0;
  const ip = 14;
  view.setUint8(ip, 0x40 | (header >> 2));
  view.setUint16(ip + 2, size);
  view.setUint16(ip + 4, random.below(50));
  view.setUint16(ip + 6, random.below(8) === 0 ? pick([0x2000, 1, 0x2001, 2, 0x4000]) : 0);
  view.setUint8(ip + 8, pick([1, 64, 64]));
  view.setUint8(ip + 9, pick(PROTOCOLS));
  view.setUint32(ip + 12, pick([0x0a000002, 0x0a000009, 0x0a010002, 0x0a000001]));
  view.setUint32(ip + 16, pick([0x0a010002, 0x0a000001, 0xcb007105, 0x0a000009, 0x0a010001]));
  const th = ip + header;
  if (size >= header + 4) {
    view.setUint16(th, pick([21, 53, 1000, 1001, 69, 80]));
    view.setUint16(th + 2, pick([21, 53, 1000, 1001, 69, 80]));
  }
  if (view.getUint8(ip + 9) === 6 && size >= header + 20) {
    view.setUint8(th + 12, pick([0x50, 0x50, 0x60, 0xf0, 0x00, 0x40]));
    view.setUint8(th + 13, pick([2, 0x12, 0x10, 0x18, 4, 1, 0, 0x3f]));
    const text = pick(TEXTS);
    for (let i = 0; i < text.length && th + 20 + i < 14 + size; i++) frame[th + 20 + i] = text.charCodeAt(i);
  }
  if (view.getUint8(ip + 9) === 1 && size >= header + 2) view.setUint16(th, pick([0x0800, 0, 0x0303, 0x0304, 0x0b00, 0x0501, 0x0d00]));
  ipSendCheck(view, ip);
  return 14 + size;
}

function fuzz(rules: readonly string[], frames: number, seed: number): { router: Router; softirq: Softirq } {
  const random = new SeededRandom(seed);
  const softirq = new Softirq(new VirtualClock(), new SeededRandom(1), silentLog);
  const router = new Router({
    name: 'r',
    softirq,
    tracer: new Tracer(),
    log: silentLog,
    baseDir: '',
    plugins: [
      ...[ipv4, arp, fibTrie, ports].map((plugin) => ({ id: plugin.name, plugin, options: {} })),
      { id: 'netfilter', plugin: netfilter, options: { compile: true, logRate: 10 } },
    ],
    config: {
      devices: {
        p0: { driver: 'fuzz-port', mac: '02:00:00:00:00:10', addresses: ['10.0.0.1/24'] },
        p1: { driver: 'fuzz-port', mac: '02:00:00:00:00:11', mtu: 600, addresses: ['10.1.0.1/24'] },
      },
      sysctl: { 'net.ipv4.ip_forward': 1, 'net.netfilter.nf_conntrack_max': 2000 },
      ipset: VariedRules.SETS,
    },
  });
  const type = (line: string, input = ''): string => {
    const io = new BufferIo();
    io.input = input;
    expect(router.commands.run(splitWords(line), io), `${line}: ${io.stderr}\n${input}`).toBe(0);
    return io.stdout;
  };
  for (const text of rules) type('iptables-restore', text);
  for (const [host, dev] of [
    ['10.0.0.2', 'p0'],
    ['10.0.0.9', 'p0'],
    ['10.1.0.2', 'p1'],
    ['10.1.0.5', 'p1'],
  ]) {
    type(`ip neigh replace ${host} lladdr 02:00:00:00:0b:02 dev ${dev}`);
  }
  const dev = router.net.needDevice('p0');
  const frame = new Uint8Array(2048);
  for (let i = 0; i < frames; i++) {
    const length = i % 4 === 3 ? mutate(random, frame) : lyingPacket(random, frame);
    const skb = allocSkb(router.net, dev, length);
    skbPutData(skb, frame.subarray(0, length));
    netifReceiveSkb(skb);
    if (i % 64 === 0) softirq.advanceTo(softirq.clock.now() + 3);
  }
  expect([...softirq.faults]).toEqual([]);
  const stats = type('conntrack -S');
  expect(Number(/invalid=(\d+)/.exec(stats)?.[1])).toBeGreaterThan(frames / 100);
  type('conntrack -F');
  // Fragments and packets without a neighbour wait; in a minute nothing does.
  softirq.advanceTo(softirq.clock.now() + 120_000);
  expect(softirq.pool.inUse).toBe(0);
  return { router, softirq };
}

test(`${FRAMES} packets that lie, at a NAT gateway`, { timeout: 120_000 + FRAMES }, () => {
  fuzz([GATEWAY], FRAMES, SEED);
});

test.each([0, 1, 2, 3])('and at rules with everything (%i)', { timeout: 120_000 + FRAMES }, (seed) => {
  fuzz([new VariedRules(new SeededRandom(seed)).text()], FRAMES / 20, SEED + seed);
});
