/**
 * Each scenario twice: through the kernel of this machine, and through Packetwalk. What leaves the ports must be the same
 * byte for byte. Needs root and network namespaces.
 */
import { setPriority } from 'node:os';
import { beforeAll, describe, expect, it } from 'vitest';
import { playScenario } from '../../cli/src/scenario.ts';
import { scenarioPlugins } from '../../cli/src/scenario-plugins.ts';
import { compareRuns } from '../../framework/src/testing/judge.ts';
import { reportDifferences } from '../../framework/src/testing/judge-report.ts';
import type { RunRecord } from '../../framework/src/testing/scenario.ts';
import { DIFFERS, isBuilt, readScenario, scenarioNames } from './corpus.ts';
import { playLive } from './live.ts';

/** Most of a live run is waiting; more at a time than this make each other late. */
const AT_A_TIME = 4;

/** A run on a busy machine is done again, and the longest scenario takes ten seconds. */
const TIMEOUT_MS = 240_000;

/** These runs must keep the time whatever else the machine does: niceness, as setpriority(2) has it. */
const NICENESS = -10;

const isRoot = process.getuid?.() === 0;
const scenarios = scenarioNames()
  .filter(isBuilt)
  .map((name) => readScenario(name))
  .filter(({ needs }) => needs.length === 0);

let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running === AT_A_TIME) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

describe.skipIf(!isRoot).concurrent('the kernel of this machine, live (root)', () => {
  /** Packetwalk's runs come first: computing would make the live ones late. */
  const played = new Map<string, Promise<RunRecord[]>>();

  beforeAll(async () => {
    const plugins = await scenarioPlugins();
    for (const { scenario } of scenarios) played.set(scenario.name, playScenario(scenario, { plugins }));
    await Promise.allSettled(played.values());
    setPriority(NICENESS);
  }, TIMEOUT_MS);

  for (const { scenario } of scenarios) {
    const test = scenario.name in DIFFERS ? it.fails : it;
    test(
      scenario.name,
      async () => {
        const want = await inTurn(() => playLive(scenario));
        const got = (await played.get(scenario.name)) as RunRecord[];
        expect(reportDifferences(want, got, scenario, compareRuns(want, got, scenario))).toBe('');
      },
      TIMEOUT_MS,
    );
  }
});
