/**
 * plugin-reference.ts — `npm run docs`: writes the end of each plugin's README from what the plugin itself declares and
 * registers; what stands above the mark is left alone. And the manual page, and the schema that editors complete configs by.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import {
  type Command,
  type Driver,
  type FibBackendFactory,
  type LinkKind,
  type Plugin,
  type PluginContext,
  Router,
  type SchemaObject,
  SeededRandom,
  Softirq,
  silentLog,
  type Token,
  Tracer,
  VirtualClock,
} from '@packetwalk/framework';
import { BUILT_IN_PLUGINS, loadPlugin } from '../cli/src/load-plugin.ts';
import { builtInSchema } from '../cli/src/schema.ts';
import { version } from '../cli/src/version.ts';
import { manPage } from './man-page.ts';

const MARK = '<!-- From here on made by `npm run docs`. -->';

/** What a plugin registers when it is set up. */
interface Registered {
  readonly commands: Command[];
  readonly drivers: Driver[];
  readonly kinds: LinkKind[];
  readonly backends: FibBackendFactory[];
  readonly sysctls: string[];
  readonly reasons: [name: string, text: string][];
}

/** The plugin, with a note taken of what it registers. */
function noted(plugin: Plugin, notes: Registered): Plugin {
  return {
    ...plugin,
    setup(ctx, options) {
      const noting: PluginContext = Object.assign(Object.create(ctx) as PluginContext, {
        command: note(notes.commands, (command: Command) => ctx.command(command)),
        driver: note(notes.drivers, (driver: Driver) => ctx.driver(driver)),
        linkKind: note(notes.kinds, (kind: LinkKind) => ctx.linkKind(kind)),
        fibBackend: note(notes.backends, (factory: FibBackendFactory) => ctx.fibBackend(factory)),
      });
      noting.sysctl = (def) => {
        notes.sysctls.push(def.name);
        ctx.sysctl(def);
      };
      noting.dropReason = (name, text) => {
        notes.reasons.push([name, text]);
        return ctx.dropReason(name, text);
      };
      return plugin.setup(noting, options);
    },
  };
}

function note<T>(list: T[], register: (item: T) => void): (item: T) => void {
  return (item) => {
    list.push(item);
    register(item);
  };
}

/** Sets all plugins up in one router without devices. */
function registerAll(plugins: readonly Plugin[]): Map<string, Registered> {
  const all = new Map(
    plugins.map((plugin) => [plugin.name, { commands: [], drivers: [], kinds: [], backends: [], sysctls: [], reasons: [] }]),
  );
  const router = new Router({
    name: 'reference',
    softirq: new Softirq(new VirtualClock(), new SeededRandom(1), silentLog),
    tracer: new Tracer(),
    log: silentLog,
    plugins: plugins.map((plugin) => ({ id: plugin.name, plugin: noted(plugin, all.get(plugin.name) as Registered), options: {} })),
    config: { fib: { backend: 'fib-hash' } },
    baseDir: '.',
    dry: true,
  });
  router.dispose();
  return all;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`### ${title}`, '', ...lines, ''];
}

const code = (text: string): string => `\`${text}\``;

function type(schema: SchemaObject): string {
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => code(String(value))).join(', ');
  const { minimum: min, maximum: max } = schema as { minimum?: number; maximum?: number };
  const range = min === undefined && max === undefined ? '' : ` ${min ?? ''}…${max ?? ''}`;
  return `${[schema.type ?? 'any'].flat().join(' or ')}${range}`;
}

/** A table of an object schema's properties; nothing when it has none. */
function properties(schema: SchemaObject | undefined): string[] {
  const rows = Object.entries((schema?.properties ?? {}) as Record<string, SchemaObject>).map(([name, value]) => {
    const preset = value.default === undefined ? '' : code(JSON.stringify(value.default));
    return `| ${code(name)} | ${type(value)} | ${preset} | ${value.description ?? ''} |`;
  });
  return rows.length === 0 ? [] : ['| Key | Value | Default | Meaning |', '| --- | --- | --- | --- |', ...rows];
}

function services(plugin: Plugin): string[] {
  const list = (words: string, tokens: readonly Token<unknown>[] = []): string[] =>
    tokens.length === 0 ? [] : [`- ${words} ${tokens.map((token) => code(token.name)).join(', ')}`];
  return [...list('provides', plugin.provides), ...list('needs', plugin.requires), ...list('uses, when there', plugin.optional)];
}

function reference(plugin: Plugin, registered: Registered): string {
  const { commands, drivers, kinds, backends, sysctls, reasons } = registered;
  const sections = Object.entries(plugin.sections ?? {});
  return [
    MARK,
    '',
    '## Reference',
    '',
    ...section('Options', properties(plugin.schema)),
    ...section(
      'Keys of the config',
      sections.map(([key, schema]) => `- ${code(key)}: ${schema.description ?? type(schema)}`),
    ),
    ...drivers.flatMap((driver) =>
      section(`Driver ${code(driver.name)}`, driver.schema ? properties(driver.schema) : ['No keys of its own.']),
    ),
    ...section(
      'Kinds of `ip link add`',
      kinds.map(({ kind }) => `- ${code(kind)}`),
    ),
    ...section(
      'FIB backends',
      backends.map(({ name }) => `- ${code(name)}`),
    ),
    ...section(
      'Commands',
      commands.map(({ name, summary }) => `- ${code(name)}: ${summary}`),
    ),
    ...section('Settings', sysctls.length === 0 ? [] : [`${sysctls.sort().map(code).join(', ')}`]),
    ...section(
      'Counters',
      (plugin.counters ?? []).map((name) => `- ${code(name)}`),
    ),
    ...section(
      'Drop reasons',
      reasons.map(([name, text]) => `- ${code(name)}: ${text}`),
    ),
    ...section('Services', services(plugin)),
  ]
    .join('\n')
    .trimEnd();
}

const plugins = await Promise.all(Object.keys(BUILT_IN_PLUGINS).map((name) => loadPlugin(name, 'reference.yaml')));
const all = registerAll(plugins);
for (const [name, registered] of all) {
  const folder = new URL(`../plugins/${name}/`, import.meta.url);
  const readme = new URL('README.md', folder);
  const { description } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { description: string };
  const text = existsSync(readme) ? readFileSync(readme, 'utf8') : `# ${name}\n\n${description}.\n`;
  const own = text.split(MARK, 1)[0].trimEnd();
  const plugin = plugins.find((p) => p.name === name) as Plugin;
  writeFileSync(readme, `${own}\n\n${reference(plugin, registered)}\n`);
}

const write = (path: string, text: string): void => {
  const file = new URL(`../${path}`, import.meta.url);
  mkdirSync(new URL('.', file), { recursive: true });
  writeFileSync(file, text);
};
write(
  'cli/man/packetwalk.1',
  manPage(
    [...all.values()].flatMap(({ commands }) => commands),
    version(),
  ),
);
write('framework/schema/packetwalk.schema.json', `${JSON.stringify(await builtInSchema(), null, 2)}\n`);
