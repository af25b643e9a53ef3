import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { hostSecret } from './host-secret.ts';

const folder = mkdtempSync(join(tmpdir(), 'packetwalk-secret-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string, mode: number): void {
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), mode);
}

it('reads the first line of a file that only its owner reads', () => {
  write('key', ' 0x1234 \nnot this\n', 0o600);
  expect(hostSecret('file:key', folder)).toBe('0x1234');
  expect(hostSecret(`file:${join(folder, 'key')}`, '.')).toBe('0x1234');
});

it('refuses a file that others may read, and says nothing of what is in it', () => {
  for (const mode of [0o640, 0o604, 0o620, 0o644]) {
    write('loose', 'hunter2\n', mode);
    expect(() => hostSecret('file:loose', folder)).toThrow(
      `loose holds a secret and may be read by others (mode ${mode.toString(8)}): chmod 600 loose`,
    );
  }
});

it('refuses what is not there', () => {
  write('empty', '\n', 0o600);
  expect(() => hostSecret('file:nowhere', folder)).toThrow('nowhere: ENOENT');
  expect(() => hostSecret('file:empty', folder)).toThrow('empty is empty');
  expect(() => hostSecret('env:PACKETWALK_NO_SUCH', folder)).toThrow('environment variable PACKETWALK_NO_SUCH is not set');
  expect(() => hostSecret('vault:x', folder)).toThrow('a secret is file:PATH or env:NAME, not vault:…');
});

it('reads the environment', () => {
  process.env.PACKETWALK_TEST_KEY = '0xabcd';
  expect(hostSecret('env:PACKETWALK_TEST_KEY', folder)).toBe('0xabcd');
  delete process.env.PACKETWALK_TEST_KEY;
});
