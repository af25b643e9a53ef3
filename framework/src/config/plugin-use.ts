/** plugin-use.ts — the entries of `plugins:` as a config writes them, bare or with options. */
import type { ConfigPath } from '../errors.ts';
import { entriesOf, isLab, isMapping } from './shape.ts';

/** An entry of `plugins:`. */
export interface PluginUse {
  /** A built-in plugin, a package, or a path that starts with a dot. */
  readonly use: string;
  /** Name of the instance, if the config gives one. */
  readonly as?: string;
  readonly options: object;
  /** Where the entry stands in the router. */
  readonly path: ConfigPath;
}

/** The plugins that a router's config lists. Entries of a wrong shape are left out: the schema tells them. */
export function pluginUses(router: unknown): PluginUse[] {
  expandEntries(router);
  const uses: PluginUse[] = [];
  const list = isMapping(router) && Array.isArray(router.plugins) ? router.plugins : [];
  for (const [i, entry] of list.entries()) {
    if (!isMapping(entry) || typeof entry.use !== 'string' || !isMapping(entry.options)) continue;
    const named = typeof entry.as === 'string' ? { as: entry.as } : {};
    uses.push({ use: entry.use, ...named, options: entry.options, path: ['plugins', i] });
  }
  return uses;
}

/** Writes bare names as `{use, options}`, in place, in a router or in all routers of a lab. */
export function expandPlugins(config: unknown): void {
  if (!isLab(config)) expandEntries(config);
  else for (const [, router] of entriesOf(config.routers)) expandEntries(router);
}

function expandEntries(router: unknown): void {
  if (!isMapping(router) || !Array.isArray(router.plugins)) return;
  for (const [i, entry] of router.plugins.entries()) {
    if (typeof entry === 'string' && entry !== '') router.plugins[i] = { use: entry, options: {} };
    else if (isMapping(entry)) entry.options ??= {};
  }
}
