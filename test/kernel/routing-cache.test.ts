/** The routing cache changes nothing on the wire: with it, too, Packetwalk does what the kernel was recorded to do. */
import { describe, expect, it } from 'vitest';
import { openIpsec } from '../../cli/src/open-ipsec.ts';
import { playScenario } from '../../cli/src/scenario.ts';
import { scenarioPlugins } from '../../cli/src/scenario-plugins.ts';
import { compareRuns } from '../../framework/src/testing/judge.ts';
import { reportDifferences } from '../../framework/src/testing/judge-report.ts';
import { DIFFERS, isBuilt, readScenario, scenarioNames } from './corpus.ts';

/** As in every scenario, no limit stands in the way of an error. */
const CONFIG = {
  routing_cache: true,
  sysctl: { 'net.ipv4.icmp_ratemask': 0, 'net.ipv4.icmp_msgs_per_sec': 1_000_000, 'net.ipv4.icmp_msgs_burst': 10_000 },
};

describe('with a routing cache', () => {
  for (const name of scenarioNames().filter(isBuilt)) {
    const test = name in DIFFERS ? it.fails : it;
    test(name, async () => {
      const { scenario, expect: want } = readScenario(name);
      const got = await playScenario(scenario, { plugins: await scenarioPlugins(), config: CONFIG });
      expect(reportDifferences(want, got, scenario, compareRuns(want, got, scenario, openIpsec), openIpsec)).toBe('');
    });
  }
});
