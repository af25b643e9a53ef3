import { ConfigError, type DeviceConfig, type Driver, type DriverContext, type PluginContext, silentLog } from '@packetwalk/framework';
import { describe, expect, it } from 'vitest';
import plugin from './plugin.ts';

/** The driver that the plugin registers. */
function driver(): Driver {
  const drivers: Driver[] = [];
  const ctx = { driver: (d: Driver) => drivers.push(d) } as unknown as PluginContext;
  plugin.setup(ctx, {});
  expect(drivers.map((d) => d.name)).toEqual(['nic-tap']);
  return drivers[0];
}

function create(keys: object): ReturnType<Driver['create']> {
  const config: DeviceConfig = { name: 'lan', driver: 'nic-tap', ...keys };
  return driver().create(config, { log: silentLog } as DriverContext);
}

describe('nic-tap', () => {
  it('makes an Ethernet device, or a point-to-point one without a link layer', () => {
    expect(create({}).init).toEqual({ maxMtu: 65521 });
    expect(create({ mode: 'tun' }).init).toMatchObject({ type: 0xfffe, hardHeaderLen: 0, maxMtu: 65535 });
  });

  it('refuses a MAC address for a TUN device, at its place', () => {
    expect(() => create({ mode: 'tun', mac: '02:00:00:00:00:01' })).toThrow(ConfigError);
    try {
      create({ mode: 'tun', mac: '02:00:00:00:00:01' });
    } catch (error) {
      expect((error as ConfigError).issues[0].path).toEqual(['mac']);
    }
  });

  it('opens nothing before the device goes up', () => {
    const { ops } = create({ interface: 'tap-lan' });
    expect(ops.poll?.(64, undefined as never)).toBe(0);
    expect(() => ops.uninit?.(undefined as never)).not.toThrow();
  });
});
