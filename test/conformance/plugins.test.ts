/** Every plugin of the project keeps the rules that those of others must keep. */

import type { Plugin } from '@packetwalk/framework';
import { describePlugin } from '@packetwalk/framework/testing';
import { BUILT_IN_PLUGINS, loadPlugin } from '../../cli/src/load-plugin.ts';

const load = (names: readonly string[]): Promise<Plugin[]> => Promise.all(names.map((name) => loadPlugin(name, import.meta.url)));

/** What a plugin cannot be without. */
const FIB: readonly string[] = ['fib-trie'];
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  ipv4: FIB,
  arp: ['ipv4', ...FIB],
};

for (const name of Object.keys(BUILT_IN_PLUGINS)) {
  const [plugin] = await load([name]);
  const needed = plugin.requires === undefined || NEEDS[name] !== undefined ? (NEEDS[name] ?? []) : ['ipv4', 'arp', ...FIB];
  describePlugin(plugin, { with: await load(needed.filter((other) => other !== name)) });
}

describePlugin(await loadPlugin('../../configs/plugins/ttl-floor.ts', new URL(import.meta.url).pathname));
