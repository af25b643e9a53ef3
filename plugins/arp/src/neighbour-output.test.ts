import {
  allocSkb,
  buildSkb,
  ETH_P_IP,
  type HeaderOps,
  type NetDevice,
  NUD_PERMANENT,
  type SkBuff,
  SkbHead,
  skbBytes,
  skbClone,
  skbPush,
  skbPutData,
} from '@packetwalk/framework';
import { formatPacket, parsePacket } from '@packetwalk/framework/testing';
import { beforeEach, expect, test } from 'vitest';
import { ArpLab, ip, NAMES } from './testing/arp-lab.ts';

const PACKET = parsePacket('ip 10.0.0.2 > 10.1.0.2 id 7 / udp 1 > 2');
const FRAME = '0 p1 eth p1 > b / ip 10.0.0.2 > 10.1.0.2 id 7';

let lab: ArpLab;
beforeEach(() => {
  lab = new ArpLab();
  lab.command('ip neigh add 10.1.0.2 dev p1 lladdr 02:00:00:00:0b:02');
});

function made(dev: NetDevice, headroom?: number): SkBuff {
  const skb = allocSkb(lab.router.net, dev, PACKET.length, headroom);
  skbPutData(skb, PACKET);
  skb.protocol = ETH_P_IP;
  return skb;
}

const output = (skb: SkBuff): number => {
  const neigh = lab.neigh('10.1.0.2', 'p1');
  return neigh.output(skb, neigh);
};

test('a packet without room in front gets it', () => {
  output(made(lab.dev('p1'), 3));
  expect(lab.out()).toEqual([FRAME]);
});

test('the bytes in front of a shared packet are not written to', () => {
  const skb = made(lab.dev('p1'));
  const other = skbClone(skb);
  skbPush(other, 14);
  const before = skbBytes(other).slice();
  output(skb);
  expect(lab.out()).toEqual([FRAME]);
  expect(skbBytes(other)).toEqual(before);
});

test('a packet that waits gives a ring slot back at once', () => {
  const head = new SkbHead(new Uint8Array(256));
  let released = false;
  head.release = () => {
    released = true;
  };
  head.buf.set(PACKET, 64);
  const skb = buildSkb(lab.router.net, lab.dev('p1'), head, 64, PACKET.length);
  skb.protocol = ETH_P_IP;
  lab.command('ip neigh del 10.1.0.2 dev p1');
  const neigh = lab.tbl.resolve(ip('10.1.0.2'), lab.dev('p1'));
  neigh?.output(skb, neigh);
  expect(released).toBe(true);
  head.buf.fill(0);
  lab.clear();
  lab.receive('p1', 'eth b > p1 / arp reply b is-at b tell p1');
  expect(lab.out()).toEqual([FRAME]);
});

test('the cached header follows the neighbour to another address', () => {
  lab.command('ip neigh change 10.1.0.2 dev p1 lladdr 02:00:00:00:0b:03');
  output(made(lab.dev('p1')));
  expect(lab.out()).toEqual([FRAME.replace('> b /', '> c /')]);
});

test('a link layer of its own makes each header', () => {
  const { dev, headers } = ownLinkLayer();
  lab.tbl.flushDev(dev, false);
  const neigh = lab.tbl.create(ip('10.1.0.2'), dev);
  lab.command('ip neigh replace 10.1.0.2 dev p1 lladdr 02:00:00:00:0b:02');
  expect(neigh?.nudState).toBe(NUD_PERMANENT);
  output(made(dev));
  expect(headers).toEqual(['2048 2,0,0,0,11,2']);
  expect(lab.out()).toHaveLength(1);
});

function ownLinkLayer(): { dev: NetDevice; headers: string[] } {
  const dev = lab.dev('p1');
  const headers: string[] = [];
  const ops: HeaderOps = {
    create(skb, _dev, type, daddr) {
      headers.push(`${type} ${[...daddr].join(',')}`);
      skbPush(skb, 2);
    },
  };
  dev.headerOps = ops;
  return { dev, headers };
}

test('a device that wants no header gets none', () => {
  const tun = new ArpLab({ devices: { p1: { type: 0xfffe, hardHeaderLen: 0 } } });
  const frames: string[] = [];
  tun.dev('p1').taps.push((skb) => frames.push(formatPacket(skbBytes(skb), { from: 'ip', names: NAMES })));
  tun.send('10.1.0.2', 'p1');
  expect(frames).toHaveLength(1);
  expect(frames[0]).toMatch(/^ip 10\.0\.0\.2 > 10\.1\.0\.2 id 1/);
  expect(tun.state('10.1.0.2', 'p1')).toBe('NOARP');
});

test('a recorded walk shows how the next hop was found', () => {
  const walk: string[] = [];
  lab.tracer.listen((record) => walk.push(`${record.name} ${record.detail}`));
  lab.send('10.1.0.2', 'p1', '10.0.0.2', 28, true);
  lab.send('10.1.0.3', 'p1', '10.0.0.2', 28, true);
  lab.advance(3000);
  expect(walk).toEqual([
    'neighConnectedOutput 10.1.0.2 dev p1 02:00:00:00:0b:02 PERMANENT',
    'devQueueXmit dev p1, 42 bytes',
    'neighResolveOutput 10.1.0.3 dev p1 00:00:00:00:00:00 NONE',
    'arpSolicit who has 10.1.0.3, tell 10.1.0.1, dev p1',
    'arpSolicit who has 10.1.0.3, tell 10.1.0.1, dev p1',
    'arpSolicit who has 10.1.0.3, tell 10.1.0.1, dev p1',
    'arpErrorReport nobody answered',
    'NEIGH_FAILED neighbour did not answer',
  ]);
});
