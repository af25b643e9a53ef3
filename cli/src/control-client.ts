/** control-client.ts — sends a command line to a running router and shows the answer. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { type ControlMessage, type ControlRequest, LineReader } from './control-protocol.ts';
import { runningSockets } from './run-dir.ts';

export interface ClientRequest {
  readonly argv: readonly string[];
  /** `INSTANCE`, `INSTANCE.ROUTER`, or a ROUTER that only one lab has. */
  readonly router: string | undefined;
  /** Takes binary output; standard output does unless told. */
  readonly onBytes?: (bytes: Uint8Array) => void;
}

/** Commands that read standard input. */
const READS_INPUT = /-restore$/;

interface Target {
  readonly path: string;
  readonly router?: string;
}

/** Exit status when no router can be reached. */
const UNREACHABLE = 1;

export async function sendCommand(request: ClientRequest): Promise<number> {
  const target = await findTarget(request.router);
  if (typeof target === 'string') {
    process.stderr.write(`packetwalk: ${target}\n`);
    return UNREACHABLE;
  }
  const input = READS_INPUT.test(request.argv[0]) ? { input: readFileSync(0, 'utf8') } : {};
  const { path, router } = target;
  const onBytes = request.onBytes ?? ((bytes: Uint8Array) => void process.stdout.write(bytes));
  const out = { write: (text: string) => process.stdout.write(text), onBytes };
  return talk(path, { argv: request.argv, ...input, ...(router === undefined ? {} : { router }) }, out, process.stderr);
}

async function findTarget(name: string | undefined): Promise<Target | string> {
  const sockets = runningSockets();
  const running = [...sockets.keys()].join(', ');
  if (sockets.size === 0) return 'no router is running (start one with packetwalk run FILE)';
  if (name === undefined) {
    if (sockets.size > 1) return `several routers are running: choose one with -r (${running})`;
    return { path: sockets.values().next().value as string };
  }
  const exact = sockets.get(name);
  if (exact !== undefined) return { path: exact };
  const dot = name.indexOf('.');
  const lab = dot < 0 ? undefined : sockets.get(name.slice(0, dot));
  if (lab !== undefined) return { path: lab, router: name.slice(dot + 1) };
  const having: string[] = [];
  for (const path of sockets.values()) if ((await routersOf(path)).includes(name)) having.push(path);
  if (having.length === 1) return { path: having[0], router: name };
  if (having.length > 1) return `several labs have a router "${name}": say which as LAB.${name} (${running})`;
  return `no router "${name}" is running (running: ${running})`;
}

async function routersOf(path: string): Promise<string[]> {
  let text = '';
  const keep = { write: (s: string) => (text += s) };
  const status = await talk(path, { argv: [] }, keep, { write: () => undefined });
  return status === 0 ? text.trim().split('\n') : [];
}

interface Sink {
  write(text: string): unknown;
  onBytes?(bytes: Uint8Array): void;
}

function talk(path: string, request: ControlRequest, out: Sink, err: Sink): Promise<number> {
  return new Promise((resolve) => {
    let status = UNREACHABLE;
    const socket = connect(path);
    socket.setEncoding('utf8');
    const keep = (base64: string): void => {
      try {
        out.onBytes?.(Buffer.from(base64, 'base64'));
      } catch (error) {
        err.write(`packetwalk: ${error instanceof Error ? error.message : String(error)}\n`);
        socket.destroy();
      }
    };
    const lines = new LineReader((line) => {
      const message = JSON.parse(line) as ControlMessage;
      if ('out' in message) out.write(message.out);
      else if ('bytes' in message) keep(message.bytes);
      else if ('err' in message) err.write(message.err);
      else status = message.status;
    });
    // The first Ctrl-C ends the command, which may still say something; the second ends this program.
    const interrupt = (): void => void socket.end();
    process.once('SIGINT', interrupt);
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on('data', (text: string) => lines.push(text));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'ECONNREFUSED'
          ? 'nobody answers: the router was killed'
          : error.code === 'EACCES'
            ? 'permission denied'
            : error.message;
      err.write(`packetwalk: ${path}: ${reason}\n`);
      resolve(UNREACHABLE);
    });
    socket.on('close', () => {
      process.off('SIGINT', interrupt);
      resolve(status);
    });
  });
}
