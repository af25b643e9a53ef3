/** program.ts — how a test starts a process as a person does, on the runtime that the test itself runs on. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const inTree = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

const DENO = 'Deno' in globalThis;
const READS_TYPESCRIPT = Boolean((process.features as { typescript?: unknown }).typescript);

/** Command line of the runtime, up to the file to run. */
export const RUNTIME: readonly string[] = DENO
  ? [process.execPath, 'run', '-A', '--config', inTree('deno.json')]
  : [process.execPath, ...(READS_TYPESCRIPT ? ['--conditions=source'] : [])];

/** Module `name` of the CLI: from the source where the runtime reads it, else as tsc built it. */
export function cliModule(name: string): string {
  return inTree(READS_TYPESCRIPT ? `cli/src/${name}.ts` : `cli/dist/${name}.js`);
}

/** How a process ended, and what it wrote. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line to its end; a signal counts as status -1. */
export function run(argv: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<Ended> {
  const [file, ...args] = argv;
  const env = { ...process.env, ...options.env };
  return new Promise((done) => {
    execFile(file, args, { ...options, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      done({ status, stdout, stderr });
    });
  });
}

/** Runs `packetwalk ARGS…`. */
export function packetwalk(args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<Ended> {
  return run([...RUNTIME, cliModule('main'), ...args], options);
}
