/** What the Linux kernel was recorded to do, and Packetwalk does. Needs no root: the kernel's answers are in scenarios/. */
import { describe, expect, it } from 'vitest';
import { openIpsec } from '../../cli/src/open-ipsec.ts';
import { playScenario, ScenarioRunError } from '../../cli/src/scenario.ts';
import { scenarioPlugins } from '../../cli/src/scenario-plugins.ts';
import { compareRuns } from '../../framework/src/testing/judge.ts';
import { reportDifferences } from '../../framework/src/testing/judge-report.ts';
import type { RunRecord } from '../../framework/src/testing/scenario.ts';
import { DIFFERS, isBuilt, readScenario, scenarioNames } from './corpus.ts';

describe.each(['fib-trie', 'fib-hash'])('with %s', (fib) => {
  for (const name of scenarioNames().filter(isBuilt)) {
    const test = name in DIFFERS ? it.fails : it;
    test(name, async () => {
      const { scenario, expect: want } = readScenario(name);
      const got = await playScenario(scenario, { plugins: await scenarioPlugins(fib) });
      const differences = compareRuns(want, got, scenario, openIpsec);
      expect(reportDifferences(want, got, scenario, differences, openIpsec)).toBe('');
    });
  }
});

describe('what is not finished', () => {
  it.for(scenarioNames().filter((name) => !isBuilt(name)))('%s is refused, or done as recorded', async (name) => {
    const { scenario, expect: want } = readScenario(name);
    let got: RunRecord[];
    try {
      got = await playScenario(scenario, { plugins: await scenarioPlugins() });
    } catch (error) {
      expect(error).toBeInstanceOf(ScenarioRunError);
      return;
    }
    const differences = compareRuns(want, got, scenario, openIpsec);
    expect(reportDifferences(want, got, scenario, differences, openIpsec)).toBe('');
  });
});
