/** `packetwalk init`: what it writes works as it is. The tests of the templates themselves run with the others. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packetwalk, RUNTIME, run } from '../../test/program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TIMEOUT = 60_000;

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'packetwalk-init-'));
  symlinkSync(join(ROOT, 'node_modules'), join(cwd, 'node_modules'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

describe('packetwalk init', () => {
  it('router: a config and its test, which passes', async () => {
    const { status, stdout } = await packetwalk(['init', 'router', 'edge-1'], { cwd });
    expect(status).toBe(0);
    expect(stdout).toBe(
      'wrote edge-1.test.yaml\nwrote edge-1.yaml\n\nnext:\n  packetwalk check edge-1.yaml\n  packetwalk test edge-1.test.yaml\n',
    );
    expect(await packetwalk(['check', 'edge-1.yaml'], { cwd })).toMatchObject({ status: 0 });
    expect(await packetwalk(['test', 'edge-1.test.yaml'], { cwd })).toMatchObject({ status: 0 });
  });

  it('lab: runs', async () => {
    expect(await packetwalk(['init', 'lab', 'home'], { cwd })).toMatchObject({ status: 0 });
    const { status, stdout } = await packetwalk(['run', 'home.yaml'], { cwd });
    expect(stdout).toContain('3 packets transmitted, 3 received, 0% packet loss');
    expect(status).toBe(0);
  });

  it.each(['plugin', 'driver', 'fib-backend'])(
    '%s: a package of its own, whose test passes',
    async (kind) => {
      expect(await packetwalk(['init', kind, 'my-first'], { cwd })).toMatchObject({ status: 0 });
      const folder = join(cwd, 'my-first');
      for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file), 'utf8'), file).not.toMatch(/template/i);
      // Run from the source tree, as all is here: an author has the packages from the registry.
      writeFileSync(
        join(folder, 'vitest.config.ts'),
        `export default { ssr: { resolve: { conditions: ['source', 'node', 'import', 'module', 'default'] } }, test: { execArgv: ['--conditions=source'] } };`,
      );
      const { status, stdout, stderr } = await run([...RUNTIME, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder], {
        cwd: folder,
      });
      expect(stdout + stderr).toMatch(/Tests .*passed/);
      expect(status, stdout + stderr).toBe(0);
    },
    TIMEOUT,
  );

  it('plugin: its lab shows the walk', async () => {
    expect(await packetwalk(['init', 'plugin', 'my-first'], { cwd })).toMatchObject({ status: 0 });
    const { status, stdout } = await packetwalk(['run', 'my-first/my-first.yaml'], { cwd });
    expect(stdout).toContain('MY_FIRST_TOO_LONG');
    expect(stdout).toContain('dropped 1');
    expect(status).toBe(0);
  });

  it('writes over nothing, and says what there is', async () => {
    writeFileSync(join(cwd, 'home.yaml'), 'mine');
    expect(await packetwalk(['init', 'lab', 'home'], { cwd })).toEqual({
      status: 1,
      stdout: '',
      stderr: 'packetwalk init: home.yaml: exists already; nothing was written\n',
    });
    expect(await packetwalk(['init', 'drivr', 'x'], { cwd })).toMatchObject({
      status: 1,
      stderr: 'packetwalk init: no template "drivr", did you mean "driver"? (there are: router, lab, plugin, driver, fib-backend)\n',
    });
    expect(await packetwalk(['init', 'lab', '../x'], { cwd })).toMatchObject({ status: 1 });
    expect(await packetwalk(['init'], { cwd })).toMatchObject({ status: 2 });
    expect(existsSync(join(cwd, 'x.yaml'))).toBe(false);
  });
});
