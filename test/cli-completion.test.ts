/** `packetwalk completion`: the shells themselves complete with what is written. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packetwalk } from './program.ts';

const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'packetwalk-completion-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Runs a shell script that has the completions in $FILE, in a folder with one config; returns its lines. */
async function inShell(shell: string, script: string): Promise<string[]> {
  const file = join(dir, `completions.${shell}`);
  if (!existsSync(file)) {
    const { status, stdout } = await packetwalk(['completion', shell]);
    expect(status).toBe(0);
    writeFileSync(file, stdout);
    writeFileSync(join(dir, 'home.yaml'), '');
  }
  const run = spawnSync(shell, ['-c', script], { cwd: dir, encoding: 'utf8', env: { ...process.env, FILE: file, HOME: dir } });
  expect([run.status, run.stderr]).toEqual([0, '']);
  return run.stdout.trimEnd().split('\n');
}

describe('completions', () => {
  const bash = (words: string, cword: number): Promise<string[]> =>
    inShell('bash', `. "$FILE"; COMP_WORDS=(${words}); COMP_CWORD=${cword}; _packetwalk; printf '%s\\n' "\${COMPREPLY[@]}"`);

  it.runIf(has('bash'))('work in bash', async () => {
    expect(await bash('packetwalk tr', 1)).toEqual(['trace', 'tracepath', 'traceroute']);
    expect(await bash('packetwalk -r home i', 3)).toContain('ip');
    expect(await bash('packetwalk ip ro', 2)).toContain('route');
    expect(await bash('packetwalk run home', 2)).toEqual(['home.yaml']);
    expect(await bash('packetwalk -r ho', 2)).toEqual(['']);
  });

  it.runIf(has('fish'))('work in fish', async () => {
    const fish = (line: string): Promise<string[]> => inShell('fish', `source $FILE; complete -C '${line}'`);
    expect(await fish('packetwalk tra')).toContain('trace\tprint the walks of packets');
    expect((await fish('packetwalk ip rou'))[0]).toMatch(/^route\t/);
    expect(await fish('packetwalk run hom')).toEqual(['home.yaml']);
  });

  it.runIf(has('zsh'))('are read by zsh', async () => {
    const script = 'autoload -Uz compinit; compinit -u -D; source "$FILE"; echo $_comps[packetwalk]; whence -w _packetwalk';
    expect(await inShell('zsh', script)).toEqual(['_packetwalk', '_packetwalk: function']);
  });

  it('are for three shells', async () => {
    expect(await packetwalk(['completion', 'tcsh'])).toMatchObject({ status: 2, stderr: expect.stringMatching(/^Usage: /) });
  });
});
