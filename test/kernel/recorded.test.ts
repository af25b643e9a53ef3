/** What the Linux kernel was recorded to do, and Packetwalk does. Needs no root: the kernel's answers are in scenarios/. */
import { describe, expect, it } from 'vitest';
import { playScenario, ScenarioRunError } from '../../cli/src/scenario.ts';
import { scenarioPlugins } from '../../cli/src/scenario-plugins.ts';
import { compareRuns } from '../../framework/src/testing/judge.ts';
import { reportDifferences } from '../../framework/src/testing/judge-report.ts';
import { DIFFERS, isBuilt, readScenario, scenarioNames } from './corpus.ts';

describe.each(['fib-trie', 'fib-hash'])('with %s', (fib) => {
  for (const name of scenarioNames().filter(isBuilt)) {
    const test = name in DIFFERS ? it.fails : it;
    test(name, async () => {
      const { scenario, expect: want } = readScenario(name);
      const got = await playScenario(scenario, { plugins: await scenarioPlugins(fib) });
      expect(reportDifferences(want, got, scenario, compareRuns(want, got, scenario))).toBe('');
    });
  }
});

describe('what is not built yet', () => {
  const missing = scenarioNames().filter((name) => !isBuilt(name));
  it.runIf(missing.length > 0).each(missing)('ends %s, and is not passed over in silence', async (name) => {
    const { scenario } = readScenario(name);
    const run = playScenario(scenario, { plugins: await scenarioPlugins() });
    await expect(run).rejects.toThrow(ScenarioRunError);
  });
});
