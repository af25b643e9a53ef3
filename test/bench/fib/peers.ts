/** peers.ts — who takes part: the backends, and the peers that this machine has. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatIpv4 } from '@packetwalk/framework';
import type { RouteSet } from '@packetwalk/framework/testing';
import { Contestant } from './process.ts';

export interface Entrant {
  readonly name: string;
  /** Lookups in a run at most: peers that are slow by orders of magnitude get few. */
  readonly lookups: number;
  /** Starts it with the files of a table and of the traces. */
  start(files: readonly string[]): Contestant;
}

const HERE = fileURLToPath(new URL('.', import.meta.url));
const SLOW = { 'longest-prefix-match': 1 << 16, 'net.BlockList': 64 } as const;

/** An entrant in JavaScript, on the runtime that runs the benchmark. */
export function javaScriptEntrant(name: string, lookups = Number.POSITIVE_INFINITY): Entrant {
  const script = join(HERE, 'contestant.ts');
  const runtime = 'Deno' in globalThis ? ['run', '-A', script] : ['--import', join(HERE, '../typescript.mjs'), script];
  return { name, lookups, start: (files) => new Contestant(name, process.execPath, [...runtime, name, ...files]) };
}

/** The peers that are here, and why the others are not. */
export function findPeers(): { entrants: Entrant[]; missing: string[] } {
  const entrants: Entrant[] = [];
  const missing: string[] = [];
  try {
    const program = buildDpdk();
    for (const which of ['lpm', 'fib']) {
      const name = `rte_${which}`;
      const start = (files: readonly string[]): Contestant => new Contestant(name, program, [which, ...files]);
      entrants.push({ name, lookups: Number.POSITIVE_INFINITY, start });
    }
  } catch {
    missing.push('rte_lpm and rte_fib: need a C compiler, pkg-config and libdpdk-dev');
  }
  try {
    createRequire(import.meta.url).resolve('longest-prefix-match');
    entrants.push(javaScriptEntrant('longest-prefix-match', SLOW['longest-prefix-match']));
  } catch {
    missing.push('longest-prefix-match: npm install --no-save longest-prefix-match');
  }
  entrants.push(javaScriptEntrant('net.BlockList', SLOW['net.BlockList']));
  return { entrants, missing };
}

function buildDpdk(): string {
  const program = join(mkdtempSync(join(tmpdir(), 'bench-fib-')), 'dpdk-fib');
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'libdpdk'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const source = join(HERE, 'dpdk-fib.c');
  execFileSync('cc', ['-O3', '-march=native', source, '-o', program, ...flags.trim().split(/\s+/)], { stdio: 'ignore' });
  return program;
}

/** `fib_triestat` of the kernel's main table with these routes, from a network namespace; null when that is not to be had. */
export function kernelTriestat(routes: RouteSet, folder: string): { averageDepth: number; maxDepth: number; bytes: number } | null {
  const batch = join(folder, 'routes.batch');
  const lines = Array.from(routes.prefixes, (prefix, i) => `route add ${formatIpv4(prefix)}/${routes.lengths[i]} dev lo`);
  writeFileSync(batch, `${lines.join('\n')}\n`);
  const script = `ip link set lo up && ip -batch ${batch} && cat /proc/net/fib_triestat`;
  try {
    const text = execFileSync('unshare', ['-n', 'sh', '-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const main = text.slice(text.indexOf('Main:'));
    const number = (label: string): number => Number(new RegExp(`${label}:\\s*([\\d.]+)`).exec(main)?.[1]);
    return { averageDepth: number('Aver depth'), maxDepth: number('Max depth'), bytes: number('Total size') * 1024 };
  } catch {
    return null;
  }
}
