/** metrics.ts — named counters. A counter is a slot of a Float64Array: exact to 2^53, no boxing on the path. */

/** The counters of one plugin or layer. */
export interface CounterGroup {
  readonly name: string;
  readonly names: readonly string[];
  readonly values: Float64Array;
}

export class Metrics {
  private readonly groups = new Map<string, CounterGroup>();

  /** Makes a group; the array's slots follow `names`. */
  group(name: string, names: readonly string[]): CounterGroup {
    const group = { name, names, values: new Float64Array(names.length) };
    this.groups.set(name, group);
    return group;
  }

  remove(name: string): void {
    this.groups.delete(name);
  }

  all(): Iterable<CounterGroup> {
    return this.groups.values();
  }
}
