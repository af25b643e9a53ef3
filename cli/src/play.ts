/** play.ts — `packetwalk scenario IN OUT`: plays a compiled scenario in virtual time and writes what came out. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Invocation } from './main.ts';
import { playScenario, ScenarioRunError } from './scenario.ts';
import { ScenarioError } from './scenario-file.ts';
import { formatRun, parseCompiled } from './scenario-format.ts';
import { scenarioPlugins } from './scenario-plugins.ts';

const USAGE = `Usage: packetwalk scenario [ --json ] COMPILED.json OUT.jsonl
Plays a scenario in virtual time. Either file may be "-". A command that is not known ends the run with its text.
What comes out is an object a line, with --json or without.
Exit status: 0 success, 1 a command failed, 2 a file cannot be used.
`;

export async function play({ args }: Invocation): Promise<number> {
  if (args.includes('-h') || args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const files = args.filter((arg) => arg !== '--json');
  if (files.length !== 2 || files.some((file) => /^-./.test(file))) {
    process.stderr.write(USAGE);
    return 2;
  }
  const [input, output] = files;
  try {
    const scenario = parseCompiled(readFileSync(input === '-' ? 0 : input, 'utf8'), input);
    const records = await playScenario(scenario, { plugins: await scenarioPlugins() });
    writeFileSync(output === '-' ? 1 : output, formatRun(records));
    return 0;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof ScenarioError) return refuse(error.message, 2);
    if (error instanceof ScenarioRunError) return refuse(`${input}: ${error.message}`, 1);
    if (code === 'ENOENT') return refuse(`${(error as NodeJS.ErrnoException).path ?? input}: no such file`, 2);
    if (code === 'EACCES') return refuse(`${(error as NodeJS.ErrnoException).path ?? input}: permission denied`, 2);
    throw error;
  }
}

function refuse(message: string, status: number): number {
  process.stderr.write(`packetwalk: ${message}\n`);
  return status;
}
