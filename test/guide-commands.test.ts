/**
 * The commands in README.md and docs/ work: each line of a `sh` block is run, in order, in a folder with a copy of configs/ and
 * the first config of the guides as router.yaml. Those for a running router get one, between two TAPs of a namespace.
 */
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUBCOMMANDS } from '../cli/src/subcommands.ts';
import { describeOnKernel, type Netns, NetnsLab } from './integration/netns.ts';
import { cliModule, type Ended, RUNTIME, run } from './program.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** What is not run here, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'npm ci': 'how this clone was made',
  'npm start': 'a step of its own in CI',
  'systemctl enable --now packetwalk@edge': 'needs systemd as process 1',
  'podman build -t edge .': 'needs the network',
  'podman run --rm --cap-add NET_ADMIN --cap-add NET_RAW --device /dev/net/tun edge': 'needs the network',
  'ip tuntap add dev tap-lan mode tap user router': 'needs a user of that name; test/integration/tap-privileges.test.ts does it',
};

/** Lines of `sh` blocks. */
function lines(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/```sh\n([^`]*)```/g)].flatMap(([, block]) => block.trimEnd().split('\n'));
}

/** A line that a running router answers. */
function isLive(line: string): boolean {
  const [program, command] = line.split(' ');
  return program === 'packetwalk' && (!Object.hasOwn(SUBCOMMANDS, command) || command === 'capture');
}

const files = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((file) => file.endsWith('.md'));
const documents = files.filter((file) => lines(file).length > 0);
const commandsOf = (file: string, live: boolean): string[] =>
  lines(file).filter((line) => ELSEWHERE[line] === undefined && isLive(line) === live);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'packetwalk-guides-'));
  cpSync(join(ROOT, 'configs'), join(dir, 'configs'), { recursive: true });
  const [, config] = /```yaml\n([^`]*)```/.exec(readFileSync(join(ROOT, 'docs/compose-a-router.md'), 'utf8')) ?? [];
  writeFileSync(join(dir, 'router.yaml'), config);
  const command = [...RUNTIME, cliModule('main')].map((word) => `'${word}'`).join(' ');
  writeFileSync(join(dir, 'packetwalk'), `#!/bin/sh\nexec ${command} "$@"\n`);
  chmodSync(join(dir, 'packetwalk'), 0o755);
});
afterAll(() => rmSync(dir, { recursive: true }));

const env = (): Record<string, string> => ({ PATH: `${dir}:${process.env.PATH}`, PACKETWALK_RUN_DIR: join(dir, 'run') });
const shell = (line: string): Promise<Ended> => run(['sh', '-c', line], { cwd: dir, env: env() });

it('there are commands, and each that is not run here has a reason that is still needed', () => {
  expect(documents).toContain('README.md');
  const all = documents.flatMap(lines);
  for (const line of Object.keys(ELSEWHERE)) expect(all).toContain(line);
});

describe.each(documents.filter((file) => commandsOf(file, false).length > 0))('%s', (file) => {
  it.each(commandsOf(file, false))('%s', async (line) => {
    const { status, stdout, stderr } = await shell(line);
    expect(status, stdout + stderr).toBe(0);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });
});

describeOnKernel('commands for a running router', ['ping'], () => {
  let lab: NetnsLab;
  let home: Netns;
  beforeAll(async () => {
    lab = new NetnsLab();
    home = await lab.add('home');
  });
  afterAll(() => lab.close());

  /** What a guide's commands are typed at, and the host behind its wan. */
  const ROUTERS: Readonly<Record<string, readonly [config: string, wan: string, host: string]>> = {
    'README.md': ['configs/tap-router.yaml', 'tap-wan', '198.51.100.2/24'],
    'docs/compose-a-router.md': ['router.yaml', 'wan', '203.0.113.1/30'],
  };

  it.each(documents.filter((file) => commandsOf(file, true).length > 0))('%s', async (file) => {
    expect(ROUTERS, 'a router for each guide').toHaveProperty([file]);
    const [config, wan, address] = ROUTERS[file];
    const router = home.start([...RUNTIME, cliModule('main'), 'run', join(dir, config)], env());
    try {
      await router.until(/is running;/);
      await home.ip(`addr add ${address} dev ${wan}`);
      await home.ip(`link set ${wan} up`);
      for (const line of commandsOf(file, true)) {
        // It goes on until somebody interrupts it: one packet will do.
        const endless = line.startsWith('packetwalk capture');
        const ended = shell(endless ? line.replace('capture', 'capture -c 1') : line);
        let over = false;
        void ended.then(() => (over = true));
        while (endless && !over) await shell(`packetwalk ping -c 1 -W 1 ${address.split('/')[0]}`);
        const { status, stdout, stderr } = await ended;
        expect(status, `${line}: ${stdout}${stderr}`).toBe(0);
        expect(stdout, line).not.toBe('');
      }
    } finally {
      expect(await router.stop()).toBe(0);
    }
  });
});
