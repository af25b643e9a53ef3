/** test-scenarios.ts — `packetwalk test FILE...`: plays scenarios in virtual time and says where a router did otherwise. */
import { readFileSync, writeFileSync } from 'node:fs';
import { BufferIo, ConfigError, formatPath, type Router, suggestion } from '@packetwalk/framework';
import { compareRuns, type RunRecord, reportDifferences } from '@packetwalk/framework/testing';
import { jsonLine } from './json-lines.ts';
import { UnusableConfig } from './load-config.ts';
import type { Invocation } from './main.ts';
import { openIpsec } from './open-ipsec.ts';
import { Progress } from './progress.ts';
import { playScenario, ScenarioRunError } from './scenario.ts';
import { parseScenario, ScenarioError, type ScenarioFile } from './scenario-file.ts';
import { scenarioRouter } from './scenario-router.ts';

const USAGE = `Usage: packetwalk test [ --update ] [ --json ] FILE...
Plays each scenario in virtual time and compares what came out with what it expects.
--update writes what came out into the files instead; --json prints an object a line, one for each file.
"-" is standard input.
Exit status: 0 all as expected, 1 something differs, 2 a file cannot be used.
`;

/** What a router counted: `stats --json --all`. */
interface Stats {
  readonly devices: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly drops: Readonly<Record<string, number>>;
}

export async function testScenarios({ args }: Invocation): Promise<number> {
  const files = args.filter((arg) => !arg.startsWith('-') || arg === '-');
  const options = args.filter((arg) => arg.startsWith('-') && arg !== '-');
  if (options.includes('-h') || options.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (files.length === 0 || options.some((option) => option !== '--update' && option !== '--json')) {
    process.stderr.write(USAGE);
    return 2;
  }
  const counts = { passed: 0, failed: 0, unusable: 0 };
  const json = options.includes('--json');
  const progress = new Progress();
  for (const [i, path] of files.entries()) {
    progress.update(i / files.length, `${i} of ${files.length}: ${path}`);
    const tested = await testFile(path, options.includes('--update'));
    counts[tested.result]++;
    progress.clear();
    if (json) jsonLine({ file: path, ...tested });
    else show(path, tested);
  }
  if (json) {
    jsonLine(counts);
    return counts.unusable > 0 ? 2 : counts.failed > 0 ? 1 : 0;
  }
  const unusable = counts.unusable === 0 ? '' : `, ${counts.unusable} unusable`;
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${unusable}\n`);
  return counts.unusable > 0 ? 2 : counts.failed > 0 ? 1 : 0;
}

/** What became of a file: `report` says where it failed, or why it cannot be used. */
interface Tested {
  readonly result: 'passed' | 'failed' | 'unusable';
  readonly about?: string;
  readonly written?: true;
  readonly report?: string;
}

async function testFile(path: string, update: boolean): Promise<Tested> {
  try {
    const file = parseScenario(readFileSync(path === '-' ? 0 : path, 'utf8'), path);
    const { records, stats } = await play(file, path);
    if (update) {
      writeFileSync(path === '-' ? 1 : path, file.rewrite(records));
      return { result: 'passed', written: true };
    }
    const report = differences(file, records, stats);
    const { about } = file.scenario;
    return report === '' ? { result: 'passed', about } : { result: 'failed', about, report };
  } catch (error) {
    if (error instanceof ScenarioRunError) return { result: 'failed', report: error.message };
    return { result: 'unusable', report: unusable(error, path) };
  }
}

function show(path: string, { result, about, written, report = '' }: Tested): void {
  if (result === 'unusable') process.stderr.write(`${report}\n`);
  else if (result === 'failed') process.stdout.write(`FAILED ${path}${about === undefined ? '' : `: ${about}`}\n${indented(report)}\n`);
  else if (written !== true) process.stdout.write(`ok     ${path}\n`);
  else if (path !== '-') process.stdout.write(`${path}: written\n`);
}

async function play(file: ScenarioFile, path: string): Promise<{ records: RunRecord[]; stats: Stats }> {
  let stats: Stats = { devices: {}, counters: {}, drops: {} };
  const inspect = (router: Router): void => {
    const io = new BufferIo();
    void router.commands.run(['stats', '--json', '--all'], io);
    stats = JSON.parse(io.stdout) as Stats;
  };
  const records = await playScenario(file.scenario, { ...(await scenarioRouter(file, path)), inspect });
  return { records, stats };
}

/** Why a file cannot be used, a line for each reason. Rethrows what is a fault of this program. */
function unusable(error: unknown, path: string): string {
  if (error instanceof ScenarioError || error instanceof UnusableConfig) return error.message;
  if (error instanceof ConfigError) return error.issues.map((i) => `${path}: ${formatPath(i.path)}: ${i.message}`).join('\n');
  if (error instanceof Error && 'syscall' in error) return `${path}: ${error.message}`;
  throw error;
}

function differences({ scenario, expect, drops, counters }: ScenarioFile, records: readonly RunRecord[], stats: Stats): string {
  const found = compareRuns(expect, records, scenario, openIpsec);
  const packets = reportDifferences(expect, records, scenario, found, openIpsec);
  const dropped = Object.fromEntries(Object.entries(stats.drops).filter(([, count]) => count > 0));
  return [
    packets,
    drops === undefined ? '' : numbers('drops', drops, dropped),
    numbers('counters', counters, pick(stats, Object.keys(counters))),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** Counters by `group.name`; those of a device by its name. */
function pick({ devices, counters }: Stats, names: readonly string[]): Record<string, number | string> {
  const all = new Map(
    [...Object.entries(counters), ...Object.entries(devices)].flatMap(([group, values]) =>
      Object.entries(values).map(([name, value]): [string, number] => [`${group}.${name}`, value]),
    ),
  );
  return Object.fromEntries(names.map((name) => [name, all.get(name) ?? `no such counter${suggestion(name, all.keys())}`]));
}

/** Numbers that are not as wanted, as a diff; those not wanted at all count as 0. */
function numbers(title: string, want: Readonly<Record<string, number>>, got: Readonly<Record<string, number | string>>): string {
  const lines: string[] = [];
  for (const name of [...new Set([...Object.keys(want), ...Object.keys(got)])].sort()) {
    const [wanted, was] = [want[name] ?? 0, got[name] ?? 0];
    if (wanted !== was) lines.push(`  - ${name}: ${wanted}`, `  + ${name}: ${was}`);
  }
  return lines.length === 0 ? '' : [`${title}:`, ...lines].join('\n');
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
