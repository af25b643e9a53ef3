/** `packetwalk trace`: of a config's script and captures, and of a running lab until interrupted; all drops have a reason. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dropReasonCount, dropReasonName, type Router } from '@packetwalk/framework';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { playScenario, ScenarioRunError } from '../cli/src/scenario.ts';
import { scenarioPlugins } from '../cli/src/scenario-plugins.ts';
import { isBuilt, readScenario, scenarioNames } from './kernel/corpus.ts';
import { cliModule, packetwalk, RUNTIME } from './program.ts';

const config = (name: string): string => fileURLToPath(new URL(`../configs/${name}`, import.meta.url));
const children = new Set<ChildProcess>();
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'packetwalk-trace-'));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});
afterAll(() => rmSync(dir, { recursive: true }));

const env = (): Record<string, string> => ({ PACKETWALK_RUN_DIR: join(dir, 'run') });

/** Starts `packetwalk ARGS`; `until` resolves once standard output or error has matched. */
function start(...args: string[]) {
  const [file, ...rest] = [...RUNTIME, cliModule('main'), ...args];
  const child = spawn(file, rest, { env: { ...process.env, ...env() } });
  children.add(child);
  let said = '';
  const waiting = new Set<() => void>();
  const hear = (text: string): void => {
    said += text;
    for (const look of waiting) look();
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(said)));
  const until = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(said)) resolve(said);
      };
      waiting.add(look);
      look();
      void ended.then(() => reject(new Error(`ended: ${said}`)));
    });
  return { child, ended, until };
}

describe('of a config', () => {
  it('prints the walks of a script, each decision with its place', async () => {
    const { status, stdout } = await packetwalk(['trace', '-n', '1', 'icmp and dst net 192.0.2.0/24', config('hello.yaml')]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^walk 1\n {2}10\.0\.1\.2 > 192\.0\.2\.1 icmp echo request/);
    expect(stdout).toMatch(/ipRouteInput .*\[.*hello\.yaml:12:13\]/);
    expect(stdout).toMatch(/IP_INNOROUTES +DROP: no route/);
    expect(stdout.match(/^walk/gm)).toHaveLength(1);
  });

  it('counts the walks of a capture', async () => {
    mkdirSync(join(dir, 'captures'));
    copyFileSync(config('pcap-router.yaml'), join(dir, 'pcap-router.yaml'));
    copyFileSync(config('captures/lan.pcapng'), join(dir, 'captures/lan.pcapng'));
    const { status, stdout } = await packetwalk(['trace', '--paths', '--json', 'not arp', join(dir, 'pcap-router.yaml')]);
    expect(status).toBe(0);
    const paths = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { count: number; path: string[] });
    expect(paths[0]).toMatchObject({ count: 3 });
    expect(paths[0].path.at(-1)).toBe('devQueueXmit');
    expect(paths.map(({ path }) => path.at(-1))).toContain('DROP IP_CSUM');
  });

  it('refuses a wrong filter by the word', async () => {
    expect(await packetwalk(['trace', 'hots', '10.0.0.1', config('hello.yaml')])).toMatchObject({
      status: 2,
      stderr: 'filter: "hots": unknown, did you mean "host"?\n',
    });
  });
});

describe('of a running lab', () => {
  it('ends after N walks; Ctrl-C ends it with the counts', async () => {
    const source = readFileSync(config('hello.yaml'), 'utf8');
    const file = join(dir, 'live.yaml');
    writeFileSync(file, source.slice(0, source.indexOf('script:')));
    const lab = start('run', file);
    await lab.until(/is running/);
    const ping = (): Promise<unknown> => packetwalk(['-r', 'a', 'ping', '-c', '1', '10.0.2.2'], { env: env() });
    const pinging = (async () => {
      while (!lab.child.killed) await ping();
    })();

    const one = await packetwalk(['-r', 'r', 'trace', '-n', '1', 'icmp'], { env: env() });
    expect(one).toMatchObject({ status: 0, stderr: '' });
    expect(one.stdout).toMatch(/^walk \d+\n.*icmp echo (request|reply)[\s\S]*r {2}eth\d {2}ipForward/);

    const json = start('-r', 'r', 'trace', '--json', 'icmp');
    await json.until(/"name":"ipForward"/);
    json.child.kill('SIGINT');
    await json.ended;
    const paths = start('-r', 'r', 'trace', '--paths', '-n', '2', 'icmp');
    expect(await paths.ended).toMatch(/^[12] × r eth[01]: netifReceiveSkb → ipRcv/);

    lab.child.kill('SIGTERM');
    await Promise.all([lab.ended, pinging]);
  });
});

describe('the recorded scenarios', () => {
  it('have no drop without a reason', async () => {
    const plugins = await scenarioPlugins();
    const unspecified = Array.from({ length: dropReasonCount() }, (_, r) => dropReasonName(r)).indexOf('NOT_SPECIFIED');
    expect(unspecified).toBeGreaterThanOrEqual(0);
    let dropped = 0;
    const inspect = ({ net }: Router): void => {
      expect(net.drops[unspecified]).toBe(0);
      dropped += net.drops.reduce((a, b) => a + b, 0);
    };
    for (const name of scenarioNames().filter(isBuilt)) {
      const run = playScenario(readScenario(name).scenario, { plugins, inspect });
      // Whether each of them can be played is what kernel/recorded.test.ts says.
      await run.catch((error) => {
        if (!(error instanceof ScenarioRunError)) throw error;
      });
    }
    expect(dropped).toBeGreaterThan(100);
  }, 120_000);
});
