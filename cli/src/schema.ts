/** schema.ts — `packetwalk schema [CONFIG]`: the JSON Schema of configs, for editors: of all built-in plugins, or of one config's. */
import {
  composeSchema,
  type Plugin,
  type PluginInstance,
  parseConfig,
  planConfig,
  registeredDrivers,
  type SchemaObject,
} from '@packetwalk/framework';
import { readConfigText, UnusableConfig } from './load-config.ts';
import { BUILT_IN_PLUGINS, loadPlugin } from './load-plugin.ts';
import type { Invocation } from './main.ts';

const USAGE = `Usage: packetwalk schema [ --json ] [ CONFIG ]
Writes the JSON Schema of configs to standard output: of what CONFIG's plugins understand, third-party ones included, or of
everything built in; "-" is standard input, --json writes one line. Name the file in the first line of a config and editors complete it:
  # yaml-language-server: $schema=FILE
`;

export async function schema({ args }: Invocation): Promise<number> {
  if (args.includes('-h') || args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const json = args.includes('--json');
  const files = args.filter((arg) => arg !== '--json');
  if (files.length > 1 || /^-./.test(files[0] ?? '')) {
    process.stderr.write(USAGE);
    return 2;
  }
  try {
    const found = files.length === 0 ? await builtInSchema() : await configSchema(files[0]);
    process.stdout.write(`${JSON.stringify(found, null, json ? 0 : 2)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UnusableConfig)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

/** The schema of a config made of any built-in plugins. */
export async function builtInSchema(): Promise<SchemaObject> {
  const plugins = new Map<string, Plugin>();
  for (const name of Object.keys(BUILT_IN_PLUGINS)) plugins.set(name, await loadPlugin(name, '.'));
  const instances: PluginInstance[] = [...plugins].map(([id, plugin]) => ({ id, plugin, options: {} }));
  // All backends are loaded here, so that one must be chosen; which makes no difference to the schema.
  const drivers = registeredDrivers(instances, { fib: { backend: 'fib-trie' } });
  const sections = Object.assign({}, ...[...plugins.values()].map((plugin) => plugin.sections)) as Record<string, SchemaObject>;
  return composeSchema({ plugins, sections, ...(drivers === null ? {} : { drivers }) });
}

/** The schema of what a config's own plugins understand. Mistakes elsewhere in it do not matter. */
async function configSchema(file: string): Promise<SchemaObject> {
  const doc = parseConfig(readConfigText(file), file);
  const { plan, issues } = await planConfig(doc, { load: (use) => loadPlugin(use, file), baseDir: '.', name: file });
  if (plan === null)
    throw new UnusableConfig(
      doc
        .sort(issues)
        .map((i) => doc.format(i))
        .join('\n'),
    );
  return plan.schema;
}
