/**
 * An IPsec gateway under fire: two routers with a tunnel between them, damaged packets and plain ones at the outside. Nothing
 * throws, nothing leaks, and no plaintext passes that the policy forbids.
 */
import arp from '@packetwalk/arp';
import fibTrie from '@packetwalk/fib-trie';
import { SeededRandom } from '@packetwalk/framework';
import { parsePacket, TestRouter } from '@packetwalk/framework/testing';
import ipv4 from '@packetwalk/ipv4';
import xfrm from '@packetwalk/xfrm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const STATES: Readonly<Record<string, string>> = {
  gcm: "esp spi 0x100 reqid 1 mode tunnel replay-window 32 aead 'rfc4106(gcm(aes))' 0x101112131415161718191a1b1c1d1e1f20212223 128",
  cbc: "esp spi 0x100 reqid 1 mode tunnel replay-window 128 flag esn enc 'cbc(aes)' 0x101112131415161718191a1b1c1d1e1f auth-trunc 'hmac(sha256)' 0x20 128",
  ah: "ah spi 0x100 reqid 1 mode tunnel replay-window 32 auth 'hmac(sha1)' 0x20",
};
const MACS = { out: '02:00:00:00:09:01', peer: '02:00:00:00:09:02', in: '02:00:00:00:01:01', host: '02:00:00:00:01:02' };

const NAMES = Object.fromEntries(Object.entries(MACS).map(([name, mac]) => [name, { mac }]));

/** A gateway: `in` has the LAN `lan`.0/24, `out` the address 192.0.2.`n`; everybody's link-layer address is known. */
function gateway(state: string, n: number, lan: number): TestRouter {
  const [here, there] = [`192.0.2.${n}`, `192.0.2.${3 - n}`];
  const proto = state.split(' ')[0];
  const tmpl = (src: string, dst: string): string => `tmpl src ${src} dst ${dst} proto ${proto} reqid 1 mode tunnel`;
  const [ours, theirs] = [`10.${lan}.0.0/24`, `10.${3 - lan}.0.0/24`];
  const router = new TestRouter({
    plugins: [ipv4, arp, fibTrie, xfrm],
    names: NAMES,
    config: {
      devices: {
        in: { driver: 'test-port', mac: MACS.in, addresses: [`10.${lan}.0.1/24`] },
        out: { driver: 'test-port', mac: n === 1 ? MACS.out : MACS.peer, addresses: [`${here}/24`] },
      },
      sysctl: { 'net.ipv4.ip_forward': 1 },
      routes: [`10.${3 - lan}.0.0/24 via ${there}`],
      xfrm: {
        state: [`src ${here} dst ${there} proto ${state}`, `src ${there} dst ${here} proto ${state}`],
        policy: [
          `src ${ours} dst ${theirs} dir out ${tmpl(here, there)}`,
          `src ${theirs} dst ${ours} dir fwd ${tmpl(there, here)}`,
          `src ${theirs} dst ${ours} dir in ${tmpl(there, here)}`,
        ],
      },
    },
  });
  for (const dev of ['in', 'out']) router.run(`ip link set ${dev} up`);
  router.run(`ip neigh add 10.${lan}.0.2 lladdr ${MACS.host} dev in`);
  router.run(`ip neigh add ${there} lladdr ${n === 1 ? MACS.peer : MACS.out} dev out`);
  router.sent();
  return router;
}

const text = (saddr: string, daddr: string, more = ''): string =>
  `eth host > in / ip ${saddr} > ${daddr} id 7 ${more}/ udp 1000 > 2000 / "secret"`;

describe.each(Object.keys(STATES))('a gateway with %s', (kind) => {
  let here: TestRouter;
  let there: TestRouter;
  beforeAll(async () => {
    await here?.close();
    here = gateway(STATES[kind], 1, 1);
    there = gateway(STATES[kind], 2, 2);
  });
  afterAll(async () => {
    await here.close();
    await there.close();
  });

  /** A packet from the other LAN, as the other gateway protects it: the frame on the wire. */
  function sealed(): Uint8Array {
    there.receive('in', text('10.2.0.2', '10.1.0.2'));
    const [left] = there.sent();
    expect(left).toMatch(/^out eth /);
    return parsePacket(left.slice(4), NAMES);
  }

  it('carries packets both ways, one TTL less each', () => {
    here.receive('out', sealed());
    expect(here.sent()).toEqual([expect.stringMatching(/^in eth in > host \/ ip 10\.2\.0\.2 > 10\.1\.0\.2 (id 7 )?ttl 62 .*"secret"/)]);
    here.receive('in', text('10.1.0.2', '10.2.0.2'));
    const [out] = here.sent();
    expect(out).toMatch(/^out eth out > peer \/ ip 192\.0\.2\.1 > 192\.0\.2\.2 /);
    // AH says who sent it, and hides nothing.
    if (kind !== 'ah') expect(out).not.toContain('secret');
    there.receive('out', parsePacket(out.slice(4), NAMES));
    expect(there.sent()).toEqual([expect.stringContaining('"secret"')]);
  });

  it('refuses the same packet a second time', () => {
    const frame = sealed();
    here.receive('out', frame);
    expect(here.sent()).toHaveLength(1);
    const before = here.counters('Xfrm').XfrmInStateSeqError;
    here.receive('out', frame);
    expect(here.sent()).toEqual([]);
    expect(here.counters('Xfrm').XfrmInStateSeqError).toBe(before + 1);
  });

  it('passes nothing that is damaged', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.nat(40),
        (changes, cut) => {
          const frame = sealed().slice(0);
          // Behind the outer IP header, which routers may change; the same place twice might change nothing.
          const places = new Map(changes.map(([at, flip]) => [34 + (at % (frame.length - 34)), flip]));
          for (const [at, flip] of places) frame[at] ^= flip;
          here.receive('out', frame);
          here.receive('out', frame.subarray(0, frame.length - cut));
          expect(here.sent().filter((line) => line.startsWith('in '))).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('passes nothing in plain that the policy wants protected', () => {
    const addresses = fc.constantFrom('10.2.0.2', '10.2.0.77', '10.2.0.255');
    const mores = fc.constantFrom('', 'tos 0x10 ', 'ttl 2 ', 'df ');
    fc.assert(
      fc.property(addresses, fc.constantFrom('10.1.0.2', '10.1.0.1'), mores, (saddr, daddr, more) => {
        here.receive('out', text(saddr, daddr, more).replace('host > in', 'peer > out'));
        expect(here.sent()).toEqual([]);
      }),
      { numRuns: 60 },
    );
    expect(here.drops().XFRM_POLICY).toBeGreaterThanOrEqual(60);
  });

  it('survives any octets for a packet of ESP, AH and IPComp', () => {
    const random = new SeededRandom(kind.length);
    fc.assert(
      fc.property(fc.constantFrom('esp', 'ah', '108'), fc.uint8Array({ maxLength: 120 }), fc.boolean(), (proto, noise, known) => {
        const bytes = noise.slice();
        const view = new DataView(bytes.buffer);
        const at = proto === 'ah' ? 4 : 0;
        if (known && bytes.length >= at + 4) view.setUint32(at, 0x100);
        const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
        here.receive(
          'out',
          `eth peer > out / ip 192.0.2.2 > 192.0.2.1 id ${random.below(60000)} proto ${proto} / ${hex === '' ? '""' : `0x${hex}`}`,
        );
        expect(here.sent().filter((line) => line.startsWith('in '))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
