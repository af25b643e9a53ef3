/**
 * A real Linux kernel as IPsec peer: a guest behind a TAP, a host behind the router's other TAP. Pings and TCP both ways, packets
 * in fragments, what is too long; tshark opens what was on the wire; replayed packets are refused.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { describeOnKernel, type Netns, NetnsLab, type Started } from '../integration/netns.ts';
import { inTree, RUNTIMES } from '../integration/runtimes.ts';
import { run } from '../program.ts';
import { GUEST_COMMANDS, KernelGuest } from './kernel-guest.ts';
import { type Ends, endsOf, type Link, TRANSFORMS } from './security-association.ts';

const TCP_PEER = inTree('test/integration/tcp-peer.py');
const [, packetwalk] = RUNTIMES[0];
const REPLAY = inTree('test/interop/replay-frames.py');
const TRANSFER = 10 << 20;

interface Case {
  readonly name: string;
  readonly chain: readonly Link[];
  /** Octets of the TCP transfers, 10 MB unless told. */
  readonly transfer?: number;
  /** How tshark can open it: names of its encryption and authentication. */
  readonly tshark?: readonly [string, string];
}

/** What tshark opens without having to put it together. */
const WHOLE_ESP = 'ip proto 50 and ip[6:2] & 0x3fff = 0';
const UDP = 'encap espinudp 4500 4500 0.0.0.0';
const WINDOW = 'replay-window 32';
/** For TCP both ways at once: a packet that is interrupted while it is encrypted lets all pass that the interrupt sends. */
const WIDE = 'replay-window 1024';

/** Of each kind one: AEAD and MAC, tunnel and transport, UDP, AH, ESN, one in the other. */
const CASES: Case[] = [
  {
    name: 'AES-128-GCM, tunnel',
    chain: [{ transform: 'AES-128-GCM-16', mode: 'tunnel', words: WIDE }],
    tshark: ['AES-GCM with 16 octet ICV [RFC4106]', 'NULL'],
  },
  { name: 'AES-128-GCM, tunnel in UDP', chain: [{ transform: 'AES-128-GCM-16', mode: 'tunnel', words: `${WIDE} ${UDP}` }] },
  {
    name: 'AES-128-CBC SHA-256-128, tunnel',
    chain: [{ transform: 'AES-128-CBC SHA-256-128', mode: 'tunnel', words: WIDE }],
    tshark: ['AES-CBC [RFC3602]', 'HMAC-SHA-256-128 [RFC4868]'],
  },
  { name: 'AES-128-CBC SHA-256-128, transport', chain: [{ transform: 'AES-128-CBC SHA-256-128', mode: 'transport', words: WINDOW }] },
  { name: 'AH SHA-1-96, tunnel', chain: [{ transform: 'AH SHA-1-96', mode: 'tunnel', words: WIDE }] },
  {
    name: 'deflate in a tunnel, ESP around it, AH around that',
    chain: [
      { transform: 'deflate', mode: 'tunnel', optional: true },
      { transform: 'AES-256-GCM-12', mode: 'transport', words: 'replay-window 1024 flag esn' },
      { transform: 'AH SHA-384-192', mode: 'transport', words: 'replay-window 4096 flag esn' },
    ],
    transfer: 1 << 20,
  },
];

/** Every transform, in each mode, with each window: minutes, so only when asked for. */
if (process.env.PACKETWALK_ALL_SUITES !== undefined) {
  const variants = ['', WINDOW, 'replay-window 64 flag esn', 'replay-window 256', 'replay-window 4096 flag esn'];
  let n = 0;
  for (const [transform, { proto }] of TRANSFORMS) {
    for (const mode of ['tunnel', 'transport'] as const) {
      if (proto === 'comp') CASES.push({ name: `${transform}, ${mode}`, chain: [{ transform, mode, optional: true }] });
      else {
        for (const udp of proto === 'esp' && n % 3 === 0 ? ['', UDP] : ['']) {
          const noMac = transform.endsWith('alone');
          const words = noMac ? udp : `${variants[n++ % variants.length]} ${udp}`;
          CASES.push({ name: `${transform}, ${mode} ${words}`, chain: [{ transform, mode, words }], transfer: 1 << 18 });
        }
      }
    }
  }
  const outers = ['AES-128-GCM-16', 'AES-256-CBC SHA-256-128', 'AH SHA-256-128'];
  for (const inner of ['AES-256-CTR SHA-256-128', 'AH SHA-1-96', 'ChaCha20-Poly1305']) {
    for (const outer of outers) {
      for (const modes of [
        ['tunnel', 'transport'],
        ['tunnel', 'tunnel'],
        ['transport', 'transport'],
      ] as const) {
        // Linux does not take from itself what AH has in ESP's transport mode: it checks AH with ESP's protocol in the IP header.
        if (inner.startsWith('AH') && !outer.startsWith('AH') && modes[1] === 'transport') continue;
        const chain = [
          { transform: inner, mode: modes[0], words: WINDOW },
          { transform: outer, mode: modes[1], words: WINDOW },
        ];
        CASES.push({ name: `${inner} ${modes[0]}, in ${outer} ${modes[1]}`, chain, transfer: 1 << 18 });
      }
    }
  }
}

describeOnKernel('a Linux kernel as IPsec peer', ['ping', 'python3', 'tshark', ...GUEST_COMMANDS], () => {
  const lab = new NetnsLab();
  const folder = mkdtempSync(join(tmpdir(), 'packetwalk-ipsec-'));
  let wire: Netns;
  let lan: Netns;
  let guest: KernelGuest;
  let router: Started | null = null;
  const receivers: Started[] = [];

  beforeAll(async () => {
    wire = await lab.add('wire');
    lan = await lab.add('lan');
    guest = await KernelGuest.start(wire, 'tapg');
    await wire.ip('link add br0 type bridge');
    await wire.ip('link set br0 up');
    await wire.ip('link set tapg master br0 up');
  }, 120_000);

  afterAll(async () => {
    await guest?.stop();
    await lab.close();
    rmSync(folder, { recursive: true });
  });

  afterEach(async () => {
    await router?.stop();
    router = null;
    // What a case that failed has left behind is not the next one's.
    for (const receiver of receivers.splice(0)) await receiver.stop();
    await guest.exec('pkill python3 || true');
  });

  /** The guest with its end. */
  async function configureGuest({ tunnel, states, guest: policies }: Ends): Promise<void> {
    // The kernel takes ESP in UDP from a socket only that has asked for it (UDP_ENCAP: 100, UDP_ENCAP_ESPINUDP: 2), and that is
    // free of policies where they are for all between the two (IP_XFRM_POLICY: 17, struct xfrm_userpolicy_info of family 2).
    const listen =
      'import os, signal, socket; s = socket.socket(type=socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1);' +
      's.bind(("", 4500)); s.setsockopt(17, 100, 2); p = bytearray(168); p[40] = 2; s.setsockopt(0, 17, bytes(p));' +
      'p[160] = 1; s.setsockopt(0, 17, bytes(p)); os.fork() or signal.pause()';
    await guest.configure([
      'addr add 10.8.0.2/24 dev eth0',
      ...(tunnel ? ['addr add 10.2.0.1/24 dev lo'] : []),
      'link set eth0 up',
      ...states.map((line) => `xfrm state add ${line}`),
      ...policies.map((line) => `xfrm policy add ${line}`),
      ...(tunnel ? ['route add 10.1.0.0/24 via 10.8.0.1 src 10.2.0.1'] : []),
    ]);
    if (states.some((line) => line.includes(' encap '))) await guest.exec(`python3 -c '${listen}' > /dev/null 2>&1`);
  }

  /** The router with the other end, both of its TAPs plugged in. */
  async function startRouter({ states, router: policies }: Ends): Promise<Started> {
    const config = join(folder, 'router.yaml');
    const document = {
      plugins: ['ipv4', 'arp', 'fib-trie', 'xfrm', 'nic-tap'],
      devices: {
        wan: { driver: 'nic-tap', interface: 'pw0', addresses: ['10.8.0.1/24'] },
        lan: { driver: 'nic-tap', interface: 'pwlan', addresses: ['10.1.0.1/24'] },
      },
      sysctl: { 'net.ipv4.ip_forward': 1 },
      routes: ['10.2.0.0/24 via 10.8.0.2'],
      xfrm: { state: states, policy: policies },
    };
    writeFileSync(config, JSON.stringify(document));
    router = wire.start([...packetwalk, 'run', config], { PACKETWALK_RUN_DIR: folder });
    await router.until(/is running/);
    await wire.ip('link set pw0 master br0 up');
    await wire.ip(`link set pwlan netns ${lan.name}`);
    await lan.ip('addr add 10.1.0.2/24 dev pwlan');
    await lan.ip('link set pwlan up');
    await lan.ip('route add default via 10.1.0.1');
    return router;
  }

  async function ask(...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await run([...packetwalk, ...words], { env: { PACKETWALK_RUN_DIR: folder } });
    if (status !== 0) throw new Error(`${words.join(' ')}: ${status} ${stderr}`);
    return stdout;
  }

  /** The guest's xfrm counters that say that something went wrong. */
  async function errors(): Promise<string> {
    return (await guest.exec('cat /proc/net/xfrm_stat'))
      .split('\n')
      .filter((l) => /\t[1-9]/.test(l))
      .join('\n');
  }

  /** Octets from one end to the other, the sums compared. */
  async function transfer(toGuest: boolean, octets: number): Promise<void> {
    const sum = new RegExp(`^${octets} ([0-9a-f]{64})$`, 'm');
    if (toGuest) {
      const received = guest.exec(`python3 ${TCP_PEER} receive 5001`);
      await guest.exec("until ss -Hltn | grep -q ':5001 '; do sleep 0.05; done");
      const sent = await lan.exec('python3', TCP_PEER, 'send', '10.2.0.1', '5001', String(octets));
      expect(sum.exec(await received)?.[1]).toBe(sum.exec(sent)?.[1]);
      return;
    }
    const receiver = lan.start(['python3', TCP_PEER, 'receive', '5002']);
    receivers.push(receiver);
    await receiver.until(/listening/);
    const sent = await guest.exec(`python3 ${TCP_PEER} send 10.1.0.2 5002 ${octets}`);
    expect(await receiver.ended).toBe(0);
    expect(sum.exec(receiver.output)?.[1]).toBe(sum.exec(sent)?.[1]);
    expect(sum.exec(sent)).not.toBeNull();
  }

  /** What tshark makes of a capture: how many ICVs are good, of how many ESP packets. */
  async function icvs(capture: string, states: readonly string[], [encryption, authentication]: readonly [string, string]) {
    const table = states.map((line) => {
      const [, spi, key, macKey] = /spi (\d+) .*(?:aead|enc) \S+ (0x\w+)(?: auth-trunc \S+ (0x\w+))?/.exec(line)!;
      return `"IPv4","*","*","0x${Number(spi).toString(16)}","${encryption}","${key}","${authentication}","${macKey ?? ''}"`;
    });
    const options = ['esp.enable_encryption_decode:TRUE', 'esp.enable_authentication_check:TRUE', ...table.map((t) => `uat:esp_sa:${t}`)];
    const words = ['-Y', 'esp', ...options.flatMap((o) => ['-o', o]), '-T', 'fields', '-e', 'esp.icv_good'];
    const { stdout } = await run(['tshark', '-r', capture, ...words]);
    const rows = stdout.split('\n').slice(0, -1);
    return [rows.filter((row) => row === '1' || row === 'True').length, rows.length];
  }

  /** The MTU that a ping with DF of 1,500 octets hears of. */
  const mtuOf = (output: string): string | undefined => /mtu ?= ?(\d+)/.exec(output)?.[1];

  // With -w a ping is over when it has that many answers: without, it does not wait long for the last.
  const fromLan = (words: string): Promise<string> => lan.exec('ping', '-q', '-w', '20', ...words.split(' '));
  const fromGuest = (words: string): Promise<string> => guest.exec(`ping -q -w 20 ${words}`);
  const fromRouter = async (words: string): Promise<void> => {
    expect(await ask('ping', ...words.split(' '))).toContain(' 0% packet loss');
  };

  /** All at once, to save time. */
  async function throughTransport(): Promise<void> {
    await Promise.all([
      fromGuest('-c 20 -i 0.02 10.8.0.1'),
      fromGuest('-c 3 -i 0.02 -s 4000 10.8.0.1'),
      fromRouter('-c 3 -i 0.1 10.8.0.2'),
      fromRouter('-c 2 -i 0.1 -s 4000 10.8.0.2'),
    ]);
  }

  async function throughTunnel(octets: number): Promise<void> {
    await Promise.all([
      fromLan('-c 20 -i 0.02 10.2.0.1'),
      fromGuest('-c 20 -i 0.02 -I 10.2.0.1 10.1.0.2'),
      // Packets of more than one fragment, each way.
      fromLan('-c 3 -i 0.02 -s 4000 10.2.0.1'),
      fromGuest('-c 3 -i 0.02 -s 4000 -I 10.2.0.1 10.1.0.2'),
    ]);
    // Both ends find the same room for a packet that may not be fragmented.
    const [far, near] = await Promise.all([
      guest.exec('ping -c 1 -W 1 -M do -s 1472 -I 10.2.0.1 10.1.0.2 2>&1 || true'),
      lan.run('ping', '-c', '1', '-W', '1', '-M', 'do', '-s', '1472', '10.2.0.1'),
    ]);
    const mtu = mtuOf(near.stdout);
    expect(mtu).toBeDefined();
    expect(mtu).toBe(mtuOf(far));
    await fromLan(`-c 1 -M do -s ${Number(mtu) - 28} 10.2.0.1`);
    await Promise.all([transfer(true, octets), transfer(false, octets)]);
  }

  it.each(CASES)('$name', { timeout: 120_000 }, async ({ chain, tshark, transfer: octets = TRANSFER }) => {
    const ends = endsOf(chain);
    await configureGuest(ends);
    const started = await startRouter(ends);
    const before = await errors();
    const capture = join(folder, 'wire.pcap');
    let capturing: Started | null = null;
    if (tshark !== undefined) {
      capturing = wire.start(['tshark', '-i', 'tapg', '-F', 'pcap', '-w', capture, '-c', '20', '-f', WHOLE_ESP]);
      await capturing.until(/Capture started/);
    }
    if (ends.tunnel) await throughTunnel(octets);
    else await throughTransport();
    if (capturing !== null && tshark !== undefined) {
      await capturing.ended;
      expect(await icvs(capture, ends.states, tshark)).toEqual([20, 20]);
      expect(await ask('cat', '/proc/net/xfrm_stat')).not.toMatch(/\t[1-9]/);
      // Once more from the peer: each is refused and counted, and none arrives.
      const replayed = Number(await wire.exec('python3', REPLAY, 'pw0', capture, '10.8.0.2'));
      expect(replayed).toBeGreaterThan(5);
      await fromLan('-c 3 -i 0.02 10.2.0.1');
      expect(await ask('cat', '/proc/net/xfrm_stat')).toContain(`XfrmInStateSeqError     \t${replayed}\n`);
      expect(await ask('ip', '-s', 'xfrm', 'state', 'get', ...'src 10.8.0.2 dst 10.8.0.1 proto esp spi 0x1002'.split(' '))).toContain(
        `replay-window ${replayed} replay 0 failed 0`,
      );
    } else {
      const states = await ask('ip', '-s', 'xfrm', 'state');
      const failed = states.match(/replay-window \d+ replay \d+ failed \d+/g)!;
      expect(new Set(failed)).toEqual(new Set(['replay-window 0 replay 0 failed 0']));
      expect(await ask('cat', '/proc/net/xfrm_stat')).not.toMatch(/\t[1-9]/);
    }
    expect(await errors()).toBe(before);
    expect(await started.stop()).toBe(0);
    expect(started.output).not.toMatch(/error|threw/i);
  });
});
