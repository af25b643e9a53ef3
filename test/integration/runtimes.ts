/** runtimes.ts — `packetwalk` on each runtime there is: the test's own, and Deno where the test runs on Node and has it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cliModule, RUNTIME } from '../program.ts';

/** Path of a file of this repository. */
export const inTree = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

/** Name of a runtime, and the command line of `packetwalk` on it. */
export const RUNTIMES: [string, readonly string[]][] = [['the runtime at hand', [...RUNTIME, cliModule('main')]]];

// Not node_modules/.bin/deno: that is a script of Node's, which keeps signals to itself.
const deno = inTree('node_modules/deno/deno');
if (!('Deno' in globalThis) && existsSync(deno)) {
  RUNTIMES.push(['Deno', [deno, 'run', '-A', '--config', inTree('deno.json'), inTree('cli/src/main.ts')]]);
}
