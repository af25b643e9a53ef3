/** check.ts — `packetwalk check`: everything that is wrong with configs, at once; opens and changes nothing. */
import { issueObjects, jsonLine } from './json-lines.ts';
import { loadConfig, UnusableConfig } from './load-config.ts';
import type { Invocation } from './main.ts';

const USAGE = `Usage: packetwalk check [ --json ] FILE...
Says everything that is wrong with configs, each with its place; opens and changes nothing. "-" is standard input.
--json prints an object a line: one for each file, with its issues.
Exit status: 0 nothing is wrong, 2 something is.
`;

export async function check({ args }: Invocation): Promise<number> {
  const files = args.filter((arg) => !arg.startsWith('-') || arg === '-');
  const options = args.filter((arg) => arg.startsWith('-') && arg !== '-');
  if (options.includes('-h') || options.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (files.length === 0 || options.some((option) => option !== '--json')) {
    process.stderr.write(USAGE);
    return 2;
  }
  const json = options.length > 0;
  let status = 0;
  for (const file of files) {
    try {
      const { routers } = await loadConfig(file);
      if (json) jsonLine({ file, ok: true, routers: routers.map(({ name }) => name) });
      else process.stdout.write(`${file}: ok (${routers.length === 1 ? '1 router' : `${routers.length} routers`})\n`);
    } catch (error) {
      if (!(error instanceof UnusableConfig)) throw error;
      if (json) jsonLine({ file, ok: false, issues: issueObjects(error.message) });
      else process.stderr.write(`${error.message}\n`);
      status = 2;
    }
  }
  return status;
}
