/** `ip xfrm` as iproute2 6.1 shows a Linux 6.1 kernel's states and policies: recorded there, word by word. */
import fibTrie from '@packetwalk/fib-trie';
import { BufferIo, splitWords } from '@packetwalk/framework';
import { TestRouter } from '@packetwalk/framework/testing';
import ipv4 from '@packetwalk/ipv4';
import xfrm from '@packetwalk/xfrm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const STATES = `ip xfrm state add src 10.1.0.1 dst 10.1.0.2 proto esp spi 0x100 mode tunnel reqid 1 replay-window 32 enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff auth 'hmac(sha1)' 0x0011223344556677889900112233445566778899
ip xfrm state add src 10.1.0.1 dst 10.1.0.2 proto esp spi 0x101 mode transport reqid 0x10 replay-window 128 flag esn auth-trunc 'hmac(sha256)' 0x00112233 128 enc 'ecb(cipher_null)' '' 
ip xfrm state add src 10.1.0.1 dst 10.1.0.2 proto esp spi 0x102 mode tunnel replay-window 64 aead 'rfc4106(gcm(aes))' 0x0011223344556677889900112233445566778899 96 encap espinudp 4500 4501 0.0.0.0 tfcpad 100 mark 5 mask 0xff output-mark 0x7 mask 0xf if_id 9 flag noecn flag decap-dscp flag nopmtudisc extra-flag dont-encap-dscp limit time-soft 100 limit byte-hard 1000000
ip xfrm state add src 10.1.0.1 dst 10.1.0.2 proto ah spi 0x103 mode transport auth sha256 0x00112233 sel src 10.0.0.0/24 dst 10.1.0.2 proto tcp dport 80
ip xfrm state add src 10.1.0.1 dst 10.1.0.2 proto comp spi 0x104 mode transport comp deflate flag af-unspec`;
const STATE_LIST = `src 10.1.0.1 dst 10.1.0.2
	proto comp spi 0x00000104 reqid 0 mode transport
	replay-window 0 flag af-unspec
	comp deflate 
	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
src 10.1.0.1 dst 10.1.0.2
	proto ah spi 0x00000103 reqid 0 mode transport
	replay-window 0 
	auth-trunc hmac(sha256) 0x00112233 96
	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
	sel src 10.0.0.0/24 dst 10.1.0.2/32 proto tcp dport 80 
src 10.1.0.1 dst 10.1.0.2
	proto esp spi 0x00000102 reqid 0 mode tunnel
	replay-window 0 flag noecn decap-dscp nopmtudisc
	mark 0x5/0xff output-mark 0x7/0xf
	aead rfc4106(gcm(aes)) 0x0011223344556677889900112233445566778899 96
	encap type espinudp sport 4500 dport 4501 addr 0.0.0.0
	anti-replay esn context:
	 seq-hi 0x0, seq 0x0, oseq-hi 0x0, oseq 0x0
	 replay_window 64, bitmap-length 2
	 00000000 00000000 
	if_id 0x9
	tfcpad 100
	sel src 0.0.0.0/0 dst 0.0.0.0/0 
src 10.1.0.1 dst 10.1.0.2
	proto esp spi 0x00000101 reqid 16 mode transport
	replay-window 0 flag esn
	auth-trunc hmac(sha256) 0x00112233 128
	enc ecb(cipher_null) 
	anti-replay esn context:
	 seq-hi 0x0, seq 0x0, oseq-hi 0x0, oseq 0x0
	 replay_window 128, bitmap-length 4
	 00000000 00000000 00000000 00000000 
	sel src 0.0.0.0/0 dst 0.0.0.0/0 
src 10.1.0.1 dst 10.1.0.2
	proto esp spi 0x00000100 reqid 1 mode tunnel
	replay-window 32 
	auth-trunc hmac(sha1) 0x0011223344556677889900112233445566778899 96
	enc cbc(aes) 0x00112233445566778899aabbccddeeff
	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
	sel src 0.0.0.0/0 dst 0.0.0.0/0 
`;
const STATE_STATS = `src 10.1.0.1 dst 10.1.0.2
	proto comp spi 0x00000104(260) reqid 0(0x00000000) mode transport
	replay-window 0 seq 0x00000000 flag af-unspec (0x00100000)
	comp deflate 
	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
	lifetime config:
	  limit: soft (INF)(bytes), hard (INF)(bytes)
	  limit: soft (INF)(packets), hard (INF)(packets)
	  expire add: soft 0(sec), hard 0(sec)
	  expire use: soft 0(sec), hard 0(sec)
	lifetime current:
	  0(bytes), 0(packets)
	  add TIME use -
	stats:
	  replay-window 0 replay 0 failed 0
src 10.1.0.1 dst 10.1.0.2
	proto ah spi 0x00000103(259) reqid 0(0x00000000) mode transport
	replay-window 0 seq 0x00000000 flag  (0x00000000)
	auth-trunc hmac(sha256) 0x00112233 (32 bits) 96
	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
	sel src 10.0.0.0/24 dst 10.1.0.2/32 proto tcp dport 80 uid 0
	lifetime config:
	  limit: soft (INF)(bytes), hard (INF)(bytes)
	  limit: soft (INF)(packets), hard (INF)(packets)
	  expire add: soft 0(sec), hard 0(sec)
	  expire use: soft 0(sec), hard 0(sec)
	lifetime current:
	  0(bytes), 0(packets)
	  add TIME use -
	stats:
	  replay-window 0 replay 0 failed 0
src 10.1.0.1 dst 10.1.0.2
	proto esp spi 0x00000102(258) reqid 0(0x00000000) mode tunnel
	replay-window 0 seq 0x00000000 flag noecn decap-dscp nopmtudiscextra_flag dont-encap-dscp (0x00000111)
	mark 0x5/0xff output-mark 0x7/0xf
	aead rfc4106(gcm(aes)) 0x0011223344556677889900112233445566778899 (160 bits) 96
	encap type espinudp sport 4500 dport 4501 addr 0.0.0.0
	anti-replay esn context:
	 seq-hi 0x0, seq 0x0, oseq-hi 0x0, oseq 0x0
	 replay_window 64, bitmap-length 2
	 00000000 00000000 
	if_id 0x9
	tfcpad 100
	sel src 0.0.0.0/0 dst 0.0.0.0/0 uid 0
	lifetime config:
	  limit: soft (INF)(bytes), hard 1000000(bytes)
	  limit: soft (INF)(packets), hard (INF)(packets)
	  expire add: soft 100(sec), hard 0(sec)
	  expire use: soft 0(sec), hard 0(sec)
	lifetime current:
	  0(bytes), 0(packets)
	  add TIME use -
	stats:
	  replay-window 0 replay 0 failed 0
src 10.1.0.1 dst 10.1.0.2
	proto esp spi 0x00000101(257) reqid 16(0x00000010) mode transport
	replay-window 0 seq 0x00000000 flag esn (0x10000000)
	auth-trunc hmac(sha256) 0x00112233 (32 bits) 128
	enc ecb(cipher_null) 
	anti-replay esn context:
	 seq-hi 0x0, seq 0x0, oseq-hi 0x0, oseq 0x0
	 replay_window 128, bitmap-length 4
	 00000000 00000000 00000000 00000000 
	sel src 0.0.0.0/0 dst 0.0.0.0/0 uid 0
	lifetime config:
	  limit: soft (INF)(bytes), hard (INF)(bytes)
	  limit: soft (INF)(packets), hard (INF)(packets)
	  expire add: soft 0(sec), hard 0(sec)
	  expire use: soft 0(sec), hard 0(sec)
	lifetime current:
	  0(bytes), 0(packets)
	  add TIME use -
	stats:
	  replay-window 0 replay 0 failed 0
src 10.1.0.1 dst 10.1.0.2
	proto esp spi 0x00000100(256) reqid 1(0x00000001) mode tunnel
	replay-window 32 seq 0x00000000 flag  (0x00000000)
	auth-trunc hmac(sha1) 0x0011223344556677889900112233445566778899 (160 bits) 96
	enc cbc(aes) 0x00112233445566778899aabbccddeeff (128 bits)
	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
	sel src 0.0.0.0/0 dst 0.0.0.0/0 uid 0
	lifetime config:
	  limit: soft (INF)(bytes), hard (INF)(bytes)
	  limit: soft (INF)(packets), hard (INF)(packets)
	  expire add: soft 0(sec), hard 0(sec)
	  expire use: soft 0(sec), hard 0(sec)
	lifetime current:
	  0(bytes), 0(packets)
	  add TIME use -
	stats:
	  replay-window 0 replay 0 failed 0
`;
const STATE_NOKEYS = `src 10.1.0.1 dst 10.1.0.2
	proto comp spi 0x00000104 reqid 0 mode transport
	replay-window 0 flag af-unspec
	comp deflate <<Keys hidden>>
	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
src 10.1.0.1 dst 10.1.0.2
	proto ah spi 0x00000103 reqid 0 mode transport
	replay-window 0 
	auth-trunc hmac(sha256) <<Keys hidden>> 96
	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
	sel src 10.0.0.0/24 dst 10.1.0.2/32 proto tcp dport 80 
src 10.1.0.1 dst 10.1.0.2
	proto esp spi 0x00000102 reqid 0 mode tunnel
	replay-window 0 flag noecn decap-dscp nopmtudisc
	mark 0x5/0xff output-mark 0x7/0xf
	aead rfc4106(gcm(aes)) <<Keys hidden>> 96
	encap type espinudp sport 4500 dport 4501 addr 0.0.0.0
	anti-replay esn context:
	 seq-hi 0x0, seq 0x0, oseq-hi 0x0, oseq 0x0
	 replay_window 64, bitmap-length 2
	 00000000 00000000 
	if_id 0x9
	tfcpad 100
	sel src 0.0.0.0/0 dst 0.0.0.0/0 
src 10.1.0.1 dst 10.1.0.2
	proto esp spi 0x00000101 reqid 16 mode transport
	replay-window 0 flag esn
	auth-trunc hmac(sha256) <<Keys hidden>> 128
	enc ecb(cipher_null) <<Keys hidden>>
	anti-replay esn context:
	 seq-hi 0x0, seq 0x0, oseq-hi 0x0, oseq 0x0
	 replay_window 128, bitmap-length 4
	 00000000 00000000 00000000 00000000 
	sel src 0.0.0.0/0 dst 0.0.0.0/0 
src 10.1.0.1 dst 10.1.0.2
	proto esp spi 0x00000100 reqid 1 mode tunnel
	replay-window 32 
	auth-trunc hmac(sha1) <<Keys hidden>> 96
	enc cbc(aes) <<Keys hidden>>
	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
	sel src 0.0.0.0/0 dst 0.0.0.0/0 
`;

const POLICIES = `ip xfrm policy add src 10.0.0.0/24 dst 10.9.0.0/24 dir out tmpl src 10.1.0.1 dst 10.1.0.2 proto esp reqid 1 mode tunnel
ip xfrm policy add src 10.0.0.1 dst 10.9.0.2/32 proto tcp sport 80 dport 443 dev lo dir in priority 10 mark 5 mask 0xff flag localok flag icmp tmpl src 10.1.0.1 dst 10.1.0.2 proto ah spi 0x1234 reqid 0x10 mode transport level use tmpl proto comp mode transport
ip xfrm policy add dir fwd action block proto icmp type 8 code 0 limit time-soft 10 limit time-hard 20 limit byte-soft 1000 limit packet-hard 5 if_id 7`;
const POLICY_LIST = `src 0.0.0.0/0 dst 0.0.0.0/0 proto icmp type 8 code 0 
	dir fwd action block priority 0 ptype main 
	if_id 0x7
src 10.0.0.1/32 dst 10.9.0.2/32 proto tcp sport 80 dport 443 dev lo 
	dir in priority 10 ptype main flag localok icmp
	mark 0x5/0xff 
	tmpl src 10.1.0.1 dst 10.1.0.2
		proto ah spi 0x00001234 reqid 16 mode transport
		level use 
	tmpl src 0.0.0.0 dst 0.0.0.0
		proto comp reqid 0 mode transport
src 10.0.0.0/24 dst 10.9.0.0/24 
	dir out priority 0 ptype main 
	tmpl src 10.1.0.1 dst 10.1.0.2
		proto esp reqid 1 mode tunnel
`;
const POLICY_STATS = `src 0.0.0.0/0 dst 0.0.0.0/0 proto icmp type 8 code 0 uid 0
	dir fwd action block index 18 priority 0 ptype main share any flag  (0x00000000)
	lifetime config:
	  limit: soft 1000(bytes), hard (INF)(bytes)
	  limit: soft (INF)(packets), hard 5(packets)
	  expire add: soft 10(sec), hard 20(sec)
	  expire use: soft 0(sec), hard 0(sec)
	lifetime current:
	  0(bytes), 0(packets)
	  add TIME use -
	if_id 0x7
src 10.0.0.1/32 dst 10.9.0.2/32 proto tcp sport 80 dport 443 dev lo uid 0
	dir in action allow index 8 priority 10 ptype main share any flag localok icmp (0x00000011)
	lifetime config:
	  limit: soft (INF)(bytes), hard (INF)(bytes)
	  limit: soft (INF)(packets), hard (INF)(packets)
	  expire add: soft 0(sec), hard 0(sec)
	  expire use: soft 0(sec), hard 0(sec)
	lifetime current:
	  0(bytes), 0(packets)
	  add TIME use -
	mark 0x5/0xff 
	tmpl src 10.1.0.1 dst 10.1.0.2
		proto ah spi 0x00001234(4660) reqid 16(0x00000010) mode transport
		level use share any 
		enc-mask ffffffff auth-mask ffffffff comp-mask ffffffff
	tmpl src 0.0.0.0 dst 0.0.0.0
		proto comp spi 0x00000000(0) reqid 0(0x00000000) mode transport
		level required share any 
		enc-mask ffffffff auth-mask ffffffff comp-mask ffffffff
src 10.0.0.0/24 dst 10.9.0.0/24 uid 0
	dir out action allow index 1 priority 0 ptype main share any flag  (0x00000000)
	lifetime config:
	  limit: soft (INF)(bytes), hard (INF)(bytes)
	  limit: soft (INF)(packets), hard (INF)(packets)
	  expire add: soft 0(sec), hard 0(sec)
	  expire use: soft 0(sec), hard 0(sec)
	lifetime current:
	  0(bytes), 0(packets)
	  add TIME use -
	tmpl src 10.1.0.1 dst 10.1.0.2
		proto esp spi 0x00000000(0) reqid 1(0x00000001) mode tunnel
		level required share any 
		enc-mask ffffffff auth-mask ffffffff comp-mask ffffffff
`;

let router: TestRouter;
beforeEach(() => {
  router = new TestRouter({ plugins: [ipv4, fibTrie, xfrm] });
});
afterEach(() => router.close());

const all = (lines: string): void => {
  for (const line of lines.split('\n')) router.run(line.trim());
};
/** What a command line that is refused says, and its status. */
function refused(line: string): [string, number] {
  const io = new BufferIo();
  const status = router.router.commands.run(splitWords(line), io) as number;
  return [io.stderr.trim(), status];
}
/** Times are of the moment. */
const timeless = (text: string): string => text.replace(/add (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|-)/g, 'add TIME');

describe('ip xfrm state', () => {
  it('lists states', () => {
    all(STATES);
    expect(router.run('ip xfrm state list')).toBe(STATE_LIST);
    expect(router.run('ip xfrm state')).toBe(STATE_LIST);
    expect(timeless(router.run('ip -s xfrm state'))).toBe(STATE_STATS);
    expect(router.run('ip xfrm state list nokeys')).toBe(STATE_NOKEYS);
    expect(router.run('ip xfrm state count')).toBe('\t SAD count 5\n');
  });

  it('refuses what the kernel refuses', () => {
    all(STATES);
    const add = 'ip xfrm state add src 10.1.0.1 dst 10.1.0.2 proto esp spi 0x105 mode tunnel';
    const gcm = "aead 'rfc4106(gcm(aes))' 0x0011223344556677889900112233445566778899";
    expect(refused(`${add.replace('0x105', '0x100')} enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff`)).toEqual([
      'RTNETLINK answers: File exists',
      2,
    ]);
    expect(refused(`${add} enc 'cbc(aes)' 0x0011`)).toEqual(['RTNETLINK answers: Invalid argument', 2]);
    expect(refused(`${add} enc 'cbc(bla)' 0x0011`)).toEqual(['Error: Requested CRYPT algorithm not found.', 2]);
    expect(refused(`${add} ${gcm} 100`)).toEqual(['Error: Requested AEAD algorithm not found.', 2]);
    expect(refused(`${add.replace('tunnel', 'transport')} tfcpad 5 ${gcm} 128`)).toEqual([
      'Error: TFC padding can only be used in tunnel mode.',
      2,
    ]);
    expect(refused('ip xfrm state add')).toEqual(['Not enough information: ID is required', 1]);
    expect(refused('ip xfrm state add src 1.1.1.1 dst 2.2.2.2 proto esp spi 1')).toEqual([
      'ALGO-TYPE value "enc" or "aead" is required with XFRM-PROTO value "esp"',
      1,
    ]);
    for (const what of ['delete', 'get']) {
      expect(refused(`ip xfrm state ${what} src 1.1.1.1 dst 2.2.2.2 proto esp spi 1`)).toEqual(['RTNETLINK answers: No such process', 2]);
    }
    expect(router.run('ip xfrm state')).toBe(STATE_LIST);
  });

  it('changes the limits of a state that is there, and keeps its keys', () => {
    all(STATES);
    router.run(`${STATES.split('\n')[0].replace(' add ', ' update ')} limit packet-hard 7`);
    const shown = router.run('ip -s xfrm state get src 10.1.0.1 dst 10.1.0.2 proto esp spi 0x100');
    expect(shown).toContain('limit: soft (INF)(packets), hard 7(packets)');
    expect(shown).toContain('enc cbc(aes) 0x00112233445566778899aabbccddeeff (128 bits)');
  });

  it('ends states at their time, and larval ones after 30 seconds', () => {
    const [first] = STATES.split('\n');
    router.run(`${first} limit time-hard 10`);
    router.run('ip xfrm state allocspi src 1.1.1.1 dst 2.2.2.2 proto esp min 10 max 20');
    expect(router.run('ip xfrm state count')).toBe('\t SAD count 2\n');
    router.advance(10_000);
    expect(router.run('ip xfrm state count')).toBe('\t SAD count 1\n');
    router.advance(20_000);
    expect(router.run('ip xfrm state count')).toBe('\t SAD count 0\n');
  });

  it('deletes by protocol, and all', () => {
    all(STATES);
    router.run('ip xfrm state deleteall proto ah');
    expect(router.run('ip xfrm state count')).toBe('\t SAD count 4\n');
    router.run('ip xfrm state flush');
    expect(router.run('ip xfrm state')).toBe('');
  });
});

describe('ip xfrm policy', () => {
  it('lists policies', () => {
    all(POLICIES);
    expect(router.run('ip xfrm policy list')).toBe(POLICY_LIST);
    expect(timeless(router.run('ip -s xfrm policy'))).toBe(POLICY_STATS);
    expect(router.run('ip xfrm policy count')).toBe('\t SPD IN  1 OUT 1 FWD 1\n');
    expect(router.run('ip -s xfrm policy count')).toBe('\t SPD IN  1 OUT 1 FWD 1 (Sock: IN 0 OUT 0 FWD 0)\n');
  });

  it('refuses what the kernel refuses', () => {
    all(POLICIES);
    expect(refused('ip xfrm policy get dir in index 1')).toEqual(['RTNETLINK answers: No such file or directory', 2]);
    expect(refused('ip xfrm policy add src 10.0.0.0/24 dst 10.9.0.0/24 dir out')).toEqual(['RTNETLINK answers: File exists', 2]);
    expect(refused('ip xfrm policy delete src 1.1.1.1 dst 2.2.2.2 dir out')).toEqual(['RTNETLINK answers: No such file or directory', 2]);
    expect(refused('ip xfrm policy add bla')).toEqual(['Error: duplicate "unknown": "bla" is the second value.', 255]);
  });

  it('has defaults that are accept, until they are told', () => {
    expect(router.run('ip xfrm policy getdefault')).toBe('Default policies:\n in:  accept\n fwd: accept\n out: accept\n');
    router.run('ip xfrm policy setdefault in block');
    expect(router.run('ip xfrm policy getdefault')).toBe('Default policies:\n in:  block\n fwd: accept\n out: accept\n');
  });

  it('flushes', () => {
    all(POLICIES);
    router.run('ip xfrm policy flush');
    expect(router.run('ip xfrm policy')).toBe('');
  });
});

it('a config names the place of what is wrong', () => {
  const states = { state: ["src 1.1.1.1 dst 2.2.2.2 proto esp spi 1 enc 'cbc(aes)' 0x00"], policy: ['dir sideways'] };
  expect(() => new TestRouter({ plugins: [ipv4, fibTrie, xfrm], config: { xfrm: states } })).toThrow(
    'xfrm.state.0: Invalid argument\nxfrm.policy.0: ',
  );
});
