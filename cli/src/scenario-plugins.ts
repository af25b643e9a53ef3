/** scenario-plugins.ts — what the router of a scenario is made of when the scenario does not say: everything built in. */
import type { PluginInstance } from '@packetwalk/framework';
import { BUILT_IN_PLUGINS, loadPlugin } from './load-plugin.ts';

/** FIB backend of a scenario's router unless told. */
export const SCENARIO_FIB = 'fib-trie';

/** All built-in plugins but the drivers, whose place the scenario's ports take, and of the FIB backends the one named. */
export async function scenarioPlugins(fib: string = SCENARIO_FIB): Promise<PluginInstance[]> {
  const names = Object.keys(BUILT_IN_PLUGINS).filter((name) => name === fib || !/^(nic|fib)-/.test(name));
  return Promise.all(names.map(async (name) => ({ id: name, plugin: await loadPlugin(name, '.'), options: {} })));
}
