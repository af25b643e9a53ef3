/** A long replay shows how far it is on a terminal, and writes nothing of it elsewhere. The terminal is Python's pty. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cliModule, packetwalk, RUNTIME, run } from './program.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'packetwalk-progress-'));
  writeFileSync(join(dir, 'long.pcap'), twoFrames(1.2));
  writeFileSync(
    join(dir, 'long.yaml'),
    `plugins: [ipv4, arp, fib-trie, nic-pcap]
devices:
  lan: {driver: nic-pcap, read: long.pcap, replay: timestamps}
`,
  );
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A capture of two frames, so many seconds apart (pcap with microseconds). */
function twoFrames(seconds: number): Uint8Array {
  const LENGTH = 60;
  const file = new DataView(new ArrayBuffer(24 + 2 * (16 + LENGTH)));
  const words = (at: number, ...values: number[]): void => values.forEach((value, i) => void file.setUint32(at + 4 * i, value, true));
  words(0, 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1);
  words(24, 1000, 0, LENGTH, LENGTH);
  words(24 + 16 + LENGTH, 1000 + Math.floor(seconds), Math.round((seconds % 1) * 1e6), LENGTH, LENGTH);
  return new Uint8Array(file.buffer);
}

const env = (): Record<string, string> => ({ PACKETWALK_RUN_DIR: join(dir, 'run') });

it('draws a bar on a terminal, and takes it away', async () => {
  const script = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
  const { stdout } = await run(['python3', '-c', script, ...RUNTIME, cliModule('main'), 'run', 'long.yaml'], { cwd: dir, env: env() });
  expect(stdout).toMatch(/[█░]{24} +\d+ % {2}\d packets?/);
  expect(stdout.lastIndexOf('\r\x1b[K')).toBeGreaterThan(stdout.lastIndexOf('%'));
});

it('writes nothing of it into a file or pipe', async () => {
  const { status, stdout, stderr } = await packetwalk(['run', 'long.yaml'], { cwd: dir, env: env() });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  for (const part of ['█', '░', '\r', '\x1b']) expect(stderr).not.toContain(part);
});
