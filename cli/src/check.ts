/** check.ts — `packetwalk check`: everything that is wrong with configs, at once; opens and changes nothing. */
import { loadConfig, UnusableConfig } from './load-config.ts';
import type { Invocation } from './main.ts';

const USAGE = 'Usage: packetwalk check FILE...\n';

export async function check({ args }: Invocation): Promise<number> {
  if (args.includes('-h') || args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (args.length === 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  let status = 0;
  for (const file of args) {
    try {
      const plan = await loadConfig(file);
      const routers = plan.routers.length === 1 ? '1 router' : `${plan.routers.length} routers`;
      process.stdout.write(`${file}: ok (${routers})\n`);
    } catch (error) {
      if (!(error instanceof UnusableConfig)) throw error;
      process.stderr.write(`${error.message}\n`);
      status = 2;
    }
  }
  return status;
}
