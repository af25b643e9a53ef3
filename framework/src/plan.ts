/**
 * plan.ts — from a parsed config to what is to be built: plugins are loaded, everything is checked, nothing is opened.
 * All that is wrong is found before anything starts, and told at once.
 */
import type { ConfigDocument } from './config/document.ts';
import { pluginUses } from './config/plugin-use.ts';
import { composeSchema, type Link, type SchemaParts, type ScriptStep } from './config/schema.ts';
import { isLab } from './config/shape.ts';
import { validateConfig } from './config/validate.ts';
import type { ConfigIssue, ConfigPath } from './errors.ts';
import type { Plugin, SchemaObject } from './plugin.ts';
import type { PluginInstance } from './plugin-order.ts';
import type { RouterConfig } from './router.ts';
import { registeredDrivers } from './router.ts';

/** Finds a plugin by what `plugins:` says; throws an Error with one line when it cannot. */
export type PluginLoader = (use: string) => Promise<Plugin>;

/** One router to be built. */
export interface RouterPlan {
  readonly name: string;
  /** Where its config stands in the file. */
  readonly path: ConfigPath;
  readonly config: RouterConfig;
  readonly plugins: readonly PluginInstance[];
}

/** A file's worth of routers. */
export interface Plan {
  readonly doc: ConfigDocument;
  /** Name of the instance: the router's, or the file's for a lab. */
  readonly name: string;
  /** Folder that relative paths of the config start at. */
  readonly baseDir: string;
  readonly routers: readonly RouterPlan[];
  readonly links: readonly Link[];
  readonly script: readonly ScriptStep[];
  /** JSON Schema of this config, with what its plugins add. */
  readonly schema: SchemaObject;
}

/** Options of {@link planConfig} besides the document. */
export interface PlanOptions {
  readonly load: PluginLoader;
  readonly baseDir: string;
  /** Name of the router when the file holds a single one without `hostname`. */
  readonly name: string;
}

interface LoadedRouter {
  readonly name: string;
  readonly path: ConfigPath;
  readonly config: RouterConfig;
  readonly uses: ReturnType<typeof pluginUses>;
  readonly plugins: (Plugin | null)[];
}

/** What planning found: a plan as far as there can be one, and what is wrong with the config. */
export interface Planned {
  /** Null when the text cannot be read or a plugin is missing. With issues, it is only good to look for more of them. */
  readonly plan: Plan | null;
  readonly issues: readonly ConfigIssue[];
}

/** Loads the plugins of a config and checks it against their schemas. */
export async function planConfig(doc: ConfigDocument, options: PlanOptions): Promise<Planned> {
  const { value } = doc;
  const lab = isLab(value);
  if (doc.issues.length > 0) return { plan: null, issues: doc.issues };
  const issues: ConfigIssue[] = [];
  const loaded: LoadedRouter[] = [];
  const routers = lab ? Object.entries((value as { routers?: object }).routers ?? {}) : [[routerName(value, options.name), value]];
  for (const [name, router] of routers as [string, unknown][]) {
    const path: ConfigPath = lab ? ['routers', name] : [];
    const uses = pluginUses(router);
    loaded.push({ name, path, config: (router ?? {}) as RouterConfig, uses, plugins: await loadAll(uses, path, options.load, issues) });
  }
  const parts = new Map(loaded.map((r) => [r.name, schemaParts(r)]));
  const schema = lab ? composeSchema({ routers: parts }) : composeSchema(parts.get(loaded[0].name));
  issues.push(...validateConfig(doc, schema));
  if (loaded.some((r) => r.plugins.includes(null)) || loaded.length === 0) return { plan: null, issues };
  const top = value as { links?: Link[]; script?: ScriptStep[] };
  const plan: Plan = {
    doc,
    name: lab ? options.name : loaded[0].name,
    baseDir: options.baseDir,
    links: top.links ?? [],
    script: top.script ?? [],
    schema,
    routers: loaded.map((r) => ({ name: r.name, path: r.path, config: r.config, plugins: instances(r) })),
  };
  return { plan, issues };
}

function routerName(value: unknown, fallback: string): string {
  const name = (value as { hostname?: unknown } | null)?.hostname;
  return typeof name === 'string' ? name : fallback;
}

async function loadAll(
  uses: LoadedRouter['uses'],
  path: ConfigPath,
  load: PluginLoader,
  issues: ConfigIssue[],
): Promise<(Plugin | null)[]> {
  const plugins: (Plugin | null)[] = [];
  for (const use of uses) {
    try {
      plugins.push(await load(use.use));
    } catch (error) {
      plugins.push(null);
      issues.push({ code: 'plugin', path: [...path, ...use.path], message: error instanceof Error ? error.message : String(error) });
    }
  }
  return plugins;
}

/** Instances with the options as they stand in the config: read after the schema has filled in defaults. */
function instances({ uses, plugins }: LoadedRouter): PluginInstance[] {
  return plugins.flatMap((plugin, i) =>
    plugin === null ? [] : [{ id: uses[i].as ?? plugin.name, plugin, options: uses[i].options, use: uses[i].use }],
  );
}

/** What the schema of this router may contain. With a plugin missing, unknown keys could be its own: they are let pass. */
function schemaParts(router: LoadedRouter): SchemaParts {
  const named = router.uses.flatMap(({ use }, i): [string, Plugin][] => {
    const plugin = router.plugins[i];
    return plugin === null ? [] : [[use, plugin]];
  });
  const plugins = new Map(named);
  if (router.plugins.includes(null)) return {};
  const sections: Record<string, SchemaObject> = {};
  for (const plugin of plugins.values()) Object.assign(sections, plugin.sections);
  const drivers = registeredDrivers(instances(router), router.config);
  return { plugins, sections, ...(drivers === null ? {} : { drivers }) };
}
