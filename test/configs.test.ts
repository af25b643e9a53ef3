/** The routers in configs/: all pass the check, and the third-party plugin does its work, loaded by its relative path. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { packetwalk } from './program.ts';

const CONFIGS = fileURLToPath(new URL('../configs', import.meta.url));

it.each(readdirSync(CONFIGS).filter((name) => name.endsWith('.yaml')))('%s passes the check', async (name) => {
  expect(await packetwalk(['check', name], { cwd: CONFIGS })).toMatchObject({ status: 0, stderr: '' });
});

it('ttl-floor drops the packet below the floor, and names the reason', async () => {
  const { status, stdout, stderr } = await packetwalk(['run', 'ttl-floor.yaml'], { cwd: CONFIGS });
  expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('TTL_FLOOR');
  expect(stdout).toMatch(/floor 3: seen \d+, dropped 1\n/);
});
