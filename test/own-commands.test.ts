/**
 * Every command of ours, as the registries have them: `-h` says what it understands, a wrong option is refused, `--json` prints
 * an object a line, nothing is coloured where NO_COLOR is set, and `--help` starts at once.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BufferIo, Lab, parseConfig, type Router, SeededRandom, silentLog, splitWords, VirtualClock } from '@packetwalk/framework';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadDocument } from '../cli/src/load-config.ts';
import { SUBCOMMANDS } from '../cli/src/subcommands.ts';
import { cliModule, packetwalk, RUNTIME, run } from './program.ts';

const HELLO = fileURLToPath(new URL('../configs/hello.yaml', import.meta.url));

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'packetwalk-own-'));
  writeFileSync(
    join(dir, 'compiled.json'),
    JSON.stringify({ name: 'empty', ports: [], setup: [], events: [{ t: 0, dump: 'ip addr', as: 'addresses' }], end_ms: 1 }),
  );
  writeFileSync(join(dir, 'wrong.yaml'), 'plugins: [ipv4]\ndevices: {}\nroute: []\n');
});
afterAll(() => rmSync(dir, { recursive: true }));

const ask = (...args: string[]) => packetwalk(args, { cwd: dir, env: { PACKETWALK_RUN_DIR: join(dir, 'run'), NO_COLOR: '1' } });

/** Fails unless each line is an object. */
function objects(text: string): Record<string, unknown>[] {
  expect(text).toMatch(/\n$/);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const object = JSON.parse(line) as Record<string, unknown>;
      expect(typeof object).toBe('object');
      return object;
    });
}

/** How each is asked for something that it can answer here: without a router that runs. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  run: [HELLO],
  check: [HELLO, 'wrong.yaml'],
  schema: [HELLO],
  trace: ['-n', '1', HELLO],
  scenario: ['compiled.json', '-'],
  test: ['wrong.yaml'],
  init: ['router', 'edge'],
  version: [],
  completion: [],
  // Needs a router that runs: asked below.
  capture: [],
};

describe.each(Object.keys(SUBCOMMANDS))('packetwalk %s', (name) => {
  it('explains itself, and refuses what it does not know', async () => {
    const [help, wrong] = await Promise.all(['-h', '--no-such-option'].map((option) => ask(name, option)));
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toMatch(new RegExp(`^Usage: packetwalk (\\[ -r NAME \\] )?${name} `));
    expect(help.stdout).toContain('--json');
    expect(help.stdout).not.toContain('\x1b');
    expect(wrong.status).toBe(2);
    expect(wrong.stdout).toBe('');
    expect(wrong.stderr).not.toMatch(/^ {4}at /m);
    expect(wrong.stderr).not.toBe('');
  });

  it('prints objects with --json', async () => {
    expect(EXAMPLES, 'an example of each').toHaveProperty(name);
    if (name === 'capture') return;
    const { stdout, stderr } = await ask(name, '--json', ...EXAMPLES[name]);
    expect(stdout, stderr).not.toBe('');
    expect(objects(stdout).length).toBeGreaterThan(0);
  });
});

it('check --json has the place of each mistake', async () => {
  const { status, stdout, stderr } = await ask('check', '--json', 'wrong.yaml');
  expect({ status, stderr }).toEqual({ status: 2, stderr: '' });
  expect(objects(stdout)).toEqual([
    {
      file: 'wrong.yaml',
      ok: false,
      issues: expect.arrayContaining([{ file: 'wrong.yaml', line: 3, column: 1, message: expect.stringContaining('route') }]),
    },
  ]);
});

/** Commands that others have made first: they have their original's options, `ip -j` among them, and no more. */
const ORIGINALS =
  /^(ip|bridge|arp|arping|brctl|cat|conntrack|ebtables|ethtool|ifconfig|ifenslave|ipset|iptables|netstat|nstat|ping|route|ss|sysctl|tc|tracepath|traceroute|vconfig)\b/;

describe('commands of routers', () => {
  let lab: Lab;
  let router: Router;
  beforeEach(async () => {
    const doc = parseConfig(
      `plugins: [ipv4, arp, fib-trie, netfilter, bridge, vlan, bonding, ebtables, tunnel, xfrm, nic-pair]
devices: {eth0: {driver: nic-pair, peer: eth1, addresses: [10.0.0.1/24]}, eth1: {driver: nic-pair, peer: eth0}}
`,
      'all.yaml',
    );
    const plan = await loadDocument(doc, 'all.yaml', (issues) => issues.map((issue) => doc.format(issue)));
    lab = new Lab(plan, { clock: new VirtualClock(), random: new SeededRandom(1), log: silentLog });
    router = lab.routers.values().next().value as Router;
  });
  afterEach(() => lab.stop());

  const type = async (line: string): Promise<{ status: number; io: BufferIo }> => {
    const io = new BufferIo();
    const gone = new AbortController();
    io.signal = gone.signal;
    const result = router.commands.run(splitWords(line), io);
    gone.abort();
    return { status: await result, io };
  };

  it('explain themselves', async () => {
    for (const { name } of router.commands.all()) {
      const { io } = await type(`${name} ${name.startsWith('ip ') ? 'help' : '-h'}`);
      // Some originals have no -h, and say so in their way: traceroute, ebtables-save.
      expect(io.stdout + io.stderr, name).toMatch(ORIGINALS.test(name) ? /usage|(invalid|bad) option/i : /^Usage: /);
    }
  });

  it('print objects with --json where they are ours', async () => {
    const own = router.commands.all().filter(({ name }) => !ORIGINALS.test(name));
    expect(own.map(({ name }) => name)).toEqual(expect.arrayContaining(['capture', 'save', 'stats', 'trace']));
    for (const { name, usage } of own) {
      expect(usage, name).toContain('--json');
      const { status, io } = await type(`${name} --json${name === 'capture' ? ' -i any' : ''}`);
      expect(status, `${name}: ${io.stderr}`).toBe(0);
      if (io.stdout !== '') objects(io.stdout);
    }
  });

  it('capture --json tells of each packet', async () => {
    const io = new BufferIo();
    const captured = router.commands.run(splitWords('capture --json -i lo -c 2'), io);
    void router.commands.run(splitWords('ping -c 1 10.0.0.1'), new BufferIo());
    lab.softirq.runToCompletion();
    lab.softirq.advanceTo(lab.softirq.jiffies + 1000);
    expect(await captured).toBe(0);
    const found = objects(io.stdout);
    expect(found.map(({ router, at, direction, length }) => ({ router, at, direction, length }))).toEqual([
      { router: 'all', at: 'lo', direction: 'out', length: 84 },
      { router: 'all', at: 'lo', direction: 'in', length: 84 },
    ]);
    expect(found[0].text).toContain('icmp');
    expect(found[1].id).toBe(found[0].id);
  });
});

// Deno reads the sources where Node has them built: the promise is about Node.
const onNode = 'Deno' in globalThis ? () => {} : it;
onNode(
  '--help starts within twice the time of an empty Node program',
  async () => {
    const empty = join(dir, 'empty.mjs');
    writeFileSync(empty, '');
    const times: number[][] = [[], []];
    const programs = [
      [...RUNTIME, empty],
      [...RUNTIME, cliModule('main'), '--help'],
    ];
    // One after the other, so that whatever else the machine does is the same for both.
    for (let i = 0; i < 7; i++) {
      for (const [which, argv] of programs.entries()) {
        const began = performance.now();
        expect((await run(argv)).status).toBe(0);
        times[which].push(performance.now() - began);
      }
    }
    const [nothing, help] = times.map((list) => list.sort((a, b) => a - b)[3]);
    expect(help / nothing).toBeLessThan(2);
  },
  60_000,
);
