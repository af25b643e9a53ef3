/** IPsec's slower side: acquires and larval states, expiry, ESP in UDP with its keep-alives and its marker. */
import arp from '@packetwalk/arp';
import fibTrie from '@packetwalk/fib-trie';
import { BufferIo, type CommandIo, splitWords } from '@packetwalk/framework';
import { TestRouter } from '@packetwalk/framework/testing';
import ipv4 from '@packetwalk/ipv4';
import xfrm from '@packetwalk/xfrm';
import { afterEach, expect, it } from 'vitest';

const NAMES = { me: { mac: '02:00:00:00:00:01' }, peer: { mac: '02:00:00:00:00:02' } };
const GCM = "aead 'rfc4106(gcm(aes))' 0x101112131415161718191a1b1c1d1e1f20212223 128";
const ENCAP = 'encap espinudp 4500 4500 0.0.0.0';

let router: TestRouter;
afterEach(() => router.close());

function start(options: object, section: object): void {
  router = new TestRouter({
    plugins: [ipv4, arp, fibTrie, { id: 'xfrm', plugin: xfrm, options }],
    names: NAMES,
    config: {
      devices: { p0: { driver: 'test-port', mac: NAMES.me.mac, addresses: ['192.0.2.1/24'] } },
      routes: ['10.2.0.0/24 via 192.0.2.2'],
      xfrm: section,
    },
  });
  router.run('ip link set p0 up');
  router.run(`ip neigh add 192.0.2.2 lladdr ${NAMES.peer.mac} dev p0`);
  router.sent();
}

/** Listens as `ip xfrm monitor` does; returns what it wrote so far, and its end. */
function monitor(...words: string[]): { text: () => string; end: () => Promise<unknown> } {
  const io = new BufferIo();
  const abort = new AbortController();
  const listening: CommandIo = { out: (t) => io.out(t), err: (t) => io.err(t), flags: io.flags, input: '', signal: abort.signal };
  const ended = router.router.commands.run(['ip', 'xfrm', 'monitor', ...words], listening);
  const end = async (): Promise<unknown> => {
    abort.abort();
    return await ended;
  };
  return { text: () => io.stdout, end };
}

/** An echo request to this router, which answers by the policy. */
const ask = (): void => router.receive('p0', 'eth peer > me / ip 192.0.2.2 > 192.0.2.1 / icmp echo id 1 seq 1');
const POLICY = { policy: ['src 192.0.2.1 dst 192.0.2.2 dir out tmpl proto esp reqid 7 mode transport'] };

it('asks for a missing state once, waits 30 seconds, and takes the answer', async () => {
  start({}, POLICY);
  ask();
  expect(router.run('ip xfrm state count')).toBe('\t SAD count 0\n');
  const listener = monitor('acquire');
  ask();
  ask();
  expect(listener.text()).toBe(
    'acquire proto esp sel src 192.0.2.1/32 dst 192.0.2.2/32 proto icmp \n' +
      '  policy src 192.0.2.1/32 dst 192.0.2.2/32 \n' +
      '\tdir out priority 0 ptype main \n' +
      '\ttmpl src 192.0.2.1 dst 192.0.2.2\n\t\tproto esp reqid 7 mode transport\n',
  );
  expect(router.run('ip xfrm state count')).toBe('\t SAD count 1\n');
  router.advance(30_000);
  expect(router.run('ip xfrm state count')).toBe('\t SAD count 0\n');
  ask();
  expect(listener.text().match(/acquire/g)).toHaveLength(2);
  router.run(`ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1 reqid 7 mode transport ${GCM}`);
  expect(router.run('ip xfrm state count')).toBe('\t SAD count 1\n');
  expect(router.sent()).toEqual([]);
  ask();
  expect(router.sent()).toEqual([expect.stringContaining('proto esp')]);
  expect(router.counters('Xfrm').XfrmOutNoStates).toBe(4);
  await listener.end();
});

it('says what expires, softly and then for good', async () => {
  start({}, {});
  const listener = monitor('expire');
  router.run(`ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1 ${GCM} limit time-soft 10 limit time-hard 20`);
  router.advance(9_999);
  expect(listener.text()).toBe('');
  router.advance(1);
  expect(listener.text()).toMatch(/^Expired src 192\.0\.2\.1 dst 192\.0\.2\.2\n.*\thard 0\n$/s);
  router.advance(10_000);
  expect(listener.text()).toMatch(/\thard 1\n$/);
  expect(router.run('ip xfrm state')).toBe('');
  await listener.end();
});

const NAT_T = {
  state: [
    `src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1001 reqid 1 mode tunnel ${ENCAP} ${GCM}`,
    `src 192.0.2.2 dst 192.0.2.1 proto esp spi 0x1002 reqid 1 mode tunnel ${ENCAP} ${GCM}`,
  ],
};

it('sends keep-alives of one octet where it is silent, as often as it is told', () => {
  start({ natKeepalive: 20 }, NAT_T);
  router.advance(19_999);
  expect(router.sent()).toEqual([]);
  router.advance(1);
  expect(router.sent()).toEqual([expect.stringMatching(/^p0 eth me > peer \/ ip 192\.0\.2\.1 > 192\.0\.2\.2 .*udp 4500 > 4500 \/ 0xff$/)]);
  router.advance(40_000);
  expect(router.sent()).toHaveLength(2);
});

it('sends none unless it is told', () => {
  start({}, NAT_T);
  router.advance(100_000);
  expect(router.sent()).toEqual([]);
});

it('takes keep-alives, leaves IKE to others, and drops ESP that it does not know', () => {
  start({}, NAT_T);
  const udp = (payload: string): void => router.receive('p0', `eth peer > me / ip 192.0.2.2 > 192.0.2.1 / udp 4500 > 4500 / ${payload}`);
  udp('0xff');
  udp('0x0000000012345678abcdef0011223344');
  expect(router.counters('Xfrm').XfrmInNoStates).toBe(0);
  udp('0x0000999900000001aabbccdd');
  expect(router.counters('Xfrm').XfrmInNoStates).toBe(1);
  // ESP that its state wants in UDP, without it.
  router.receive('p0', 'eth peer > me / ip 192.0.2.2 > 192.0.2.1 proto esp / 0x0000100200000001aabbccdd');
  expect(router.counters('Xfrm').XfrmInStateMismatch).toBe(1);
  expect(router.sent()).toEqual([]);
});

it('refuses a line of the command that makes no sense', () => {
  start({}, {});
  const io = new BufferIo();
  expect(router.router.commands.run(splitWords('ip xfrm monitor everything'), io)).not.toBe(0);
});

it('keeps a state of its own beside a tunnel of IPComp, for what is not compressed', () => {
  start({}, {});
  router.run('ip xfrm state add src 192.0.2.2 dst 192.0.2.1 proto comp spi 7 mode tunnel comp deflate');
  router.run('ip xfrm state add src 192.0.2.2 dst 192.0.2.1 proto comp spi 8 mode tunnel comp deflate');
  router.run('ip xfrm policy add src 0.0.0.0/0 dst 192.0.2.1 dir in tmpl src 192.0.2.2 dst 192.0.2.1 proto comp mode tunnel level use');
  expect(router.run('ip xfrm state')).toContain('src 192.0.2.2 dst 192.0.2.1\n\tproto 4 spi 0xc0000202 reqid 0 mode tunnel\n');
  const echo = '4500001c000000004001f6ddc0000202c0000201' + '0800e4ff12000100';
  router.receive('p0', `eth peer > me / ip 192.0.2.2 > 192.0.2.1 proto 4 / 0x${echo}`);
  expect(router.sent()).toEqual([expect.stringContaining('icmp echo-reply')]);
  const io = new BufferIo();
  const remove = 'ip xfrm state delete src 192.0.2.2 dst 192.0.2.1 proto 4 spi 0xc0000202';
  expect(router.router.commands.run(splitWords(remove), io)).not.toBe(0);
  router.run('ip xfrm state delete src 192.0.2.2 dst 192.0.2.1 proto comp spi 7');
  expect(router.run('ip xfrm state count')).toContain('count 2\n');
  router.run('ip xfrm state delete src 192.0.2.2 dst 192.0.2.1 proto comp spi 8');
  expect(router.run('ip xfrm state count')).toContain('count 0\n');
});

it('takes policies away at their time, or when they have not been used for so long', () => {
  start({}, {});
  const listener = monitor('expire');
  router.run('ip xfrm policy add src 192.0.2.2 dst 192.0.2.1 dir in priority 1 limit time-soft 5 limit time-hard 40');
  router.run('ip xfrm policy add src 192.0.2.2 dst 192.0.2.1/32 proto icmp dir fwd limit time-use-hard 10');
  router.run('ip xfrm policy add src 192.0.2.0/24 dst 192.0.2.1 dir in priority 2 limit time-use-hard 10 limit packet-hard 1');
  const expired = (): string[] =>
    [...listener.text().matchAll(/^Expired .*\n.*dir (\S+).* priority (\d+)[\s\S]*?hard (\d)$/gm)].map((m) => m.slice(1).join(' '));
  router.advance(4999);
  expect(expired()).toEqual([]);
  router.advance(1);
  expect(expired()).toEqual(['in 1 0']);
  router.advance(5000);
  expect(expired()).toEqual(['in 1 0', 'fwd 0 1', 'in 2 1']);
  // What is used lives on; what a soft limit says is said again.
  router.run('ip xfrm policy add src 192.0.2.2 dst 192.0.2.0/24 dir in limit time-use-hard 10');
  for (let i = 0; i < 4; i++) {
    router.advance(7000);
    ask();
  }
  expect(expired().slice(3)).toEqual(['in 1 0']);
  expect(router.run('ip xfrm policy count')).toBe('\t SPD IN  2 OUT 0 FWD 0\n');
  router.advance(10_000);
  expect(expired().slice(4)).toEqual(['in 1 1', 'in 0 1']);
  expect(router.run('ip xfrm policy')).toBe('');
});
