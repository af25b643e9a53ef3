/** Frames through a TAP whose kernel is played by the test: what a burst is, and what becomes of what the kernel refuses. */
import {
  allocSkb,
  consumeSkb,
  devOpen,
  Net,
  type NetDevice,
  RX_ERRORS,
  RX_HANDLER_CONSUMED,
  registerNetdev,
  SeededRandom,
  SKB_DROP_REASON_DEV_HDR,
  SKB_DROP_REASON_DEV_READY,
  SKB_DROP_REASON_FULL_RING,
  SKB_DROP_REASON_LINK_LOSS,
  SKB_SMALL,
  Softirq,
  silentLog,
  skbPut,
  Tracer,
  TX_DROPPED,
  TX_ERRORS,
  VirtualClock,
} from '@packetwalk/framework';
import { type Libc, loadLibc, watchFd } from '@packetwalk/framework/runtime';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TapPort } from './tap-port.ts';
import type { TunFile } from './tun-file.ts';

const FRAME = 60;

describe.runIf(process.platform === 'linux')('TapPort', () => {
  const real = loadLibc(import.meta.url);
  const fd = real.eventfd();
  // Whatever waits for descriptors in this process does it with the real system calls.
  watchFd(real, fd, () => {}).close();
  afterAll(() => real.close(fd));

  let frames: number[];
  let reads: { address: number; length: number }[];
  let failure: string | null;
  let net: Net;
  let dev: NetDevice;
  let port: TapPort;

  /** The kernel: has `frames` to read, by length, and refuses to take any while there is a `failure`. */
  function kernel(): Libc {
    const read = (_: number, address: number, length: number): number => {
      reads.push({ address, length });
      const frame = frames.shift();
      return frame === undefined ? -1 : Math.min(frame, length);
    };
    const write = (_: number, __: number, length: number): number => (failure === null ? length : -1);
    const errno = (): number => real.errors[failure ?? 'EAGAIN'];
    return Object.create(real, { read: { value: read }, write: { value: write }, errno: { value: errno } });
  }

  beforeEach(() => {
    frames = [];
    reads = [];
    failure = null;
    net = new Net('r', new Softirq(new VirtualClock(), new SeededRandom(1), silentLog), silentLog, new Tracer());
    dev = registerNetdev(net, { startXmit: (skb) => port.send(skb) }, { name: 'tap0', kind: 'nic-tap' });
    devOpen(dev);
    const tun = { libc: kernel(), fd, isHostUp: () => true, setCarrier: () => {}, close: () => {} };
    port = new TapPort(tun as unknown as TunFile, dev, silentLog);
  });

  afterEach(() => {
    port.close();
    expect(net.pool.inUse).toBe(0);
  });

  /** Counts what the device receives, and frees it. */
  function sink(): { lengths: number[]; heads: Set<object> } {
    const seen = { lengths: [] as number[], heads: new Set<object>() };
    dev.rxHandler = (skb) => {
      seen.lengths.push(skb.len);
      seen.heads.add(skb.head);
      consumeSkb(skb);
      return RX_HANDLER_CONSUMED;
    };
    return seen;
  }

  it('receives at most its budget, and less when there is no more', () => {
    const { lengths } = sink();
    frames = Array(100).fill(FRAME);
    expect(port.receive(64)).toBe(64);
    expect(port.receive(64)).toBe(36);
    expect(port.receive(64)).toBe(0);
    expect(lengths.length).toBe(100);
  });

  it('reads into the pool’s memory, the same again and again', () => {
    const { heads } = sink();
    frames = Array(100).fill(FRAME);
    port.receive(100);
    expect(heads.size).toBe(1);
    expect(net.pool.bytes).toBe(SKB_SMALL);
    expect(new Set(reads.map(({ address }) => address)).size).toBe(1);
  });

  it('loses a frame that does not fit, and only that', () => {
    const { lengths } = sink();
    frames = [FRAME, 5000, FRAME];
    expect(port.receive(64)).toBe(3);
    expect(lengths.length).toBe(2);
    expect(dev.stats[RX_ERRORS]).toBe(1);
    expect(net.drops[SKB_DROP_REASON_LINK_LOSS]).toBe(1);
  });

  it('makes room for the MTU, with VLAN tags', () => {
    const room = (mtu: number): number => {
      port.fit(mtu);
      port.receive(1);
      return reads.at(-1)?.length ?? 0;
    };
    for (const mtu of [68, 1500, 1897, 1898, 9000, 65521]) expect(room(mtu), `MTU ${mtu}`).toBeGreaterThan(mtu + 14 + 8);
    expect(room(1500)).toBeLessThan(SKB_SMALL);
  });

  it.each([
    ['EIO', SKB_DROP_REASON_DEV_READY, 0],
    ['EBADFD', SKB_DROP_REASON_DEV_READY, 0],
    ['EINVAL', SKB_DROP_REASON_DEV_HDR, 1],
    ['ENOBUFS', SKB_DROP_REASON_FULL_RING, 1],
  ])('counts a frame that the kernel refuses with %s', (code, reason, errors) => {
    failure = code;
    const skb = allocSkb(net, dev, FRAME);
    skbPut(skb, FRAME);
    port.send(skb);
    expect(net.drops[reason]).toBe(1);
    expect([dev.stats[TX_DROPPED], dev.stats[TX_ERRORS]]).toEqual([1, errors]);
  });
});
