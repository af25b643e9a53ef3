/** control-server.ts — the control socket of a running instance: mode 0600, one command a connection. */
import { unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { type CommandIo, type Lab, type Router, savedConfigText } from '@packetwalk/framework';
import { type ControlMessage, type ControlRequest, LineReader } from './control-protocol.ts';
import { ownRunDir } from './run-dir.ts';

/** Longest path of a socket on Linux (sun_path). */
const MAX_SOCKET_PATH = 107;
/** Most characters of a request: a long iptables-restore fits. */
const MAX_REQUEST = 64 * 1024 * 1024;
/** Bytes that a slow reader of binary output may be behind. */
const MAX_BEHIND = 16 * 1024 * 1024;

/** Serves commands until it is closed. */
export class ControlServer {
  readonly path: string;
  private readonly lab: Lab;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(lab: Lab, path: string) {
    this.lab = lab;
    this.path = path;
    this.server = createServer({ allowHalfOpen: true }, (socket) => this.accept(socket));
  }

  /** Opens the socket of instance `name`. Throws an Error with one line when another instance has that name. */
  static async open(lab: Lab, name: string): Promise<ControlServer> {
    const path = join(ownRunDir(), `${name}.sock`);
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
      throw new Error(`control socket ${path}: the path is longer than ${MAX_SOCKET_PATH} bytes`);
    if (await isAlive(path)) throw new Error(`a router named "${name}" runs already (${path}); choose another with hostname:`);
    // Nobody answers there: it was left by a process that was killed.
    remove(path);
    const control = new ControlServer(lab, path);
    await control.listen();
    return control;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    remove(this.path);
  }

  private listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      // The mode must be right from the first moment: another user may be waiting for it.
      const mask = process.umask(0o177);
      this.server.once('error', (error) => {
        process.umask(mask);
        reject(new Error(`control socket ${this.path}: ${error.message}`));
      });
      this.server.listen(this.path, () => {
        process.umask(mask);
        resolve();
      });
    });
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    const gone = new AbortController();
    let serving = 0;
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    // The person interrupts: the command ends, and may still say what it has found.
    socket.on('end', () => {
      gone.abort();
      if (serving === 0) socket.end();
    });
    socket.on('close', () => {
      this.sockets.delete(socket);
      gone.abort();
    });
    let size = 0;
    const lines = new LineReader((line) => {
      serving++;
      void this.serve(socket, line, gone.signal).finally(() => serving--);
    });
    socket.on('data', (text: string) => {
      size += text.length;
      if (size > MAX_REQUEST) socket.destroy();
      else lines.push(text);
    });
  }

  private async serve(socket: Socket, line: string, signal: AbortSignal): Promise<void> {
    const send = (message: ControlMessage): void => {
      if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
    };
    let status = 1;
    try {
      const request = JSON.parse(line) as ControlRequest;
      const io: CommandIo = {
        out: (out) => send({ out }),
        outBytes: (bytes, must) => {
          if (!must && socket.writableLength > MAX_BEHIND) return false;
          send({ bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64') });
          return true;
        },
        err: (err) => send({ err }),
        flags: new Set(),
        signal,
        input: request.input ?? '',
      };
      status = await this.run(request, io);
    } catch (error) {
      send({ err: `packetwalk: ${error instanceof Error ? error.message : String(error)}\n` });
    }
    send({ status });
    socket.end();
  }

  private async run(request: ControlRequest, io: CommandIo): Promise<number> {
    const { routers, softirq } = this.lab;
    if (request.argv.length === 0) {
      io.out(`${[...routers.keys()].join('\n')}\n`);
      return 0;
    }
    // All of a lab at once is the one thing that no router of it can say.
    if (request.argv[0] === 'save' && request.argv.length === 1 && request.router === undefined && routers.size > 1) {
      io.out(savedConfigText(this.lab.save()));
      return 0;
    }
    const router = this.choose(request.router);
    if (typeof router === 'string') {
      io.err(`packetwalk: ${router}\n`);
      return 2;
    }
    softirq.touch();
    return router.commands.run(request.argv, io);
  }

  private choose(name: string | undefined): Router | string {
    const { routers } = this.lab;
    const known = [...routers.keys()].join(', ');
    if (name !== undefined) return routers.get(name) ?? `no router "${name}" here (there are: ${known})`;
    if (routers.size === 1) return routers.values().next().value as Router;
    return `this is a lab: choose a router with -r (there are: ${known})`;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Somebody listens there. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
