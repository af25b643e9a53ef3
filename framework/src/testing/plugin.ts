/**
 * plugin.ts — the conformance suite of plugins: `describePlugin(plugin)` in a vitest file. Whatever a plugin does, its
 * manifest is right, it can be checked without starting, and nothing of it is left when it goes.
 */
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import type { Plugin } from '../plugin.ts';
import type { RouterConfig } from '../router.ts';
import { defaults, TestRouter } from './test-router.ts';

export interface PluginConformanceOptions {
  /** Plugins that it needs. */
  readonly with?: readonly Plugin[];
  /** Options of the plugin under test, where the defaults will not do. */
  readonly options?: object;
  readonly config?: RouterConfig;
}

/** What a router holds that plugins add to. */
function held({ net, router, softirq }: TestRouter): Record<string, readonly string[] | number> {
  return {
    hooks: net.nf.chains.flat().map((ops) => ops.name ?? 'a hook'),
    packetTypes: [...net.ptypes.keys()].map((type) => `0x${type.toString(16)}`),
    commands: router.commands.all().map(({ name }) => name),
    settings: net.sysctl.names(),
    devices: net.devices().map(({ name }) => name),
    listeners: net.notifier.eventNames().map(String),
    timers: softirq.timers.size,
    packets: softirq.pool.inUse,
  };
}

const NOTHING = { hooks: [], packetTypes: [], commands: [], settings: [], devices: [], listeners: [], timers: 0, packets: 0 };

/** Declares the suite. */
export function describePlugin(plugin: Plugin, { with: others = [], options, config = {} }: PluginConformanceOptions = {}): void {
  const build = (): TestRouter =>
    new TestRouter({ plugins: [...others, { id: plugin.name, plugin, options: options ?? defaults(plugin) }], config });

  describe(`${plugin.name} as a plugin`, () => {
    it('has a name of letters, digits and hyphens', () => {
      expect(plugin.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    });

    it('has schemas that say what they mean', () => {
      for (const schema of [plugin.schema, ...Object.values(plugin.sections ?? {})]) {
        if (schema !== undefined) new Ajv({ strict: false, validateFormats: false }).compile(schema);
      }
    });

    it('names each counter once', () => {
      const counters = plugin.counters ?? [];
      expect(new Set(counters).size).toBe(counters.length);
    });

    it('leaves nothing behind when it is only checked', () => {
      const router = build();
      router.router.dispose();
      expect(held(router)).toEqual(NOTHING);
    });

    it('leaves nothing behind when it has run', async () => {
      const router = build();
      await router.router.start();
      router.advance(60_000);
      await router.close();
      expect(held(router)).toEqual(NOTHING);
    });

    it('can be in two routers at once, and in one after the other', async () => {
      const [first, second] = [build(), build()];
      const of = (router: TestRouter): object => ({ ...held(router), timers: 0 });
      expect(of(second)).toEqual(of(first));
      await first.close();
      const third = build();
      expect(of(third)).toEqual(of(second));
      await second.close();
      await third.close();
    });
  });
}
