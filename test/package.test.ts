/**
 * The packages as they are published, unpacked in a folder outside the source tree beside a third party's: ttl-floor,
 * compiled and packed as its author would, is found by its name and shares the one framework.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, run } from './program.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const THIRD_PARTY = 'packetwalk-plugin-ttl-floor';
const TIMEOUT = 60_000;

/** Packing needs npm, which somebody with Deno alone has not. */
const HAS_NPM = process.env.CI !== undefined || spawnSync('npm', ['--version']).status === 0;
const RUNTIME = 'Deno' in globalThis ? [process.execPath, 'run', '-A'] : [process.execPath];

let folder: string;
let modules: string;

async function succeed(argv: string[], cwd: string): Promise<void> {
  const { status, stderr } = await run(argv, { cwd });
  expect(status, `${argv.join(' ')}: ${stderr}`).toBe(0);
}

/** The third party's package: its source compiled, its own package.json. */
function writeThirdParty(at: string): void {
  const { outputText } = ts.transpileModule(readFileSync(join(ROOT, 'configs/plugins/ttl-floor.ts'), 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  mkdirSync(join(at, 'dist'), { recursive: true });
  writeFileSync(join(at, 'dist/ttl-floor.js'), outputText);
  writeFileSync(join(at, 'package.json'), readFileSync(join(ROOT, 'test/third-party/package.json')));
}

/** Unpacks a tarball to where npm would install it. */
async function install(tarball: string): Promise<void> {
  const at = mkdtempSync(join(folder, 'unpack-'));
  await succeed(['tar', '-xzf', tarball, '-C', at, '--strip-components=1'], folder);
  const { name } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as { name: string };
  mkdirSync(dirname(join(modules, name)), { recursive: true });
  await succeed(['mv', at, join(modules, name)], folder);
}

/** The packages that ours depend on, without asking a registry: links to those that the source tree has. */
function linkDependencies(): void {
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name.startsWith('.') || name === 'packetwalk' || name === '@packetwalk') continue;
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
}

async function packetwalk(...args: string[]): Promise<Ended> {
  return run([...RUNTIME, join(modules, 'packetwalk/bin/packetwalk.js'), ...args], { cwd: join(folder, 'user') });
}

describe.runIf(HAS_NPM)(
  'packed packages',
  () => {
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'packetwalk-packed-'));
      modules = join(folder, 'user/node_modules');
      mkdirSync(modules, { recursive: true });
      writeThirdParty(join(folder, 'third-party'));
      await succeed(['npm', 'pack', '--silent', '--workspaces', '--pack-destination', folder], ROOT);
      await succeed(['npm', 'pack', '--silent', '--pack-destination', folder], join(folder, 'third-party'));
      for (const file of readdirSync(folder)) if (file.endsWith('.tgz')) await install(join(folder, file));
      linkDependencies();
      // What an author's careless install leaves behind: a framework of its own, which must not be used.
      const second = join(modules, THIRD_PARTY, 'node_modules/@packetwalk/framework');
      mkdirSync(second, { recursive: true });
      writeFileSync(join(second, 'package.json'), '{"name": "@packetwalk/framework", "version": "0.0.1", "type": "module"}');
      writeFileSync(join(second, 'index.js'), 'throw new Error("a second framework");');
      const config = readFileSync(join(ROOT, 'configs/ttl-floor.yaml'), 'utf8').replace('./plugins/ttl-floor.ts', THIRD_PARTY);
      writeFileSync(join(folder, 'user/package.json'), '{"private": true}');
      writeFileSync(join(folder, 'user/ttl-floor.yaml'), config);
    }, TIMEOUT);

    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('ship what they run, and no tests', () => {
      for (const name of ['packetwalk', ...readdirSync(join(modules, '@packetwalk')).map((scoped) => `@packetwalk/${scoped}`)]) {
        const files = readdirSync(join(modules, name), { recursive: true, encoding: 'utf8' });
        expect(
          files.filter((file) => /\.test\./.test(basename(file)) && !file.startsWith('templates/')),
          name,
        ).toEqual([]);
        expect(files, name).toContain('dist');
      }
    });

    it('print their version', async () => {
      const { version } = JSON.parse(readFileSync(join(ROOT, 'cli/package.json'), 'utf8')) as { version: string };
      expect(await packetwalk('--version')).toEqual({ status: 0, stdout: expect.stringContaining(version), stderr: '' });
    });

    it('check and run a config with a third-party plugin, found by its name', async () => {
      expect(await packetwalk('check', 'ttl-floor.yaml')).toMatchObject({ status: 0, stderr: '' });
      const ran = await packetwalk('run', 'ttl-floor.yaml');
      expect(ran, ran.stderr).toMatchObject({ status: 0, stderr: '' });
      expect(ran.stdout).toMatch(/floor 3: seen \d+, dropped 1\n/);
    });
  },
  TIMEOUT,
);
