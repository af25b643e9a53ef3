/** plugin-order.ts — who is set up before whom: providers first, otherwise as the config lists them. */
import type { Plugin } from './plugin.ts';
import type { Token } from './token.ts';

/** A plugin as the config uses it. */
export interface PluginInstance {
  /** The plugin's name, or `as:` of the config. */
  readonly id: string;
  readonly plugin: Plugin;
  readonly options: object;
  /** What the config calls the plugin; its name unless told. */
  readonly use?: string;
}

/** Why there is no order. */
export interface OrderProblem {
  readonly instance: PluginInstance;
  readonly message: string;
}

/**
 * Sorts instances so that each comes behind the providers of what it requires or may use.
 * @param given keys of tokens that are there without any plugin: registries, to which several plugins may add
 */
export function orderPlugins(
  instances: readonly PluginInstance[],
  given: ReadonlySet<symbol>,
): { order: PluginInstance[]; problems: OrderProblem[] } {
  const problems: OrderProblem[] = [];
  const providers = new Map<symbol, PluginInstance[]>();
  for (const instance of instances) {
    for (const t of instance.plugin.provides ?? []) {
      const others = providers.get(t.key) ?? [];
      if (others.length > 0 && !given.has(t.key)) {
        problems.push({ instance, message: `plugins ${others[0].id} and ${instance.id} both provide ${t.name}` });
      }
      providers.set(t.key, [...others, instance]);
    }
  }
  for (const instance of instances) {
    for (const t of instance.plugin.requires ?? []) {
      if (!providers.has(t.key) && !given.has(t.key)) {
        problems.push({ instance, message: `plugin ${instance.id} needs ${t.name}, which no plugin of this router provides` });
      }
    }
  }
  const before = (instance: PluginInstance): PluginInstance[] => {
    const wanted: readonly Token<unknown>[] = [...(instance.plugin.requires ?? []), ...(instance.plugin.optional ?? [])];
    return wanted.flatMap((t) => providers.get(t.key) ?? []).filter((p) => p !== instance);
  };
  const order: PluginInstance[] = [];
  const state = new Map<PluginInstance, 'open' | 'done'>();
  const visit = (instance: PluginInstance, path: PluginInstance[]): void => {
    if (state.get(instance) === 'done') return;
    if (state.get(instance) === 'open') {
      const circle = [...path.slice(path.indexOf(instance)), instance].map((p) => p.id).join(' → ');
      problems.push({ instance, message: `plugins need each other in a circle: ${circle}` });
      return;
    }
    state.set(instance, 'open');
    for (const p of before(instance)) visit(p, [...path, instance]);
    state.set(instance, 'done');
    order.push(instance);
  };
  for (const instance of instances) visit(instance, []);
  return { order, problems };
}
