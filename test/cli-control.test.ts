/**
 * A running instance over its control socket: commands with the original tools' output, mode 0600, names, clean ends.
 * The lab has cables only: no privileges.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cliModule, packetwalk, RUNTIME } from './program.ts';

const LAB = `routers:
  a:
    plugins: [ipv4, arp, fib-trie, nic-pair]
    devices: {eth0: {driver: nic-pair, mac: "02:00:00:00:00:0a", addresses: [10.0.1.2/24]}}
    routes: [default via 10.0.1.1]
  r:
    plugins: [ipv4, arp, fib-trie, nic-pair]
    devices:
      eth0: {driver: nic-pair, mac: "02:00:00:00:00:01", addresses: [10.0.1.1/24]}
      dummy: {driver: nic-pair, peer: other}
      other: {driver: nic-pair, peer: dummy, up: false}
    sysctl: {net.ipv4.ip_forward: 1}
links: [[a.eth0, r.eth0]]
`;

let dir: string;
const running = new Set<ChildProcess>();

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'packetwalk-control-'));
  writeFileSync(join(dir, 'lab.yaml'), LAB);
});
afterEach(async () => {
  for (const child of running) await stop(child, 'SIGKILL');
});
afterAll(() => rmSync(dir, { recursive: true }));

const env = (): Record<string, string> => ({ PACKETWALK_RUN_DIR: join(dir, 'run') });
const socket = (name: string): string => join(dir, 'run', `${name}.sock`);

/** Starts an instance; resolves when it says that it is running, with what it wrote until then. */
function start(args: readonly string[]): Promise<{ child: ChildProcess; said: string }> {
  const [file, ...rest] = [...RUNTIME, cliModule('main'), ...args];
  const child = spawn(file, rest, { cwd: dir, env: { ...process.env, ...env() }, stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('is running;')) resolve({ child, said });
    });
    child.on('exit', (status) => reject(new Error(`ended with ${status}: ${said}`)));
  });
}

function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.once('exit', (status) => resolve(status));
    process.kill(child.pid as number, signal);
  });
}

const ask = (...args: string[]) => packetwalk(args, { env: env() });

describe('a running lab', () => {
  it('answers as the original tools do, and ends cleanly', async () => {
    const { child } = await start(['run', 'lab.yaml']);
    expect(statSync(socket('lab')).mode & 0o777).toBe(0o600);

    expect(await ask('-r', 'a', 'ping', '-c', '2', '-i', '0.01', '-q', '10.0.1.1')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /^PING 10\.0\.1\.1 .*\n\n--- 10\.0\.1\.1 ping statistics ---\n2 packets transmitted, 2 received, 0% packet loss/,
      ),
    });
    expect((await ask('-r', 'a', 'ip', 'route')).stdout).toBe(
      'default via 10.0.1.1 dev eth0 \n10.0.1.0/24 dev eth0 proto kernel scope link src 10.0.1.2 \n',
    );
    expect((await ask('-r', 'lab.r', 'ip', 'addr', 'show', 'dev', 'eth0')).stdout).toBe(
      [
        '2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000',
        '    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff',
        '    inet 10.0.1.1/24 scope global eth0',
        '       valid_lft forever preferred_lft forever',
        '',
      ].join('\n'),
    );
    expect((await ask('-r', 'r', 'ip', 'link', 'show', 'dummy')).stdout).toMatch(
      /^3: dummy: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 /,
    );
    expect((await ask('-r', 'r', 'ip', 'neigh')).stdout).toMatch(/^10\.0\.1\.2 dev eth0 lladdr 02:00:00:00:00:0a (REACHABLE|DELAY|STALE)/);
    expect((await ask('-r', 'r', 'sysctl', 'net.ipv4.ip_forward')).stdout).toBe('net.ipv4.ip_forward = 1\n');
    expect(JSON.parse((await ask('-r', 'r', 'stats', '--json')).stdout)).toMatchObject({ router: 'r', counters: { Icmp: { InEchos: 2 } } });
    expect(await ask('-r', 'r', 'ip', 'route', 'add', '10.0.0.1/8', 'via', '10.0.1.2')).toMatchObject({
      status: 2,
      stderr: 'Error: Invalid prefix for given prefix length.\n',
    });

    expect(await ask('ip', 'route')).toMatchObject({
      status: 2,
      stderr: 'packetwalk: this is a lab: choose a router with -r (there are: a, r)\n',
    });
    expect(await ask('-r', 'x', 'ip', 'route')).toMatchObject({
      status: 1,
      stderr: 'packetwalk: no router "x" is running (running: lab)\n',
    });
    expect(await ask('-r', 'r', 'frobnicate')).toMatchObject({ status: 127, stderr: 'packetwalk: unknown command "frobnicate"\n' });

    expect(await stop(child, 'SIGTERM')).toBe(0);
    expect(existsSync(socket('lab'))).toBe(false);
    expect(await ask('ip', 'route')).toMatchObject({
      status: 1,
      stderr: 'packetwalk: no router is running (start one with packetwalk run FILE)\n',
    });
  });

  it('has a name of its own: a second instance needs another', async () => {
    await start(['run', 'lab.yaml']);
    await expect(start(['run', 'lab.yaml'])).rejects.toThrow(/ended with 1: .*a router named "lab" runs already/s);
    await start(['-r', 'two', 'run', 'lab.yaml']);
    expect(await ask('-r', 'a', 'ip', 'route')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('several labs have a router "a"'),
    });
    expect(await ask('-r', 'two.a', 'ip', 'route')).toMatchObject({ status: 0 });
  });

  it('recognises the socket of an instance that was killed', async () => {
    const { child } = await start(['run', 'lab.yaml']);
    await stop(child, 'SIGKILL');
    expect(existsSync(socket('lab'))).toBe(true);
    expect(await ask('-r', 'lab', 'ip', 'route')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('nobody answers: the router was killed'),
    });
    await start(['run', 'lab.yaml']);
    expect(await ask('-r', 'a', 'ip', 'route')).toMatchObject({ status: 0 });
  });
});
