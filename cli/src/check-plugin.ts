/**
 * check-plugin.ts — is this a plugin? What a file exports by default, held against the contract of plugin.ts: a plugin
 * in JavaScript has had no type checker.
 */

/** What is wrong with the value, as a phrase to follow the plugin's name; null when it is a plugin. */
export function checkPlugin(value: unknown): string | null {
  if (value === undefined) return 'has no default export';
  if (typeof value !== 'object' || value === null) return `must export an object by default, not ${typeName(value)}`;
  const plugin = value as Record<string, unknown>;
  if (typeof plugin.name !== 'string') return 'has no name: the default export needs one';
  if (!/^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/.test(plugin.name)) {
    return `is named ${JSON.stringify(plugin.name)}: a name is letters, digits and hyphens`;
  }
  if (typeof plugin.setup !== 'function') return 'has no setup function';
  for (const key of ['provides', 'requires', 'optional']) {
    const tokens = plugin[key];
    if (tokens !== undefined && !(Array.isArray(tokens) && tokens.every(isToken))) return `is no plugin: ${key} must be a list of tokens`;
  }
  if (plugin.counters !== undefined && !(Array.isArray(plugin.counters) && plugin.counters.every((name) => typeof name === 'string'))) {
    return 'is no plugin: counters must be a list of names';
  }
  if (plugin.schema !== undefined && !isRecord(plugin.schema)) return 'is no plugin: schema must be a JSON Schema object';
  if (plugin.sections !== undefined && !(isRecord(plugin.sections) && Object.values(plugin.sections).every(isRecord))) {
    return 'is no plugin: sections must map keys to JSON Schema objects';
  }
  return null;
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isToken(value: unknown): boolean {
  return isRecord(value) && typeof (value as { key?: unknown }).key === 'symbol';
}

function typeName(value: unknown): string {
  return value === null ? 'null' : `a ${typeof value}`;
}
