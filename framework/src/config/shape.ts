/** shape.ts — looking into a config that may still be of any shape. */

export type Mapping = Record<string, unknown>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Keys and values of a map; nothing for anything else. */
export function entriesOf(value: unknown): [string, unknown][] {
  return isMapping(value) ? Object.entries(value) : [];
}

/** Indexes and entries of a list; nothing for anything else. */
export function itemsOf(value: unknown): [number, unknown][] {
  return Array.isArray(value) ? [...value.entries()] : [];
}

/** The config is a lab's, not a single router's. */
export function isLab(config: unknown): config is Mapping {
  return isMapping(config) && ('routers' in config || 'links' in config);
}
