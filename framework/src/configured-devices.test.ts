import { describe, expect, it } from 'vitest';
import { SeededRandom, VirtualClock } from './clock.ts';
import { registerNetdev } from './dev.ts';
import { CommandError, ConfigError } from './errors.ts';
import { silentLog } from './log.ts';
import { isUp, type NetDevice } from './netdevice.ts';
import { definePlugin } from './plugin.ts';
import { Router, type RouterConfig } from './router.ts';
import { consumeSkb } from './skbuff.ts';
import { Softirq } from './softirq.ts';
import { Tracer } from './trace.ts';
import { formatMac } from './wire/ethernet.ts';

const ops = {
  startXmit(skb: Parameters<typeof consumeSkb>[0]): number {
    consumeSkb(skb);
    return 0;
  },
};

/** Devices of a driver, and a kind of link that takes ports while they are down, as a bond does. */
const plugin = definePlugin({
  name: 'parts',
  setup(ctx) {
    ctx.driver({ name: 'wire', create: () => ({ ops }) });
    ctx.linkKind({
      kind: 'trunk',
      create(net, name, link, words, init) {
        if (words.peek() !== undefined && words.next() !== 'wide') throw new CommandError('trunk: what?', 255);
        return registerNetdev(net, ops, { name, kind: 'trunk', ...(link === null ? {} : { link }), ...init });
      },
      addSlave(master, dev) {
        if (isUp(dev)) throw new CommandError('Error: Device can not be enslaved while up.', 2);
        dev.master = master;
      },
      changeSlave(dev, words) {
        dev.alias = `slave ${words.next()}`;
      },
      delSlave(_master, dev) {
        dev.master = null;
      },
    });
  },
});

function build(devices: RouterConfig['devices']): Router {
  return new Router({
    name: 'r',
    softirq: new Softirq(new VirtualClock(), new SeededRandom(1), silentLog),
    tracer: new Tracer(),
    log: silentLog,
    plugins: [{ id: 'parts', plugin, options: {} }],
    config: { devices: devices ?? {} },
    baseDir: '.',
  });
}

function issuesOf(devices: RouterConfig['devices']): string[] {
  try {
    build(devices).dispose();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.issues.map((i) => `${i.path.join('.')}: ${i.message}`);
  }
}

describe('devices of a config', () => {
  it('may stand on others and be ports of others, wherever those are listed', () => {
    const router = build({
      port: { driver: 'wire', master: 'team', port: 'fast' },
      team: { driver: 'trunk', mac: '02:00:00:00:00:07', mtu: 1400 },
      'team.5': { driver: 'trunk', link: 'team', args: 'wide', up: false },
    });
    const dev = (name: string): NetDevice => router.net.needDevice(name);
    expect(dev('port').master).toBe(dev('team'));
    expect(dev('port').alias).toBe('slave fast');
    expect([isUp(dev('port')), isUp(dev('team')), isUp(dev('team.5'))]).toEqual([true, true, false]);
    expect(dev('team.5').link).toBe(dev('team'));
    expect([formatMac(dev('team').address), dev('team').mtu]).toEqual(['02:00:00:00:00:07', 1400]);
    router.dispose();
  });

  it('tell where they are wrong', () => {
    expect(issuesOf({ a: { driver: 'trunk', args: 'narrow' } })).toEqual(['devices.a: trunk: what?']);
    expect(issuesOf({ a: { driver: 'wire' }, b: { driver: 'wire', master: 'a' } })).toEqual(['devices.b.master: Operation not supported']);
    expect(issuesOf({ a: { driver: 'trnk' } })).toEqual(['devices.a.driver: no driver "trnk" (known here: wire, trunk)']);
  });
});
