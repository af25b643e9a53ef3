/** process.ts — a contestant in its own process: a command a line out, a line of JSON back. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';

/** What contestant.ts and dpdk-fib.c answer; what they cannot do is left out. */
export interface Answer {
  readonly ns?: number;
  readonly cpuNs?: number;
  readonly sum?: number;
  readonly bytes?: number;
  readonly removeNs?: number;
  readonly addNs?: number;
  readonly n?: number;
  readonly average?: number;
  readonly most?: number;
}

export class Contestant {
  readonly name: string;
  private readonly child: ChildProcess;
  private readonly lines: Interface;
  private waiting: { resolve(answer: Answer): void; reject(error: Error): void } | null = null;

  constructor(name: string, command: string, args: readonly string[]) {
    this.name = name;
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.on('exit', (code) => this.waiting?.reject(new Error(`${name} ended with ${code}`)));
    this.lines = createInterface({ input: this.child.stdout! });
    this.lines.on('line', (line) => {
      const { waiting } = this;
      this.waiting = null;
      waiting?.resolve(JSON.parse(line) as Answer);
    });
  }

  ask(command: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.child.stdin!.write(`${command}\n`);
    });
  }

  close(): void {
    this.waiting = null;
    this.child.stdin!.end();
  }
}
