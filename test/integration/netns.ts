/**
 * netns.ts — network namespaces for tests that have the host's kernel as a peer. Their names are the test's own, and all
 * that was made or started is gone when the lab is closed (ip-netns(8)).
 */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CLONE_NEWNET, loadLibc, O_CLOEXEC, O_RDONLY } from '@packetwalk/framework/runtime';
import { describe, it } from 'vitest';
import { type Ended, run } from '../program.ts';

/** A process that a test has started and has not waited for. */
export class Started {
  /** NaN when it could not be started. */
  readonly pid: number;
  /** What it has written so far, to standard output and standard error. */
  output = '';
  /** Exit status, or -1 for a signal. */
  readonly ended: Promise<number>;
  private readonly waiting = new Set<() => void>();
  private running = true;

  constructor(argv: readonly string[], env: Record<string, string>) {
    const [file, ...args] = argv;
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.pid = child.pid ?? Number.NaN;
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => this.wrote(text));
    this.ended = new Promise((done) => {
      const end = (status: number, words: string): void => {
        this.running = false;
        this.wrote(words);
        done(status);
      };
      child.once('error', (error) => end(-1, `${error.message}\n`));
      child.once('close', (status) => end(status ?? -1, ''));
    });
  }

  /** Waits until the output matches; throws with the output when the process ends before. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (!this.running) throw new Error(`the process ended without ${pattern}:\n${this.output}`);
      await new Promise<void>((done) => this.waiting.add(done));
    }
  }

  /** Sends a signal, and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    // Not child.kill: on Deno the child then seems to have died of the signal, whatever it made of it.
    if (this.running && this.pid > 0) process.kill(this.pid, signal);
    return await this.ended;
  }

  private wrote(text: string): void {
    this.output += text;
    for (const done of this.waiting) done();
    this.waiting.clear();
  }
}

/** One namespace. */
export class Netns {
  readonly name: string;
  private readonly started: Started[];

  constructor(name: string, started: Started[]) {
    this.name = name;
    this.started = started;
  }

  /** Runs a command line to its end, whatever its status. */
  run(...argv: string[]): Promise<Ended> {
    return run(this.argv(argv));
  }

  /** Output of a command line; throws when it fails. */
  async exec(...argv: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...argv);
    if (status !== 0) throw new Error(`${argv.join(' ')} in ${this.name}: status ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  /** `ip` with the words of `command`. */
  ip(command: string): Promise<string> {
    return this.exec('ip', ...command.split(' '));
  }

  /** Starts a command line, and ends it with the lab at the latest. */
  start(argv: readonly string[], env: Record<string, string> = {}): Started {
    const started = new Started(this.argv(argv), env);
    this.started.push(started);
    return started;
  }

  /** Moves this process into the namespace, for devices that it makes itself; returns the way back. */
  enter(): () => void {
    const libc = loadLibc(import.meta.url);
    const open = (path: string): number => libc.check(libc.open(path, O_RDONLY | O_CLOEXEC), path);
    const home = open('/proc/thread-self/ns/net');
    const there = open(`/run/netns/${this.name}`);
    libc.check(libc.setns(there, CLONE_NEWNET), `setns ${this.name}`);
    libc.close(there);
    return () => {
      libc.check(libc.setns(home, CLONE_NEWNET), 'setns');
      libc.close(home);
    };
  }

  private argv(argv: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.name, ...argv];
  }
}

let labs = 0;

/** Namespaces of one test. */
export class NetnsLab {
  private readonly prefix: string = `pw${process.pid}-${labs++}`;
  private readonly namespaces: Netns[] = [];
  private readonly started: Started[] = [];

  /** Makes a namespace with `lo` up and without IPv6, whose chatter no test wants. */
  async add(label: string): Promise<Netns> {
    const ns = new Netns(`${this.prefix}-${label}`, this.started);
    await host('ip', 'netns', 'add', ns.name);
    this.namespaces.push(ns);
    await ns.exec('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1');
    await ns.ip('link set lo up');
    return ns;
  }

  /** Ends what runs and takes the namespaces away. */
  async close(): Promise<void> {
    for (const started of this.started.splice(0)) await started.stop('SIGKILL');
    for (const ns of this.namespaces.splice(0)) await host('ip', 'netns', 'del', ns.name);
  }
}

async function host(...argv: string[]): Promise<void> {
  const { status, stderr } = await run(argv);
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}

/** The file that a command is found as, or null. */
function which(command: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return join(folder, command);
    } catch {
      // not here
    }
  }
  return null;
}

/** What this host lacks for tests with namespaces, TAPs and these commands; null when nothing. */
function lacking(commands: readonly string[]): string | null {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return 'needs /dev/net/tun';
  }
  const missing = ['ip', 'sysctl', ...commands].filter((command) => which(command) === null);
  return missing.length === 0 ? null : `needs ${missing.join(', ')}`;
}

/** A `describe` for tests against the kernel: skipped with a reason where they cannot run, but in CI they must. */
export function describeOnKernel(name: string, commands: readonly string[], body: () => void): void {
  const reason = lacking(commands);
  if (reason === null) describe(name, body);
  else if (process.env.CI === undefined) describe.skip(`${name} (${reason})`, body);
  else {
    it(name, () => {
      throw new Error(`${reason}, and CI must not skip it`);
    });
  }
}
