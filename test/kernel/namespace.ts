/** namespace.ts — a network namespace of this machine, with a shell in it. Needs root and iproute2. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { CLONE_NEWNET, type Libc, O_CLOEXEC, O_RDONLY } from '@packetwalk/framework/runtime';

const execute = promisify(execFile);

/** What a command of the shell gave; both output streams as one. */
export interface ShellResult {
  readonly status: number;
  readonly output: string;
}

/** Ends the output of a command, with its status behind it. */
const MARK = 'packetwalk-shell-mark';

let count = 0;

export class Namespace {
  readonly name: string;
  private readonly shell: ChildProcessWithoutNullStreams;
  private output = '';
  private pending: ((result: ShellResult) => void) | null = null;

  private constructor(name: string) {
    this.name = name;
    this.shell = spawn('ip', ['netns', 'exec', name, 'bash']);
    this.shell.stdout.setEncoding('utf8');
    this.shell.stdout.on('data', (text: string) => this.hear(text));
    this.shell.on('exit', () => this.pending?.({ status: -1, output: `${this.output}the shell ended` }));
  }

  /** Makes a namespace with a name of its own. */
  static async create(): Promise<Namespace> {
    const name = `pw-kernel-${process.pid}-${++count}`;
    await execute('ip', ['netns', 'add', name]);
    return new Namespace(name);
  }

  /** Runs a command line as typed; one at a time. */
  run(command: string): Promise<ShellResult> {
    if (this.pending !== null) throw new Error(`${this.name}: a command is running already`);
    return new Promise((resolve) => {
      this.pending = resolve;
      this.shell.stdin.write(`( ${command}\n) 2>&1 </dev/null; printf '${MARK} %d\\n' $?\n`);
    });
  }

  /** Runs a command line that must succeed. */
  async need(command: string): Promise<void> {
    const { status, output } = await this.run(command);
    if (status !== 0) throw new Error(`ended with ${status}: ${command}\n${output}`);
  }

  /** Does `work` with the calling thread in the namespace: what it opens belongs there. */
  inside<T>(libc: Libc, work: () => T): T {
    const here = libc.check(libc.open('/proc/thread-self/ns/net', O_RDONLY | O_CLOEXEC), 'own namespace');
    const there = openSync(`/run/netns/${this.name}`, 'r');
    try {
      libc.check(libc.setns(there, CLONE_NEWNET), 'setns');
      try {
        return work();
      } finally {
        libc.check(libc.setns(here, CLONE_NEWNET), 'setns');
      }
    } finally {
      closeSync(there);
      libc.close(here);
    }
  }

  /** Ends the shell and takes the namespace away, with all devices in it. */
  async remove(): Promise<void> {
    const ended = new Promise((resolve) => this.shell.once('close', resolve));
    this.shell.stdin.end();
    await ended;
    await execute('ip', ['netns', 'del', this.name]);
  }

  private hear(text: string): void {
    this.output += text;
    const end = new RegExp(`${MARK} (\\d+)\\n$`).exec(this.output);
    if (end === null) return;
    const { pending, output } = this;
    this.pending = null;
    this.output = '';
    pending?.({ status: Number(end[1]), output: output.slice(0, end.index) });
  }
}
