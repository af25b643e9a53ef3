/** real-iptables.ts — the iptables of this machine, in a network namespace of its own. Needs root. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Typed } from '../../plugins/netfilter/src/testing/netfilter-lab.ts';

let count = 0;

/** Is there an iptables like the one whose words are followed, and may it be used? */
export function hasRealIptables(): boolean {
  if (process.getuid?.() !== 0) return false;
  const { stdout } = spawnSync('iptables', ['--version'], { encoding: 'utf8' });
  return (stdout ?? '').includes('v1.8.9 (nf_tables)') && spawnSync('ip', ['netns', 'list']).status === 0;
}

/** Is there an ebtables like the one whose words are followed, and may it be used? */
export function hasRealEbtables(): boolean {
  if (process.getuid?.() !== 0) return false;
  const { stdout } = spawnSync('ebtables', ['--version'], { encoding: 'utf8' });
  if (!(stdout ?? '').includes('1.8.9 (nf_tables)') || spawnSync('ip', ['netns', 'list']).status !== 0) return false;
  // The kernel may be without the extensions for bridges, or root without the right to make namespaces.
  try {
    return typeReal([{ line: 'ebtables -A FORWARD -p IPv4 --ip-src 10.0.0.1 -j mark --mark-set 1' }])[0].status === 0;
  } catch {
    return false;
  }
}

/** Is this tool there too, in the version whose words are followed? */
export function hasRealTool(name: 'conntrack' | 'ipset'): boolean {
  const { stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
  return (stdout ?? '').includes(name === 'ipset' ? 'v7.17' : 'v1.4.7');
}

/** A command line, with what it reads on standard input. */
export interface Line {
  readonly line: string;
  readonly input?: string;
}

/** Types all lines, one after the other, in a fresh namespace; what each came to. */
export function typeReal(lines: readonly Line[]): Typed[] {
  const name = `pw-iptables-${process.pid}-${++count}`;
  const folder = mkdtempSync(join(tmpdir(), 'packetwalk-'));
  execFileSync('ip', ['netns', 'add', name]);
  try {
    const script = lines.map(
      ({ line, input = '' }) => `out=$(${line} 2>&1 <<'PACKETWALK-END'\n${input}\nPACKETWALK-END\n); printf '%s\\0%s\\0' "$?" "$out"`,
    );
    // By a file: Deno writes all of a standard input before it reads, and the shell would wait for it to read.
    const file = join(folder, 'script');
    writeFileSync(file, script.join('\n'));
    const text = execFileSync('ip', ['netns', 'exec', name, 'bash', file], { encoding: 'utf8', maxBuffer: 1 << 28 });
    const parts = text.split('\0');
    return lines.map((_, i) => ({ status: Number(parts[2 * i]), output: parts[2 * i + 1] }));
  } finally {
    execFileSync('ip', ['netns', 'del', name]);
    rmSync(folder, { recursive: true });
  }
}
