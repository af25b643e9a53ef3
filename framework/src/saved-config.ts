/**
 * saved-config.ts — a running router as the config that makes it again: what `packetwalk save` prints.
 *
 *      the config it was made from ─▶ devices as they are ─▶ each plugin's onSave ─▶ settings that differ ─▶ YAML
 *
 * A plugin writes its sections; for what no section can say there are the command lines of `setup:`.
 */
import { Document, isMap, isScalar, isSeq, type Node, Scalar } from 'yaml';
import { CommandError } from './errors.ts';
import type { DeviceConfig } from './plugin.ts';
import type { PluginInstance } from './plugin-order.ts';
import type { SysctlDef, SysctlTree } from './sysctl.ts';

/** A config being written. The keys are a router's; each plugin has sections of its own. */
export interface SavedConfig {
  hostname?: string;
  plugins: unknown[];
  devices: Record<string, SavedDevice>;
  sysctl: Record<string, string | number>;
  /** Command lines that are run last. */
  setup: string[];
  [section: string]: unknown;
}

/** A device as `devices:` has it, with its driver's own keys. */
export type SavedDevice = { -readonly [K in keyof Omit<DeviceConfig, 'name' | 'addresses'>]: DeviceConfig[K] } & {
  addresses?: string[];
  [key: string]: unknown;
};

/** The entries of `plugins:`; options that are the default anyway are left out. */
export function savedPlugins(plugins: readonly PluginInstance[]): unknown[] {
  return plugins.map(({ id, plugin, options, use = plugin.name }) => {
    const properties = (plugin.schema?.properties ?? {}) as Record<string, { default?: unknown }>;
    const own = Object.entries(options).filter(([key, value]) => JSON.stringify(properties[key]?.default) !== JSON.stringify(value));
    if (own.length === 0 && id === plugin.name) return use;
    return { use, ...(id === plugin.name ? {} : { as: id }), ...(own.length === 0 ? {} : { options: Object.fromEntries(own) }) };
  });
}

/** Settings that a wide one writes come behind it. */
const WIDE_FIRST: readonly RegExp[] = [/^net\.ipv4\.ip_forward$/, /\.all\./, /\.default\./];

function width(name: string): number {
  const at = WIDE_FIRST.findIndex((wide) => wide.test(name));
  return at < 0 ? WIDE_FIRST.length : at;
}

/** The writes, in order, that make the settings of `fresh` those of `now`; `fresh` has them afterwards. */
export function changedSettings(now: SysctlTree, fresh: SysctlTree): Record<string, string | number> {
  const changed: Record<string, string | number> = {};
  const names = now.names().sort((a, b) => width(a) - width(b));
  for (const name of names) {
    const def = fresh.find(name);
    const value = settingValue(now.find(name));
    if (def?.set === undefined || value === null || settingValue(def) === value) continue;
    def.set(value);
    changed[name] = /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  }
  return changed;
}

/** What a setting reads, or null when it cannot be both read and written. */
function settingValue(def: SysctlDef | undefined): string | null {
  if (def?.set === undefined) return null;
  try {
    return String(def.get());
  } catch (error) {
    if (error instanceof CommandError) return null;
    throw error;
  }
}

/** The config as a text: maps and lists that fit a line are on one. */
export function savedConfigText(config: object): string {
  const doc = new Document(withoutEmpty(config));
  layOut(doc.contents as Node, 0);
  return doc.toString({ lineWidth: LINE_WIDTH, flowCollectionPadding: false });
}

const LINE_WIDTH = 120;

function withoutEmpty(config: object): object {
  const isEmpty = (value: unknown): boolean =>
    value === undefined || value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(config).filter(([key, value]) => key === 'plugins' || !isEmpty(value)));
}

/** Sets what is small and deep on one line, and texts of several lines as literal blocks. */
function layOut(node: Node | null, depth: number): void {
  if (isScalar(node)) {
    if (typeof node.value === 'string' && node.value.includes('\n')) node.type = Scalar.BLOCK_LITERAL;
  } else if (isSeq(node)) {
    const short = node.items.every((item) => isScalar(item) && !/[\n]/.test(String(item.value)));
    node.flow = short && node.items.join(', ').length < LINE_WIDTH - 20 && node.items.every((item) => !String(item).includes(' '));
    for (const item of node.items) layOut(item as Node, depth + 1);
  } else if (isMap(node)) {
    const text = JSON.stringify(node);
    node.flow = depth > 1 && text.length < LINE_WIDTH && !text.includes('\\n');
    for (const pair of node.items) layOut(pair.value as Node | null, depth + 1);
  }
}
