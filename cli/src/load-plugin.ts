/**
 * load-plugin.ts — from a name in `plugins:` to the plugin object. Three kinds of name: a built-in's short name, a path
 * relative to the config file, and an installed package. A plugin that was written elsewhere gets this program's copy of
 * `@packetwalk/framework`, so that there is one instance of it (plugin-hooks.ts).
 */
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Plugin } from '@packetwalk/framework';
import { checkPlugin } from './check-plugin.ts';
import * as pluginHooks from './plugin-hooks.ts';

/** The plugins that come with this program, by short name; each is imported when a config asks for it. */
export const BUILT_IN_PLUGINS: Readonly<Record<string, () => Promise<object>>> = {
  arp: () => import('@packetwalk/arp'),
  bonding: () => import('@packetwalk/bonding'),
  bridge: () => import('@packetwalk/bridge'),
  ebtables: () => import('@packetwalk/ebtables'),
  'fib-dir24': () => import('@packetwalk/fib-dir24'),
  'fib-hash': () => import('@packetwalk/fib-hash'),
  'fib-trie': () => import('@packetwalk/fib-trie'),
  ipv4: () => import('@packetwalk/ipv4'),
  netfilter: () => import('@packetwalk/netfilter'),
  'nic-packet': () => import('@packetwalk/nic-packet'),
  'nic-pair': () => import('@packetwalk/nic-pair'),
  'nic-pcap': () => import('@packetwalk/nic-pcap'),
  'nic-tap': () => import('@packetwalk/nic-tap'),
  tunnel: () => import('@packetwalk/tunnel'),
  vlan: () => import('@packetwalk/vlan'),
  xfrm: () => import('@packetwalk/xfrm'),
};

/** `unknown-plugin`: no such built-in or package; `plugin-failed`: it threw; `bad-plugin`: what it exports is no plugin. */
export type PluginErrorCode = 'unknown-plugin' | 'plugin-failed' | 'bad-plugin';

/** A plugin could not be had. The message is one line and fits a ConfigIssue, as the code does. */
export class PluginError extends Error {
  override readonly name = 'PluginError';
  readonly code: PluginErrorCode;

  constructor(code: PluginErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Loads what `spec`, a value of `plugins:` in `configFile`, names. Rejects with PluginError.
 */
export async function loadPlugin(spec: string, configFile: string): Promise<Plugin> {
  const module = Object.hasOwn(BUILT_IN_PLUGINS, spec) ? await BUILT_IN_PLUGINS[spec]() : await importPlugin(spec, configFile);
  const wrong = checkPlugin((module as { default?: unknown }).default);
  if (wrong !== null) throw new PluginError('bad-plugin', `${spec} ${wrong}`);
  return (module as { default: Plugin }).default;
}

async function importPlugin(spec: string, configFile: string): Promise<object> {
  const place = /^\.{0,2}\//.test(spec) ? findFile(spec, configFile) : findPackage(spec, configFile);
  installHooks();
  try {
    return await import(place.specifier);
  } catch (error) {
    throw new PluginError('plugin-failed', `${spec} failed to load: ${describe(error, place.folder)}`, { cause: error });
  }
}

/** What to import, and the folder that the plugin's own files lie in. */
interface Place {
  readonly specifier: string;
  readonly folder: string;
}

function findFile(spec: string, configFile: string): Place {
  const path = resolve(dirname(configFile), spec);
  if (!existsSync(path)) throw new PluginError('unknown-plugin', `${spec}: no such file`);
  return { specifier: pathToFileURL(path).href, folder: dirname(path) };
}

/** A package as Node finds it: in `node_modules` of the config's folder or of one above it; else beside this program. */
function findPackage(spec: string, configFile: string): Place {
  const name = spec
    .split('/')
    .slice(0, spec.startsWith('@') ? 2 : 1)
    .join('/');
  for (const parent of [pathToFileURL(resolve(configFile)).href, import.meta.url]) {
    for (let at = dirname(fileURLToPath(parent)); ; at = dirname(at)) {
      const folder = join(at, 'node_modules', name);
      if (existsSync(folder)) return { specifier: pluginHooks.packageSpecifier(spec, parent), folder };
      if (at === dirname(at)) break;
    }
  }
  const hint = existsSync(resolve(dirname(configFile), spec)) ? `; for the file write ./${spec}` : '';
  throw new PluginError('unknown-plugin', `no plugin ${spec}: not built in, and no package of that name is installed${hint}`);
}

type RegisterHooks = (hooks: { resolve: typeof pluginHooks.resolve; load: typeof pluginHooks.load }) => void;

const FRAMEWORK = '@packetwalk/framework';

let installed = false;

function installHooks(): void {
  if (installed) return;
  installed = true;
  if ('env' in import.meta) return; // In Vite's module runner, as in tests: it reads TypeScript and resolves imports itself.
  const nativeTypes = Boolean((process.features as { typescript?: unknown }).typescript);
  const { exports } = nodeModule.createRequire(import.meta.url)(`${FRAMEWORK}/package.json`) as { exports: object };
  const data: pluginHooks.PluginHooksData = {
    host: Object.fromEntries(Object.keys(exports).map((key) => [join(FRAMEWORK, key), import.meta.resolve(join(FRAMEWORK, key))])),
    stripTypes: !nativeTypes,
  };
  const { registerHooks } = nodeModule as { registerHooks?: RegisterHooks };
  if (registerHooks === undefined) {
    nodeModule.register(new URL('./plugin-hooks.js', import.meta.url), { data });
  } else {
    pluginHooks.initialize(data);
    // Deno asks the resolve hook about a file's own imports only when there is a load hook too.
    registerHooks({ resolve: pluginHooks.resolve, load: pluginHooks.load });
  }
}

const PLACE = /(?: at )?(?:file:\/\/)?(\/[^():]+):(\d+)(?::(\d+))?\)?$/;

/** `TypeError: x is not a function (plugin.ts:12:7)`: one line, with the first place in the stack that is the plugin's. */
function describe(error: unknown, folder: string): string {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const message = `${error.name}: ${error.message.split('\n', 1)[0]}`;
  for (const line of [message, ...(error.stack ?? '').split('\n')]) {
    const place = PLACE.exec(line);
    if (place === null) continue;
    const [, path, ...position] = place;
    if (isBelow(decodeURI(path), folder) && !isBelow(decodeURI(path), dirname(fileURLToPath(import.meta.url)))) {
      return `${message.replace(PLACE, '')} (${[relative(folder, decodeURI(path)), ...position.filter(Boolean)].join(':')})`;
    }
  }
  return message;
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder + sep);
}
