/**
 * fib.ts — FIB backends against each other and against their peers: DPDK's rte_lpm and rte_fib, npm's
 * longest-prefix-match, Node's net.BlockList, the kernel's trie. Each in its own process; in each round everybody looks
 * up each trace once, so that a busy moment meets all of them; a figure is the median of the rounds, with the least and
 * the most. Time is CPU time. Every answer is checked against a painted table.
 *
 *   npm run bench:fib -- [--json] [--table FILE[.gz]] [--prefixes N] [--lookups N] [--rounds N] [--builds N]
 *                        [--values shared|distinct] [--no-peers]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PaintedFib, type RouteSet, syntheticRoutes, withDistinctValues } from '@packetwalk/framework/testing';
import { spread } from '../median.ts';
import { type Entrant, findPeers, javaScriptEntrant, kernelTriestat } from './peers.ts';
import type { Contestant } from './process.ts';
import { type Figures, type Report, reportText } from './report.ts';
import { readRoutes } from './routes-file.ts';
import { makeTrace, TRACES } from './traces.ts';

const sums = new WeakMap<PaintedFib, Map<string, number>>();
const MODES = ['one', 'batch', 'alone'] as const;
const BACKENDS = ['fib-trie', 'fib-hash', 'fib-dir24'];

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    table: { type: 'string' },
    prefixes: { type: 'string', default: '900000' },
    lookups: { type: 'string', default: String(1 << 20) },
    rounds: { type: 'string', default: '7' },
    builds: { type: 'string', default: '5' },
    values: { type: 'string' },
    'no-peers': { type: 'boolean', default: false },
  },
});
const [lookups, rounds, builds] = [args.lookups, args.rounds, args.builds].map(Number);

const folder = mkdtempSync(join(tmpdir(), 'bench-fib-'));
try {
  const routes = args.table === undefined ? syntheticRoutes(Number(args.prefixes)) : readRoutes(args.table);
  const peers = args['no-peers'] ? { entrants: [], missing: [] } : findPeers();
  const entrants = [...BACKENDS.map((name) => javaScriptEntrant(name)), ...peers.entrants];
  const kinds = (['shared', 'distinct'] as const).filter((kind) => (args.values ?? kind) === kind);
  const report: Report = {
    runtime: 'Deno' in globalThis ? 'Deno' : `Node ${process.version}`,
    table:
      args.table === undefined ? `synthetic, ${routes.count} prefixes` : `${args.table.replace(/^.*\//, '')}, ${routes.count} prefixes`,
    lookups,
    rounds,
    missing: peers.missing,
    kernel: args['no-peers'] ? null : kernelTriestat(routes, folder),
    contests: [],
  };
  for (const kind of kinds) {
    const figures = await contest(kind === 'shared' ? routes : withDistinctValues(routes), entrants);
    report.contests.push({ values: kind, figures });
  }
  console.log(args.json ? JSON.stringify(report, null, 2) : reportText(report));
} finally {
  rmSync(folder, { recursive: true });
}

/** All entrants over one table. */
async function contest(routes: RouteSet, entrants: readonly Entrant[]): Promise<Figures[]> {
  const traces = TRACES.map((name) => makeTrace(name, routes, lookups));
  const painted = new PaintedFib(routes);
  const files = writeFiles(routes, traces);
  const contestants: Contestant[] = [];
  const figures: Figures[] = [];
  for (const entrant of entrants) {
    progress(`building ${entrant.name}`);
    const contestant = entrant.start(files);
    contestants.push(contestant);
    figures.push(await measureBuild(contestant, entrant.lookups < lookups ? 1 : builds));
  }
  for (let round = -1; round < rounds; round++) {
    progress(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`);
    for (const [t, name] of TRACES.entries()) {
      for (const [i, contestant] of contestants.entries()) {
        const count = Math.min(lookups, entrants[i].lookups);
        for (const mode of MODES) {
          const { cpuNs, sum } = await contestant.ask(`${mode} ${t} ${count}`);
          if (cpuNs === undefined) continue;
          const expected = expectedSum(painted, traces[t], count, contestant.name);
          if (sum !== expected) throw new Error(`${contestant.name} on ${name}: answers add up to ${sum}, must be ${expected}`);
          if (round >= 0) add(figures[i], mode, name, cpuNs / count);
        }
      }
    }
  }
  for (const [i, contestant] of contestants.entries()) {
    progress(`changes of ${contestant.name}`);
    await measureRest(contestant, figures[i], builds);
    contestant.close();
  }
  progress('');
  return figures;
}

async function measureBuild(contestant: Contestant, times: number): Promise<Figures> {
  const ns: number[] = [];
  let bytes = 0;
  for (let i = 0; i < times; i++) {
    const answer = await contestant.ask('build');
    if (answer.bytes !== undefined) bytes = answer.bytes;
    if (answer.ns !== undefined) ns.push(answer.ns);
  }
  return { name: contestant.name, bytes, buildMs: ns.length === 0 ? null : spread(ns.map((value) => value / 1e6)), samples: {} };
}

async function measureRest(contestant: Contestant, figures: Figures, times: number): Promise<void> {
  const removes: number[] = [];
  const inserts: number[] = [];
  for (let i = 0; i < times; i++) {
    const { removeNs, addNs, n } = await contestant.ask('churn');
    if (removeNs === undefined || addNs === undefined || n === undefined) break;
    removes.push((n / removeNs) * 1e9);
    inserts.push((n / addNs) * 1e9);
  }
  if (removes.length > 0) figures.changes = { removesPerSecond: spread(removes), insertsPerSecond: spread(inserts) };
  const { average, most } = await contestant.ask('depth');
  if (average !== undefined && most !== undefined) figures.depth = { average, most };
  const { bytes } = await contestant.ask(`garbage 0 ${lookups}`);
  if (bytes !== undefined && figures.name.startsWith('fib-')) figures.garbagePerLookup = Math.max(0, bytes) / lookups;
}

function add(figures: Figures, mode: string, trace: string, ns: number): void {
  const key = `${mode} ${trace}`;
  figures.samples[key] = [...(figures.samples[key] ?? []), ns];
}

/** What all answers of a trace add up to; net.BlockList says only whether there is one. */
function expectedSum(painted: PaintedFib, trace: Int32Array, count: number, name: string): number {
  const key = `${trace[0]} ${count} ${name === 'net.BlockList'}`;
  const known = sums.get(painted)?.get(key);
  if (known !== undefined) return known;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const answer = painted.lookup(trace[i]);
    sum = (sum + (name === 'net.BlockList' ? Number(answer >= 0) : answer)) | 0;
  }
  sums.set(painted, (sums.get(painted) ?? new Map<string, number>()).set(key, sum >>> 0));
  return sum >>> 0;
}

function writeFiles(routes: RouteSet, traces: readonly Int32Array[]): string[] {
  const table = new Int32Array(routes.count * 3);
  for (let i = 0; i < routes.count; i++) table.set([routes.prefixes[i], routes.lengths[i], routes.values[i]], i * 3);
  const files = ['table', ...TRACES].map((name) => join(folder, `${name}.int32`));
  for (const [i, words] of [table, ...traces].entries()) writeFileSync(files[i], words);
  return files;
}

/** One line on the terminal that is written over. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
