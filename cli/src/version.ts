/** version.ts — the version of this package; `packetwalk version`. */
import { createRequire } from 'node:module';
import type { Invocation } from './main.ts';

const USAGE = `Usage: packetwalk version [ --json ]
Prints the version, and with --json what it runs on too.
`;

export function version(): string {
  return (createRequire(import.meta.url)('../package.json') as { version: string }).version;
}

export async function printVersion({ args }: Invocation): Promise<number> {
  if (args.includes('-h') || args.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (args.some((arg) => arg !== '--json')) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { node, deno } = process.versions as { node: string; deno?: string };
  const runtime = deno === undefined ? { node } : { deno };
  const known = { packetwalk: version(), ...runtime, platform: process.platform, arch: process.arch };
  process.stdout.write(args.length === 0 ? `packetwalk ${known.packetwalk}\n` : `${JSON.stringify(known)}\n`);
  return 0;
}
