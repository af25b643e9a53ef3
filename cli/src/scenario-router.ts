/** scenario-router.ts — what the router of a scenario file is made of: its config, or everything built in. */

import { dirname, resolve } from 'node:path';
import { type ConfigIssue, parseConfig } from '@packetwalk/framework';
import { loadConfig, loadDocument, UnusableConfig } from './load-config.ts';
import type { PlayOptions } from './scenario.ts';
import type { ScenarioFile } from './scenario-file.ts';
import { scenarioPlugins } from './scenario-plugins.ts';

/** Plugins and config that `file`, read from `path`, is to be played with. Throws UnusableConfig. */
export async function scenarioRouter({ config, doc }: ScenarioFile, path: string): Promise<PlayOptions> {
  if (config === undefined) return { plugins: await scenarioPlugins() };
  const plan =
    typeof config === 'string'
      ? await loadConfig(resolve(dirname(path), config))
      : await loadDocument(parseConfig(JSON.stringify(config), path), path, (issues) =>
          doc.sort(issues.map(moved)).map((i) => doc.format(i)),
        );
  const [router, another] = plan.routers;
  if (another !== undefined)
    throw new UnusableConfig(`${doc.position(['config'])}: config: a scenario tests one router, and this is a lab`);
  return { plugins: router.plugins, config: router.config, baseDir: plan.baseDir };
}

/** An issue of the config inside, as one of the file around it. */
function moved({ at: _at, ...issue }: ConfigIssue): ConfigIssue {
  return { ...issue, path: ['config', ...issue.path] };
}
