/** nic-tap against the kernel: frames both ways, link, MTU, what is refused, and what is left behind. */
import {
  buildSkb,
  ConfigError,
  consumeSkb,
  devClose,
  devOpen,
  devQueueXmit,
  devSetMtu,
  ETH_HLEN,
  type Log,
  type NetDevice,
  Router,
  RX_ERRORS,
  RX_HANDLER_CONSUMED,
  RX_PACKETS,
  SkbHead,
  Softirq,
  silentLog,
  skbPush,
  Tracer,
  TX_PACKETS,
  unregisterNetdev,
} from '@packetwalk/framework';
import { attachToHost, HostClock, HostRandom, loadLibc, POLLIN, watchFd } from '@packetwalk/framework/runtime';
import nicTap from '@packetwalk/nic-tap';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TunFile } from '../../plugins/nic-tap/src/tun-file.ts';
import { describeOnKernel, type Netns, NetnsLab } from './netns.ts';

interface Link {
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly operstate: string;
  readonly linkinfo?: { info_kind: string; info_data: { type: string; persist: boolean; user?: string } };
}

describeOnKernel('nic-tap', ['ping'], () => {
  let lab: NetnsLab;
  let home: Netns;
  let left: Netns;
  let right: Netns;
  let goHome: () => void;
  let routers: Router[];
  let detach: () => void;
  let irq: Softirq;
  let warnings: string[];

  beforeEach(async () => {
    lab = new NetnsLab();
    home = await lab.add('router');
    left = await lab.add('left');
    right = await lab.add('right');
    goHome = home.enter();
    warnings = [];
    const log: Log = { ...silentLog, warn: (text) => warnings.push(text), error: (text) => warnings.push(text) };
    irq = new Softirq(new HostClock(), new HostRandom(), log);
    detach = attachToHost(irq);
    routers = [];
  });

  afterEach(async () => {
    for (const router of routers) await router.stop();
    detach();
    goHome();
    await lab.close();
    expect(irq.pool.inUse).toBe(0);
    expect([...irq.faults]).toEqual([]);
  });

  /** A router whose devices are those of `devices:` in a config. */
  function start(devices: Record<string, object>): Router {
    const config = { devices: Object.fromEntries(Object.entries(devices).map(([name, keys]) => [name, { driver: 'nic-tap', ...keys }])) };
    const plugins = [{ id: 'nic-tap', plugin: nicTap, options: {} }];
    const router = new Router({ name: 'r', softirq: irq, tracer: new Tracer(), log: irq.log, plugins, config, baseDir: '.' });
    routers.push(router);
    return router;
  }

  /** Sends all that arrives at one device out of the other. */
  function wire(router: Router, a: string, b: string): void {
    const [from, to] = [router.net.needDevice(a), router.net.needDevice(b)];
    from.rxHandler = (skb) => {
      if (from.hardHeaderLen > 0) skbPush(skb, ETH_HLEN);
      skb.dev = to;
      devQueueXmit(skb);
      return RX_HANDLER_CONSUMED;
    };
  }

  /** Two interfaces of the host, each in a namespace of its own, and nothing but a wire between them. */
  async function wired(keys: object = {}): Promise<{ router: Router; a: NetDevice; b: NetDevice }> {
    const router = start({ tap0: keys, tap1: keys });
    wire(router, 'tap0', 'tap1');
    wire(router, 'tap1', 'tap0');
    const [a, b] = [router.net.needDevice('tap0'), router.net.needDevice('tap1')];
    const up = Promise.all([carrier(a, true), carrier(b, true)]);
    await plug('tap0', left, '10.9.0.1/24');
    await plug('tap1', right, '10.9.0.2/24');
    await up;
    return { router, a, b };
  }

  async function plug(name: string, ns: Netns, address: string): Promise<void> {
    await home.ip(`link set ${name} netns ${ns.name}`);
    await ns.ip(`addr add ${address} dev ${name}`);
    await ns.ip(`link set ${name} up`);
  }

  /** Waits for the link of `dev` to come or go. */
  function carrier(dev: NetDevice, on: boolean): Promise<void> {
    return new Promise((done) => {
      const changed = (which: NetDevice): void => {
        if (which !== dev || dev.carrier !== on) return;
        dev.net.notifier.off('netdev:change', changed);
        done();
      };
      dev.net.notifier.on('netdev:change', changed);
    });
  }

  async function link(ns: Netns, name: string): Promise<Link> {
    const [found] = JSON.parse(await ns.exec('ip', '-d', '-j', 'link', 'show', 'dev', name)) as Link[];
    return found;
  }

  /** What a router with these devices is refused for. */
  function refusal(devices: Record<string, object>): string[] {
    try {
      start(devices);
    } catch (error) {
      if (error instanceof ConfigError) return error.issues.map((issue) => issue.message);
      throw error;
    }
    return [];
  }

  it('carries frames both ways', async () => {
    const { a, b } = await wired();
    const ping = await left.exec('ping', '-q', '-c', '300', '-i', '0.002', '10.9.0.2');
    expect(ping).toMatch(/300 packets transmitted, 300 received, 0% packet loss/);
    expect(a.stats[RX_PACKETS]).toBeGreaterThanOrEqual(300);
    expect([a.stats[TX_PACKETS], b.stats[TX_PACKETS]]).toEqual([b.stats[RX_PACKETS], a.stats[RX_PACKETS]]);
  });

  it('carries IP packets in TUN mode', async () => {
    const { a } = await wired({ mode: 'tun' });
    expect(await link(left, 'tap0')).toMatchObject({ linkinfo: { info_data: { type: 'tun' } } });
    expect(await left.exec('ping', '-q', '-c', '50', '-i', '0.002', '10.9.0.2')).toContain(' 0% packet loss');
    expect(a.stats[RX_PACKETS]).toBeGreaterThanOrEqual(50);
  });

  it('sends packets from any memory', async () => {
    const { router, a } = await wired();
    const frame = new Uint8Array(60).fill(0xff, 0, 6);
    frame[6] = 2;
    const before = await left.exec('cat', '/sys/class/net/tap0/statistics/rx_bytes');
    const skb = buildSkb(router.net, a, new SkbHead(frame.subarray(0)), 0, frame.length);
    devQueueXmit(skb);
    expect(Number(await left.exec('cat', '/sys/class/net/tap0/statistics/rx_bytes')) - Number(before)).toBe(frame.length);
  });

  it('has link while the host’s end is up', async () => {
    const { router, a, b } = await wired();
    const lost = carrier(b, false);
    await right.ip('link set tap1 down');
    expect((await left.run('ping', '-c', '1', '-W', '1', '10.9.0.2')).status).toBe(1);
    await lost;
    const back = carrier(b, true);
    await right.ip('link set tap1 up');
    await back;
    expect(await left.exec('ping', '-c', '1', '10.9.0.2')).toContain(' 0% packet loss');
    expect(a.carrier).toBe(true);
    expect(router.net.devices().length).toBe(3);
  });

  it('gives the host link while the device is up, and leaves the host’s end alone', async () => {
    const { a } = await wired();
    devClose(a);
    const down = await link(left, 'tap0');
    expect(down.flags).toContain('NO-CARRIER');
    expect(await left.exec('ip', 'addr', 'show', 'dev', 'tap0')).toContain('10.9.0.1/24');
    devOpen(a);
    expect(a.carrier).toBe(true);
    expect((await link(left, 'tap0')).flags).toContain('LOWER_UP');
    expect(await left.exec('ping', '-c', '1', '10.9.0.2')).toContain(' 0% packet loss');
  });

  it('forgets what was sent before the device went down', async () => {
    const { a } = await wired();
    detach();
    const received = a.stats[RX_PACKETS];
    await left.run('ping', '-b', '-c', '3', '-i', '0.002', '-W', '0.1', '10.9.0.255');
    devClose(a);
    devOpen(a);
    detach = attachToHost(irq);
    const frames: number[] = [];
    a.rxHandler = (skb) => {
      frames.push(skb.protocol);
      consumeSkb(skb);
      return RX_HANDLER_CONSUMED;
    };
    await left.run('ping', '-b', '-c', '1', '-W', '0.1', '10.9.0.255');
    expect(a.stats[RX_PACKETS] - received).toBe(1);
    expect(frames.length).toBe(1);
  });

  it('takes the host’s MTU unless the config has one, and keeps both ends equal', async () => {
    await home.ip('tuntap add dev tap7 mode tap');
    await home.ip('link set tap7 mtu 1400');
    const router = start({ tap7: {}, tap8: { mtu: 9000 } });
    const [dev, jumbo] = ['tap7', 'tap8'].map((name) => router.net.needDevice(name));
    expect(dev.mtu).toBe(1400);
    expect((await link(home, 'tap8')).mtu).toBe(9000);
    await home.ip(`link set tap7 netns ${left.name} name other`);
    devSetMtu(dev, 1300);
    expect((await link(left, 'other')).mtu).toBe(1300);
    expect(() => devSetMtu(jumbo, 65522)).toThrow('Error: mtu greater than device maximum.');
    devSetMtu(jumbo, 65521);
    expect((await link(home, 'tap8')).mtu).toBe(65521);
    await router.stop();
    await left.ip('tuntap del dev other mode tap');
  });

  it('carries jumbo frames', async () => {
    await wired({ mtu: 9000 });
    expect(await left.exec('ping', '-M', 'do', '-s', '8972', '-c', '3', '-i', '0.01', '10.9.0.2')).toContain(' 0% packet loss');
  });

  it('drops and counts a frame that is too long for it', async () => {
    const { a } = await wired();
    await left.ip('link set tap0 mtu 3000');
    await left.run('ping', '-M', 'do', '-s', '2500', '-c', '1', '-W', '1', '10.9.0.2');
    expect(a.stats[RX_ERRORS]).toBe(1);
  });

  it('survives that the host removes its end', async () => {
    const { a } = await wired();
    const gone = carrier(a, false);
    await left.ip('link del tap0');
    await gone;
    expect(warnings.join()).toContain('the host has removed its end');
    devClose(a);
    devOpen(a);
    const back = carrier(a, true);
    await plug('tap0', left, '10.9.0.1/24');
    await back;
    expect(await left.exec('ping', '-c', '1', '10.9.0.2')).toContain(' 0% packet loss');
  });

  it('takes its interfaces along, but for the persistent ones', async () => {
    const router = start({ tap0: {}, tap1: { persist: true, owner: 65534 } });
    expect(await link(home, 'tap1')).toMatchObject({ linkinfo: { info_data: { persist: true, user: 'nobody' } } });
    await router.stop();
    const names = (JSON.parse(await home.exec('ip', '-j', 'link')) as Link[]).map((l) => l.ifname);
    expect(names).toContain('tap1');
    expect(names).not.toContain('tap0');
    const again = start({ tap1: {} });
    expect(again.net.needDevice('tap1').carrier).toBe(false);
    await again.stop();
    await home.ip('tuntap del dev tap1 mode tap');
  });

  it('is free for others as soon as it is closed, whoever waited for its frames', async () => {
    await home.ip('tuntap add dev tap7 mode tap');
    const libc = loadLibc(import.meta.url);
    for (let i = 0; i < 20; i++) {
      const tun = new TunFile(libc, 'tap7', 'tap');
      const watch = watchFd(libc, tun.fd, () => {});
      watch.arm(POLLIN);
      await link(home, 'tap7');
      watch.close();
      tun.close();
      new TunFile(libc, 'tap7', 'tap').close();
    }
  });

  it('closes the host’s end with the device', async () => {
    const router = start({ tap0: {} });
    unregisterNetdev(router.net.needDevice('tap0'));
    expect((await home.run('ip', 'link', 'show', 'dev', 'tap0')).status).toBe(1);
  });

  it('says in one line what stands in the way, and leaves nothing behind', async () => {
    await home.ip('link add veth0 type veth peer name veth1');
    await home.ip('tuntap add dev tun9 mode tun');
    start({ tap0: {} });
    expect(refusal({ tap5: {}, tap0: {} })).toEqual(['tap0 is busy: another process has it open']);
    expect(refusal({ tap5: {}, veth0: {} })).toEqual(['veth0 exists on the host and is not a TAP interface']);
    expect(refusal({ tap5: {}, tun9: {} })).toEqual(['tun9 exists on the host and is not a TAP interface']);
    expect(refusal({ tap5: {}, tun9: { mode: 'tun', mac: '02:00:00:00:00:09' } })).toEqual([
      'must be left out: a TUN device has no MAC address',
    ]);
    expect((await home.run('ip', 'link', 'show', 'dev', 'tap5')).status).toBe(1);
  });

  it('costs nothing while nothing happens', async () => {
    await wired();
    const before = process.cpuUsage();
    await new Promise((done) => setTimeout(done, 2000));
    const { user, system } = process.cpuUsage(before);
    // Test runner included: 1 % of two seconds, in microseconds.
    expect(user + system).toBeLessThan(20_000);
  });
});
