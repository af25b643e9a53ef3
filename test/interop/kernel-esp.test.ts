/**
 * A real Linux kernel as IPsec peer: the guest of the peers folder behind a TAP, a host behind the router's other TAP. Pings
 * and TCP both ways; tshark opens what was on the wire; replayed packets are refused.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeOnKernel, type Netns, NetnsLab, type Started } from '../integration/netns.ts';
import { inTree, RUNTIMES } from '../integration/runtimes.ts';
import { run } from '../program.ts';

/** Where the peers' scripts are: see the README there. */
const PEERS = process.env.PACKETWALK_PEERS ?? inTree('../shared/peers');
const TCP_PEER = inTree('test/integration/tcp-peer.py');
const [, packetwalk] = RUNTIMES[0];
const REPLAY = inTree('test/interop/replay-frames.py');
const TRANSFER = 10 << 20;
/** Every suite, not one of each kind: 90 s instead of 40. */
const ALL = process.env.PACKETWALK_ALL_SUITES !== undefined;

/** Lines of a configuration of the guest: its states are the router's too, its policies are mirrored. */
function ours(text: string): { state: string[]; policy: string[] } {
  const lines = text.replaceAll('\\\n', ' ').split('\n');
  const of = (kind: string): string[] =>
    lines
      .filter((l) => l.startsWith(`ip xfrm ${kind} add `))
      .map((l) => l.slice(`ip xfrm ${kind} add `.length).replace(/\s+/g, ' ').trim());
  const policy = of('policy').flatMap((line) => {
    if (line.includes(' dir out ')) return [line.replace(' dir out ', ' dir in '), line.replace(' dir out ', ' dir fwd ')];
    return [line.replace(' dir in ', ' dir out ')];
  });
  return { state: of('state'), policy };
}

/** Of each kind one: AEAD and MAC, tunnel and transport, UDP, AH, ESN. */
const KINDS = new Set([
  'esp-gcm128-tunnel',
  'esp-gcm128-tunnel-natt',
  'esp-cbc128-sha256-transport',
  'ah-sha1-tunnel',
  'AES-192-CBC SHA-512 with ESN',
]);
const EXAMPLES = [
  'esp-gcm128-tunnel',
  'esp-cbc128-sha256-tunnel',
  'esp-cbc256-sha1-tunnel',
  'esp-null-sha1-tunnel',
  'esp-gcm128-tunnel-natt',
  'ah-sha1-tunnel',
  'esp-gcm128-transport',
  'esp-cbc128-sha256-transport',
  'ah-sha1-transport',
];

/** Suites of our own that the peers have no example of. */
const STATE = (src: string, dst: string, spi: string, rest: string): string =>
  `ip xfrm state add src ${src} dst ${dst} proto esp spi ${spi} reqid 1 mode tunnel ${rest}`;
const own = (rest: string): string =>
  [
    'ip addr add 10.8.0.2/24 dev eth0',
    'ip addr add 10.2.0.1/24 dev lo',
    'ip link set eth0 up',
    STATE('10.8.0.1', '10.8.0.2', '0x1001', rest),
    STATE('10.8.0.2', '10.8.0.1', '0x1002', rest),
    'ip xfrm policy add src 10.1.0.0/24 dst 10.2.0.0/24 dir in tmpl src 10.8.0.1 dst 10.8.0.2 proto esp reqid 1 mode tunnel',
    'ip xfrm policy add src 10.2.0.0/24 dst 10.1.0.0/24 dir out tmpl src 10.8.0.2 dst 10.8.0.1 proto esp reqid 1 mode tunnel',
    'ip route add 10.1.0.0/24 via 10.8.0.1 src 10.2.0.1',
    '',
  ].join('\n');
const KEY = (octets: number): string => `0x${'5a'.repeat(octets)}`;
const OWN: Readonly<Record<string, string>> = {
  'AES-256-GCM with ESN, window 128': own(`replay-window 128 flag esn aead 'rfc4106(gcm(aes))' ${KEY(36)} 96`),
  'AES-192-CBC SHA-512 with ESN': own(`replay-window 64 flag esn enc 'cbc(aes)' ${KEY(24)} auth-trunc 'hmac(sha512)' ${KEY(64)} 256`),
  'AES-CTR SHA-384': own(`replay-window 32 enc 'rfc3686(ctr(aes))' ${KEY(20)} auth-trunc 'hmac(sha384)' ${KEY(48)} 192`),
};

const LISTED = existsSync(PEERS);
describeOnKernel('a Linux kernel as IPsec peer', ['ping', 'python3', 'tshark'], () => {
  describe.skipIf(!LISTED && process.env.CI === undefined)(LISTED ? 'the guest' : 'the guest (its scripts are not here)', () => {
    const lab = new NetnsLab();
    const folder = mkdtempSync(join(tmpdir(), 'packetwalk-ipsec-'));
    const guestName = `pw${process.pid}`;
    let wire: Netns;
    let lan: Netns;

    const guest = async (...argv: string[]): Promise<string> => {
      const { status, stdout, stderr } = await run([join(PEERS, 'kernel-esp/guest.sh'), ...argv]);
      if (status !== 0) throw new Error(`guest.sh ${argv.join(' ')}: ${status}\n${stdout}${stderr}`);
      return stdout;
    };

    beforeAll(async () => {
      const setup = await run([join(PEERS, 'setup.sh'), 'kernel']);
      if (setup.status !== 0) throw new Error(setup.stdout + setup.stderr);
      wire = await lab.add('wire');
      lan = await lab.add('lan');
      await guest('start', wire.name, 'tapg', '--name', guestName);
      await wire.ip('link add br0 type bridge');
      await wire.ip('link set br0 up');
      await wire.ip('link set tapg master br0 up');
    }, 300_000);

    afterAll(async () => {
      await guest('stop', guestName);
      await lab.close();
      rmSync(folder, { recursive: true });
    });

    /** The router with the other end of a guest's configuration, both of its TAPs plugged in. */
    async function startRouter(text: string): Promise<Started> {
      const config = join(folder, 'router.yaml');
      const document = {
        plugins: ['ipv4', 'arp', 'fib-trie', 'xfrm', 'nic-tap'],
        devices: {
          wan: { driver: 'nic-tap', interface: 'pw0', addresses: ['10.8.0.1/24'] },
          lan: { driver: 'nic-tap', interface: 'pwlan', addresses: ['10.1.0.1/24'] },
        },
        sysctl: { 'net.ipv4.ip_forward': 1 },
        routes: ['10.2.0.0/24 via 10.8.0.2'],
        xfrm: ours(text),
      };
      writeFileSync(config, JSON.stringify(document));
      const router = wire.start([...packetwalk, 'run', config], { PACKETWALK_RUN_DIR: folder });
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

    /** Sums of the guest's xfrm counters that say that something went wrong. */
    async function errors(): Promise<string> {
      const lines = (await guest('exec', guestName, 'cat /proc/net/xfrm_stat')).split('\n').filter((l) => /\t[1-9]/.test(l));
      return lines.join('\n');
    }

    /** 10 MB from one end to the other, the sums compared. */
    async function transfer(fromLan: boolean): Promise<void> {
      const sum = new RegExp(`^${TRANSFER} ([0-9a-f]{64})$`, 'm');
      if (fromLan) {
        const received = guest('exec', guestName, `python3 ${TCP_PEER} receive 5001`);
        await guest('exec', guestName, "for i in $(seq 100); do ss -Hltn | grep -q ':5001 ' && break; sleep 0.05; done");
        const sent = await lan.exec('python3', TCP_PEER, 'send', '10.2.0.1', '5001', String(TRANSFER));
        expect(sum.exec(await received)?.[1]).toBe(sum.exec(sent)?.[1]);
        return;
      }
      const receiver = lan.start(['python3', TCP_PEER, 'receive', '5002']);
      await receiver.until(/listening/);
      const sent = await guest('exec', guestName, `python3 ${TCP_PEER} send 10.1.0.2 5002 ${TRANSFER}`);
      expect(await receiver.ended).toBe(0);
      expect(sum.exec(receiver.output)?.[1]).toBe(sum.exec(sent)?.[1]);
      expect(sum.exec(sent)).not.toBeNull();
    }

    const cases = [
      ...EXAMPLES.map((name) => [name, () => readFileSync(join(PEERS, `kernel-esp/examples/${name}.sh`), 'utf8')] as const),
      ...Object.entries(OWN).map(([name, text]) => [name, () => text] as const),
    ];

    /** What tshark makes of the capture with the keys of `text`: how many ICVs are good, of how many ESP packets. */
    async function icvs(capture: string, text: string): Promise<[number, number]> {
      const table = ours(text).state.flatMap((line) => {
        const aead = /spi (\S+) .*aead \S+ (0x\w+) 128/.exec(line);
        const both = /spi (\S+) .*enc 'cbc\(aes\)' (0x\w+) auth-trunc 'hmac\(sha256\)' (0x\w+) 128/.exec(line);
        if (aead !== null) return [`"IPv4","*","*","${aead[1]}","AES-GCM with 16 octet ICV [RFC4106]","${aead[2]}","NULL",""`];
        return both === null
          ? []
          : [`"IPv4","*","*","${both[1]}","AES-CBC [RFC3602]","${both[2]}","HMAC-SHA-256-128 [RFC4868]","${both[3]}"`];
      });
      const options = [
        'esp.enable_encryption_decode:TRUE',
        'esp.enable_authentication_check:TRUE',
        ...table.map((line) => `uat:esp_sa:${line}`),
      ];
      const { stdout } = await run([
        'tshark',
        '-r',
        capture,
        '-Y',
        'esp',
        ...options.flatMap((o) => ['-o', o]),
        '-T',
        'fields',
        '-e',
        'esp.icv_good',
      ]);
      const rows = stdout.split('\n').slice(0, -1);
      return [rows.filter((row) => row === '1' || row === 'True').length, rows.length];
    }

    it.each(cases.filter(([name]) => ALL || KINDS.has(name)))('%s', { timeout: 120_000 }, async (name, read) => {
      const text = read();
      const script = join(folder, 'guest.sh');
      writeFileSync(script, text);
      await guest('config', guestName, script);
      const router = await startRouter(text);
      const before = await errors();
      if (name.includes('transport')) {
        expect(await guest('exec', guestName, 'ping -q -c 20 -i 0.02 10.8.0.1')).toContain(' 0% packet loss');
        expect(await ask('ping', '-c', '3', '-i', '0.1', '10.8.0.2')).toContain(' 0% packet loss');
      } else {
        const capture = join(folder, 'wire.pcap');
        const tshark = wire.start(['tshark', '-i', 'tapg', '-F', 'pcap', '-w', capture, '-c', '20', '-f', 'ip']);
        await tshark.until(/Capture started/);
        expect(await lan.exec('ping', '-q', '-c', '20', '-i', '0.02', '10.2.0.1')).toContain(' 0% packet loss');
        expect(await guest('exec', guestName, 'ping -q -c 20 -i 0.02 -I 10.2.0.1 10.1.0.2')).toContain(' 0% packet loss');
        // Packets of more than one fragment, each way.
        expect(await lan.exec('ping', '-q', '-c', '3', '-i', '0.02', '-s', '4000', '10.2.0.1')).toContain(' 0% packet loss');
        await transfer(true);
        await transfer(false);
        await tshark.ended;
        if (name.startsWith('esp-gcm128') || name.startsWith('esp-cbc128')) expect(await icvs(capture, text)).toEqual([20, 20]);
        if (name === 'esp-gcm128-tunnel') {
          // Once more from the peer: each is refused and counted, and none arrives.
          const replayed = Number(await wire.exec('python3', REPLAY, 'pw0', capture, '10.8.0.2'));
          expect(replayed).toBeGreaterThan(5);
          expect(await lan.exec('ping', '-q', '-c', '3', '-i', '0.02', '10.2.0.1')).toContain(' 0% packet loss');
          expect(await ask('cat', '/proc/net/xfrm_stat')).toContain(`XfrmInStateSeqError     \t${replayed}\n`);
          expect(await ask('ip', '-s', 'xfrm', 'state', 'get', ...'src 10.8.0.2 dst 10.8.0.1 proto esp spi 0x1002'.split(' '))).toContain(
            `replay-window ${replayed} replay 0 failed 0`,
          );
          expect(await router.stop()).toBe(0);
          return;
        }
      }
      const states = await ask('ip', '-s', 'xfrm', 'state');
      expect(states.match(/replay-window \d+ replay \d+ failed \d+/g)).toEqual(Array(2).fill('replay-window 0 replay 0 failed 0'));
      expect(await errors()).toBe(before);
      expect(await ask('cat', '/proc/net/xfrm_stat')).not.toMatch(/\t[1-9]/);
      expect(await router.stop()).toBe(0);
      expect(router.output).not.toMatch(/error|threw/i);
    });
  });
});
