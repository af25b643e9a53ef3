/** report.ts — the figures of the FIB benchmark, as tables of text. */
import { type Spread, spread } from '../median.ts';
import { TRACES } from './traces.ts';

/** What was measured of one contestant. */
export interface Figures {
  readonly name: string;
  /** Of the lookup structure; 0: it does not say. */
  readonly bytes: number;
  readonly buildMs: Spread | null;
  /** CPU nanoseconds per lookup, a number per round, by `mode trace`. */
  readonly samples: Record<string, number[]>;
  changes?: { readonly removesPerSecond: Spread; readonly insertsPerSecond: Spread };
  depth?: { readonly average: number; readonly most: number };
  /** Bytes of heap. */
  garbagePerLookup?: number;
}

export interface Report {
  readonly runtime: string;
  readonly table: string;
  readonly lookups: number;
  readonly rounds: number;
  /** Peers that are not here, and what they need. */
  readonly missing: readonly string[];
  readonly kernel: { readonly averageDepth: number; readonly maxDepth: number; readonly bytes: number } | null;
  readonly contests: { readonly values: 'shared' | 'distinct'; readonly figures: readonly Figures[] }[];
}

const MODE_TITLES = {
  one: 'million lookups/s, one call each',
  batch: 'million lookups/s, in batches of 64',
  alone: 'ns per lookup that waits for the one before',
} as const;

export function reportText(report: Report): string {
  const { runtime, table, lookups, rounds, missing, kernel } = report;
  const lines = [`${runtime}; ${table}; ${lookups} lookups a run, ${rounds} rounds: median (least–most)`];
  for (const { values, figures } of report.contests) {
    lines.push('', `== ${values === 'shared' ? 'shared values' : 'a value of its own for each prefix'}`);
    for (const [mode, title] of Object.entries(MODE_TITLES)) lines.push('', ...lookupTable(mode, title, figures));
    lines.push('', ...otherTable(figures));
  }
  if (kernel !== null) {
    const depth = `average depth ${kernel.averageDepth}, most ${kernel.maxDepth}`;
    lines.push('', `kernel fib_triestat: ${depth}, ${megabytes(kernel.bytes)} MB`);
  }
  for (const peer of missing) lines.push(`not here: ${peer}`);
  return lines.join('\n');
}

function lookupTable(mode: string, title: string, figures: readonly Figures[]): string[] {
  const rows = figures.filter((figure) => TRACES.some((trace) => `${mode} ${trace}` in figure.samples));
  const peer = rows.find((figure) => figure.name === 'rte_lpm');
  const cells = rows.map((figure) => [
    figure.name,
    ...TRACES.map((trace) => {
      const ns = figure.samples[`${mode} ${trace}`];
      const reference = peer?.samples[`${mode} ${trace}`];
      const ratio = reference === undefined ? '' : `  ×${(spread(reference).median / spread(ns).median).toFixed(2)}`;
      return spreadOf(mode === 'alone' ? ns : ns.map((value) => 1e3 / value)) + ratio;
    }),
  ]);
  return align([[title, ...TRACES], ...cells]);
}

function otherTable(figures: readonly Figures[]): string[] {
  const rows = figures.map(({ name, bytes, buildMs, changes, depth, garbagePerLookup }) => [
    name,
    bytes === 0 ? '' : megabytes(bytes),
    buildMs === null ? '' : spreadText(buildMs, 0),
    changes === undefined ? '' : spreadText(scale(changes.insertsPerSecond, 1e-3), 0),
    changes === undefined ? '' : spreadText(scale(changes.removesPerSecond, 1e-3), 0),
    depth === undefined ? '' : `${depth.average.toFixed(2)}, ${depth.most}`,
    garbagePerLookup === undefined ? '' : garbagePerLookup.toFixed(3),
  ]);
  return align([['', 'MB', 'build ms', 'thousand inserts/s', 'removes/s', 'depth, most', 'heap bytes/lookup'], ...rows]);
}

function spreadOf(values: readonly number[]): string {
  return spreadText(spread(values), spread(values).median < 10 ? 2 : 1);
}

function spreadText({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

function scale({ median, min, max }: Spread, factor: number): Spread {
  return { median: median * factor, min: min * factor, max: max * factor };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
}
