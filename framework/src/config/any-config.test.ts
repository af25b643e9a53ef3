/** Configs that nobody thought of: right ones, ones with a key misspelt, and heaps of keys and values. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { SchemaObject } from '../plugin.ts';
import { composeSchema } from './schema.ts';
import { validateConfig } from './validate.ts';
import { parseConfig } from './yaml.ts';

fc.configureGlobal({ seed: 1 });

const options: SchemaObject = {
  type: 'object',
  additionalProperties: false,
  properties: { floor: { type: 'integer', minimum: 1, maximum: 255, default: 2 } },
};
const selector: SchemaObject = {
  type: 'object',
  properties: { src: { type: 'string', format: 'ipv4-prefix' }, not: { $ref: '#/definitions/selector' } },
  additionalProperties: false,
};
const schema = composeSchema({
  plugins: new Map([
    ['ipv4', {}],
    ['arp', {}],
    ['./ttl-floor.ts', { schema: options }],
  ]),
  drivers: new Map([
    ['nic-tap', { schema: { type: 'object', properties: { persist: { type: 'boolean' }, user: { type: 'string' } } } }],
    ['nic-pcap', { schema: { type: 'object', required: ['read'], properties: { read: { type: 'string' }, speed: { type: 'number' } } } }],
  ]),
  sections: {
    routes: { type: 'array', items: { type: 'string' } },
    iptables: { type: 'string' },
    policy: { definitions: { selector }, type: 'array', items: { $ref: '#/definitions/selector' } },
  },
});

function check(text: string): string[] {
  const doc = parseConfig(text, 'r');
  return validateConfig(doc, schema).map((issue) => doc.format(issue));
}

/** Milliseconds for a few hundred configs on a machine with other work to do. */
const SLOW = 60_000;

describe('any config', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,7}$/);
  const host = fc.tuple(
    fc.integer({ min: 1, max: 223 }),
    fc.nat(255),
    fc.nat(255),
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 29 }),
  );
  const address = host.map(([a, b, c, d, length]) => `${a}.${b}.${c}.${d}/${length}`);
  const common = {
    mtu: fc.integer({ min: 68, max: 65535 }),
    up: fc.boolean(),
    addresses: fc.array(address, { maxLength: 3 }),
  };
  const device = fc.oneof(
    fc.record({ driver: fc.constant('nic-tap'), user: word, persist: fc.boolean(), ...common }, { requiredKeys: ['driver'] }),
    fc.record({ driver: fc.constant('nic-pcap'), read: word, speed: fc.integer(), ...common }, { requiredKeys: ['driver', 'read'] }),
  );
  const plugin = fc.oneof(
    fc.constantFrom('ipv4', 'arp', './ttl-floor.ts'),
    fc.record(
      { use: fc.constant('./ttl-floor.ts'), options: fc.record({ floor: fc.integer({ min: 1, max: 255 }) }, { requiredKeys: [] }) },
      { requiredKeys: ['use'] },
    ),
  );
  const useOf = (entry: string | { use: string }): string => (typeof entry === 'string' ? entry : entry.use);
  const router = fc
    .record(
      {
        plugins: fc.uniqueArray(plugin, { selector: useOf, maxLength: 3 }),
        hostname: word,
        devices: fc.dictionary(
          word.filter((name) => name !== 'all' && name !== 'default'),
          device,
          { maxKeys: 5 },
        ),
        sysctl: fc.dictionary(fc.constantFrom('net.ipv4.ip_forward', 'net.ipv4.conf.all.rp_filter'), fc.oneof(fc.nat(9), word)),
        routes: fc.array(fc.string({ unit: 'grapheme-ascii' }), { maxLength: 3 }),
        iptables: fc.array(fc.stringMatching(/^[A-Za-z*:-][ -~]{0,20}$/), { maxLength: 5 }).map((lines) => lines.join('\n')),
        policy: fc.array(
          fc.record({ src: fc.constant('10.0.0.0/8'), not: fc.record({ src: fc.constant('0.0.0.0/0') }) }, { requiredKeys: [] }),
        ),
      },
      { requiredKeys: ['plugins'] },
    )
    .map((config) => distinct(config));

  /** Each device a MAC of its own, and each address once: what single values cannot know of each other. */
  function distinct<R extends { devices?: Record<string, { addresses?: string[] }> }>(config: R): R {
    const used = new Set<string>();
    for (const [i, dev] of Object.values(config.devices ?? {}).entries()) {
      Object.assign(dev, { mac: `02:00:00:00:00:0${i}` });
      if (dev.addresses === undefined) continue;
      dev.addresses = dev.addresses.filter((text) => {
        const host = text.split('/')[0];
        return isHost(text) && !used.has(host) && used.add(host);
      });
    }
    return config;
  }

  /** Neither all zeros nor all ones behind the prefix, counted with whole numbers. */
  function isHost(text: string): boolean {
    const [dotted, length] = text.split('/');
    const value = dotted.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
    const size = 2 ** (32 - Number(length));
    return value % size !== 0 && value % size !== size - 1;
  }

  const quoted = { defaultStringType: 'QUOTE_DOUBLE' as const };
  const styles = fc.constantFrom({}, { indent: 5 }, quoted, {
    ...quoted,
    collectionStyle: 'flow' as const,
    defaultKeyType: 'PLAIN' as const,
  });

  it(
    'that is right is taken, however it is written',
    () => {
      fc.assert(
        fc.property(router, styles, (config, style) => {
          expect(check(stringify(config, style))).toEqual([]);
          expect(check(stringify({ routers: { a: config, b: config } }, { ...style, aliasDuplicateObjects: false }))).toEqual([]);
        }),
        { numRuns: 100 },
      );
    },
    SLOW,
  );

  /** Paths of all keys that a schema decides about. */
  function keysOf(config: object): (string | number)[][] {
    const found: (string | number)[][] = [];
    const visit = (value: unknown, path: (string | number)[]): void => {
      if (Array.isArray(value)) for (const [i, item] of value.entries()) visit(item, [...path, i]);
      else if (typeof value === 'object' && value !== null) {
        for (const [key, inner] of Object.entries(value)) {
          const isName = path.length === 1 && (path[0] === 'devices' || path[0] === 'sysctl');
          if (!isName) found.push([...path, key]);
          visit(inner, [...path, key]);
        }
      }
    };
    visit(config, []);
    return found;
  }

  /** The config with one key spelt differently. */
  function respell(value: unknown, path: readonly (string | number)[], name: string): unknown {
    const [part, ...rest] = path;
    if (Array.isArray(value)) return value.map((item, i) => (i === part ? respell(item, rest, name) : item));
    const entries = Object.entries(value as object);
    return Object.fromEntries(
      entries.map(([key, inner]) => (key !== part ? [key, inner] : rest.length === 0 ? [name, inner] : [key, respell(inner, rest, name)])),
    );
  }

  it(
    'with one key misspelt has that told, at the key',
    () => {
      fc.assert(
        fc.property(router, styles, fc.nat(), (config, style, n) => {
          const keys = keysOf(config);
          const path = keys[n % keys.length];
          const key = String(path.at(-1));
          const wrong = `${key}QQ`;
          const text = stringify(respell(config, path, wrong), style);
          const before = text.slice(0, text.indexOf(wrong)).replace(/"$/, '').split('\n');
          const told = check(text).filter((issue) => issue.includes(`unknown key "${wrong}"`));
          expect(told).toHaveLength(1);
          expect(told[0].startsWith(`r:${before.length}:${before.at(-1)!.length + 1}: `)).toBe(true);
          if (key.length >= 4) expect(told[0]).toContain(`did you mean "${key}"?`);
        }),
        { numRuns: 200 },
      );
    },
    SLOW,
  );

  it(
    'of any shape at all is judged, never thrown at',
    () => {
      const key = fc.constantFrom(
        'plugins',
        'devices',
        'routers',
        'links',
        'script',
        'sysctl',
        'options',
        'use',
        'addresses',
        'mac',
        'driver',
        'a',
        'eth0',
      );
      const { tree } = fc.letrec((tie) => ({
        leaf: fc.constantFrom<unknown>(null, 1, 1.5, true, '', 'a', 'a.eth0', 'nic-pair', '10.0.0.1/24', '2:0:0:0:0:1'),
        tree: fc.oneof(
          { maxDepth: 6 },
          tie('leaf'),
          fc.array(tie('tree'), { maxLength: 3 }),
          fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
        ),
      }));
      fc.assert(
        fc.property(fc.dictionary(key, tree, { minKeys: 1 }), (config) => {
          for (const issue of check(stringify(config))) expect(issue).toMatch(/^r:\d+:\d+: \S/);
        }),
        { numRuns: 300 },
      );
    },
    SLOW,
  );
});
