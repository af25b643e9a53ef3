/** What the Linux kernel was recorded to do with ebtables, and ebtables does here: its hooks called by a little bridge. */
import { describe, expect, it } from 'vitest';
import { openIpsec } from '../../cli/src/open-ipsec.ts';
import { playScenario } from '../../cli/src/scenario.ts';
import { scenarioPlugins } from '../../cli/src/scenario-plugins.ts';
import { compareRuns } from '../../framework/src/testing/judge.ts';
import { reportDifferences } from '../../framework/src/testing/judge-report.ts';
import { readScenario, scenarioNames } from './corpus.ts';
import { littleBridge } from './little-bridge.ts';

describe('ebtables at the hooks of a little bridge', () => {
  it.each(scenarioNames().filter((name) => name.startsWith('ebtables-')))('%s', async (name) => {
    const { scenario, expect: want } = readScenario(name);
    const builtIn = await scenarioPlugins();
    const plugins = [...builtIn.filter(({ id }) => id !== 'bridge'), { id: 'bridge', plugin: littleBridge, options: {} }];
    const got = await playScenario(scenario, { plugins });
    const differences = compareRuns(want, got, scenario, openIpsec);
    expect(reportDifferences(want, got, scenario, differences, openIpsec)).toBe('');
  });
});
