/** Plugins from a folder outside the source tree, loaded by a process of this runtime as the program does it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliModule, RUNTIME, run } from '../../test/program.ts';
import { checkPlugin } from './check-plugin.ts';
import { BUILT_IN_PLUGINS, loadPlugin, PluginError } from './load-plugin.ts';

let folder: string;

/** Files of a person's folder: what the config beside them may name. */
const FILES: Record<string, string> = {
  'package.json': '{"private": true}',
  'typed.ts': `import { definePlugin, type PluginContext } from '@packetwalk/framework';
    import { answer } from './near.ts';
    interface Options { readonly floor: number }
    export default definePlugin<Options>({ name: 'typed', setup(ctx: PluginContext, options: Options) {}, counters: [answer<string>('c')] });`,
  'addon.mjs': `import koffi from 'koffi';
    import data from 'has-json';
    export default { name: 'addon', setup() {}, counters: [typeof koffi.load, data.word] };`,
  'near.ts': 'export function answer<T>(value: T): T { return value as T; }',
  'plain.mjs': `import { definePlugin } from '@packetwalk/framework';
    import * as testing from '@packetwalk/framework/testing';
    export default definePlugin({ name: 'plain', setup() {}, counters: [typeof testing] });`,
  'throws.ts': 'const nothing: null = null;\n\nnothing.property;\nexport default {};',
  'syntax.ts': 'const a: number = 1;\nconst = 2;\n',
  'string.mjs': 'throw "a string";',
  'lost.mjs': 'import "./nowhere.mjs";',
  'nothing.ts': 'export const a = 1;',
  'half.ts': 'export default { name: "half" };',
  'node_modules/has-json/package.json': '{"name": "has-json"}',
  'node_modules/has-json/index.js': 'module.exports = require("./data.json");',
  'node_modules/has-json/data.json': '{"word": "json"}',
  // A package with ES modules only, and a framework of its own that must not be used.
  'node_modules/@someone/packaged/package.json':
    '{"name": "@someone/packaged", "type": "module", "exports": {".": {"import": "./index.js"}}}',
  'node_modules/@someone/packaged/index.js': `import { definePlugin } from '@packetwalk/framework';
    export default definePlugin({ name: 'packaged', setup() {} });`,
  'node_modules/@someone/packaged/node_modules/@packetwalk/framework/package.json': '{"name": "@packetwalk/framework", "version": "0.0.1"}',
  'node_modules/@someone/packaged/node_modules/@packetwalk/framework/index.js': 'throw new Error("a second framework");',
};

const DRIVER = `
  const [, , module, config, ...specs] = process.argv;
  const { loadPlugin } = await import(module);
  for (const spec of specs) {
    const text = await loadPlugin(spec, config).then(
      (plugin) => plugin.name + ' ' + (plugin.counters ?? []),
      (error) => error.code + ': ' + error.message);
    console.log(text.trim());
  }`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'packetwalk-plugins-'));
  for (const [name, text] of Object.entries({ ...FILES, 'driver.mjs': DRIVER })) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  symlinkSync(fileURLToPath(new URL('../../node_modules/koffi', import.meta.url)), join(folder, 'node_modules/koffi'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What loading each of these gives, a line each. */
async function load(...specs: string[]): Promise<string[]> {
  const module = `file://${cliModule('load-plugin')}`;
  const { stdout, stderr } = await run([...RUNTIME, join(folder, 'driver.mjs'), module, join(folder, 'router.yaml'), ...specs]);
  expect(stderr).toBe('');
  return stdout.trimEnd().split('\n');
}

it('loads files and packages, with the one framework', async () => {
  expect(await load('./typed.ts', './plain.mjs', '@someone/packaged', `${folder}/near.ts`)).toEqual([
    'typed c',
    'plain object',
    'packaged',
    `bad-plugin: ${folder}/near.ts has no default export`,
  ]);
});

it('lets a plugin use packages that require JSON and native addons', async () => {
  expect(await load('./addon.mjs')).toEqual(['addon function,json']);
});

it('says what is wrong with a plugin in one line, with the place in its file', async () => {
  const lines = await load('./throws.ts', './syntax.ts', './string.mjs', './lost.mjs', './nothing.ts', './half.ts');
  expect(lines).toEqual([
    expect.stringMatching(/^plugin-failed: \.\/throws\.ts failed to load: TypeError: .*property.* \(throws\.ts:3:9\)$/),
    expect.stringMatching(/^plugin-failed: \.\/syntax\.ts failed to load: .*SyntaxError: .* \(syntax\.ts:2(:7)?\)$/),
    'plugin-failed: ./string.mjs failed to load: threw a string',
    expect.stringMatching(/^plugin-failed: \.\/lost\.mjs failed to load: .*nowhere\.mjs/),
    'bad-plugin: ./nothing.ts has no default export',
    'bad-plugin: ./half.ts has no setup function',
  ]);
});

it('says when there is no such plugin', async () => {
  expect(await load('./none.ts', 'none', 'typed.ts')).toEqual([
    'unknown-plugin: ./none.ts: no such file',
    'unknown-plugin: no plugin none: not built in, and no package of that name is installed',
    'unknown-plugin: no plugin typed.ts: not built in, and no package of that name is installed; for the file write ./typed.ts',
  ]);
});

it.each(Object.keys(BUILT_IN_PLUGINS))('has %s built in', async (name) => {
  expect((await loadPlugin(name, 'router.yaml')).name).toBe(name);
});

it('loads the plugin of configs/ in this process too', async () => {
  const { name } = await loadPlugin('./plugins/ttl-floor.ts', fileURLToPath(new URL('../../configs/ttl-floor.yaml', import.meta.url)));
  expect(name).toBe('ttl-floor');
});

it('rejects with PluginError', async () => {
  await expect(loadPlugin('toString', 'router.yaml')).rejects.toBeInstanceOf(PluginError);
});

describe('checkPlugin', () => {
  const setup = (): void => {};
  it.each([
    [{ name: 'a', setup, counters: ['x'], schema: {}, sections: { x: {} }, provides: [{ key: Symbol('x') }] }, null],
    [undefined, 'has no default export'],
    [null, 'must export an object by default, not null'],
    [setup, 'must export an object by default, not a function'],
    [{ setup }, 'has no name: the default export needs one'],
    [{ name: 'a b', setup }, 'is named "a b": a name is letters, digits and hyphens'],
    [{ name: 'a' }, 'has no setup function'],
    [{ name: 'a', setup, requires: ['Routing'] }, 'is no plugin: requires must be a list of tokens'],
    [{ name: 'a', setup, counters: { seen: 0 } }, 'is no plugin: counters must be a list of names'],
    [{ name: 'a', setup, schema: 'object' }, 'is no plugin: schema must be a JSON Schema object'],
    [{ name: 'a', setup, sections: { x: true } }, 'is no plugin: sections must map keys to JSON Schema objects'],
  ])('%o: %s', (value, wrong) => {
    expect(checkPlugin(value)).toBe(wrong);
  });
});
