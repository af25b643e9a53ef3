/**
 * A million frames that are nearly right, at a router with all that IPv4 has: nothing throws, nothing leaks, and memory
 * stays bounded. FUZZ_FRAMES says how many, FUZZ_SEED which ones.
 */
import arp from '@packetwalk/arp';
import fibTrie from '@packetwalk/fib-trie';
import {
  allocSkb,
  BufferIo,
  consumeSkb,
  Defrag,
  definePlugin,
  InetSockets,
  IP_DEFRAG_CONNTRACK_IN,
  NF_ACCEPT,
  NF_IP_PRE_ROUTING,
  NF_STOLEN,
  PF_INET,
  Router,
  RX_ERRORS,
  RX_PACKETS,
  SeededRandom,
  Softirq,
  silentLog,
  splitWords,
  Tracer,
  TX_ERRORS,
  TX_PACKETS,
  VirtualClock,
} from '@packetwalk/framework';
import { toHex } from '@packetwalk/framework/testing';
import ipv4 from '@packetwalk/ipv4';
import tunnel from '@packetwalk/tunnel';
import { expect, test } from 'vitest';
import { mutate } from './frame-mutator.ts';

const FRAMES = Number(process.env.FUZZ_FRAMES ?? 1_000_000);
const SEED = Number(process.env.FUZZ_SEED ?? 20_070_801);
/** Frames between two moments of virtual time, and how far those are apart in ms. */
const BURST = 64;
const TICK = 3;

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

/** Puts fragments of half the senders together before routing, as connection tracking would. */
const tracker = definePlugin({
  name: 'fuzz-tracker',
  requires: [Defrag],
  setup(ctx) {
    const defrag = ctx.inject(Defrag);
    ctx.nfHook({
      pf: PF_INET,
      hooknum: NF_IP_PRE_ROUTING,
      priority: -400,
      hook(skb) {
        const { view } = skb.head;
        const ip = skb.networkHeader;
        if ((view.getUint16(ip + 6) & 0x3fff) === 0 || (view.getUint8(ip + 15) & 1) === 0) return NF_ACCEPT;
        return defrag.defrag(skb, IP_DEFRAG_CONNTRACK_IN) === 0 ? NF_ACCEPT : NF_STOLEN;
      },
    });
  },
});

test(`${FRAMES} mutated frames: no exception, no leak`, { timeout: 600_000 + FRAMES / 2 }, async () => {
  const random = new SeededRandom(SEED);
  const softirq = new Softirq(new VirtualClock(), new SeededRandom(1), silentLog);
  const router = new Router({
    name: 'r',
    softirq,
    tracer: new Tracer(),
    log: silentLog,
    baseDir: '',
    plugins: [ipv4, arp, fibTrie, tunnel, ports, tracker].map((plugin) => ({ id: plugin.name, plugin, options: {} })),
    config: {
      devices: {
        p0: { driver: 'fuzz-port', mac: '02:00:00:00:00:10', addresses: ['10.0.0.1/24'] },
        p1: { driver: 'fuzz-port', mac: '02:00:00:00:00:11', mtu: 600, addresses: ['10.1.0.1/24'] },
      },
      sysctl: { 'net.ipv4.ip_forward': 1, 'net.ipv4.conf.all.accept_source_route': 1, 'net.ipv4.icmp_echo_ignore_broadcasts': 0 },
      routes: ['203.0.113.0/24 via 10.1.0.9'],
    },
  });
  const { net } = router;
  let heard = 0;
  const receiver = { name: 'ear', message: () => heard++, packet: () => heard++, routerAlert: true };
  router.service(InetSockets).udp(receiver, 5000);
  router.service(InetSockets).raw(receiver, 17);
  const io = new BufferIo();
  for (const line of [
    'ip neigh replace 10.1.0.2 lladdr 02:00:00:00:0b:02 dev p1',
    'ip tunnel add t1 mode ipip remote 10.0.0.2 local 10.0.0.1 ttl 9',
    'ip tunnel add g1 mode gre remote 10.0.0.2 local 10.0.0.1 key 7 csum oseq',
    'ip link set t1 up',
    'ip link set g1 up',
    'ip route add 10.6.0.0/16 dev t1',
    'ip route add 10.7.0.0/16 dev g1',
  ]) {
    expect(router.commands.run(splitWords(line), io), line).toBe(0);
  }

  const dev = net.needDevice('p0');
  const frame = new Uint8Array(2048);
  for (let i = 0; i < FRAMES; i++) {
    const length = mutate(random, frame);
    const skb = allocSkb(net, dev, length);
    skb.head.buf.set(frame.subarray(0, length), skb.data);
    skb.len = length;
    softirq.netifRx(skb);
    softirq.runToCompletion();
    if (softirq.faults.size > 0)
      expect.fail(`frame ${i} of seed ${SEED} threw: ${[...softirq.faults.keys()].join(', ')}: ${toHex(frame.subarray(0, length))}`);
    if (i % BURST === 0) softirq.advanceTo(softirq.clock.now() + TICK);
  }

  const counter = (name: string, counter: string): number => {
    const group = [...net.metrics.all()].find((g) => g.name === name);
    return group?.values[group.names.indexOf(counter)] ?? 0;
  };
  // The frames got far: each of these says that a part of the path was walked.
  for (const name of ['ForwDatagrams', 'InHdrErrors', 'InDelivers', 'ReasmOKs', 'ReasmFails', 'FragOKs', 'FragFails', 'InUnknownProtos']) {
    expect(counter('Ip', name), name).toBeGreaterThan(0);
  }
  expect(heard).toBeGreaterThan(0);
  for (const name of ['t1', 'g1']) {
    const { stats } = net.needDevice(name);
    expect(
      [stats[RX_PACKETS], stats[TX_PACKETS], stats[RX_ERRORS] + stats[TX_ERRORS]].every((n) => n > 0),
      name,
    ).toBe(true);
  }
  const state = net.ipv4 as { frags: { mem: number; size: number }; ipfragHighThresh: number; peers: { size: number } };
  expect(state.frags.mem).toBeLessThan(state.ipfragHighThresh + 8192);
  expect(state.peers.size).toBeLessThanOrEqual(65_664);

  // Whatever still waits, for fragments or for ARP, gives up in time.
  softirq.advanceTo(softirq.clock.now() + 120_000);
  expect(state.frags).toMatchObject({ mem: 0, size: 0 });
  expect(softirq.pool.inUse).toBe(0);
  expect(softirq.faults.size).toBe(0);
  await router.stop();
  expect(softirq.pool.inUse).toBe(0);
});
