/** capture-input.ts — where the bytes of a capture come from: a file, or a stream that has them when it has them. */
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import { type CaptureReader, CommandError, type ReadInto } from '@packetwalk/framework';
import { claimFile } from './file-claim.ts';
import { attempt, systemReason } from './system-error.ts';

const STDIN = 0;

export interface CaptureInput {
  /** Opens it, or takes it up where `pause` left it. `wake` is called whenever there may be more to read. */
  resume(wake: () => void): void;
  /** Gives the reader more, or the end; false when there is nothing yet. */
  fill(reader: CaptureReader): boolean;
  pause(): void;
  /** How much of it has been read, 0 … 1; null when its end is not known. */
  progress(): number | null;
  /** Given up for good. */
  close(): void;
}

/** The input at `path`, `-` for standard input. Looks at what it is, opens nothing. */
export function captureInput(path: string, shown: string): CaptureInput {
  const stat = attempt('read', shown, () => (path === '-' ? fstatSync(STDIN) : statSync(path)));
  if (path === '-' && isatty(STDIN)) throw new CommandError(`${shown} is a terminal, not a capture`);
  return stat.isFIFO() || stat.isSocket() ? new StreamInput(path, shown) : new FileInput(path, shown, stat.size);
}

/** A file: read when more is needed, without waiting. */
class FileInput implements CaptureInput {
  private readonly path: string;
  private readonly shown: string;
  /** Bytes; 0 for what is no file. */
  private readonly size: number;
  private fd = -1;
  private position = 0;
  private release: () => void = () => {};
  private readonly readInto: ReadInto = (buf, at, length) => readSync(this.fd, buf, at, length, this.position);

  constructor(path: string, shown: string, size: number) {
    this.path = path;
    this.shown = shown;
    this.size = size;
  }

  progress(): number | null {
    return this.size === 0 ? null : Math.min(this.position / this.size, 1);
  }

  resume(): void {
    this.fd = this.path === '-' ? STDIN : attempt('open', this.shown, () => openSync(this.path, 'r'));
    try {
      this.release = claimFile(this.fd, this.shown, 'read');
    } catch (error) {
      this.pause();
      throw error;
    }
  }

  fill(reader: CaptureReader): boolean {
    this.position += attempt('read', this.shown, () => reader.fill(this.readInto));
    return true;
  }

  pause(): void {
    if (this.fd < 0) return;
    this.release();
    this.release = () => {};
    if (this.fd !== STDIN) closeSync(this.fd);
    this.fd = -1;
  }

  close(): void {
    this.pause();
  }
}

/** A pipe: stays open while the device is down, since it could not be taken up again. */
class StreamInput implements CaptureInput {
  private readonly path: string;
  private readonly shown: string;
  private stream: Readable | null = null;
  private ended = false;
  private error: Error | null = null;
  private wake: () => void = () => {};

  constructor(path: string, shown: string) {
    this.path = path;
    this.shown = shown;
  }

  resume(wake: () => void): void {
    this.wake = wake;
    if (this.stream !== null) return;
    this.stream = attempt('open', this.shown, () => openStream(this.path));
    this.stream.on('readable', () => this.wake());
    this.stream.on('end', () => {
      this.ended = true;
      this.wake();
    });
    this.stream.on('error', (error) => {
      this.error = error;
      this.wake();
    });
  }

  progress(): null {
    return null;
  }

  fill(reader: CaptureReader): boolean {
    const { error } = this;
    const chunk: Uint8Array | null = this.stream?.read() ?? null;
    if (chunk !== null) reader.push(chunk);
    else if (this.ended) reader.finish();
    else if (error === null) return false;
    else throw new CommandError(`cannot read ${this.shown}: ${systemReason(error)}`);
    return true;
  }

  pause(): void {
    this.wake = () => {};
  }

  close(): void {
    this.pause();
    if (this.stream === null) return;
    // On Deno a read of standard input goes on behind the destroyed stream, and keeps the process, until its descriptor is closed.
    if (this.path === '-' && !this.ended && 'Deno' in globalThis) closeSync(STDIN);
    this.stream.destroy();
    this.stream = null;
  }
}

function openStream(path: string): Readable {
  if (path === '-') return process.stdin;
  // A thread that waits for somebody to write to a named pipe cannot be called off, and the process would not end before
  // it does; a socket can. Deno knows no socket over a descriptor.
  if ('Deno' in globalThis) return createReadStream(path);
  return new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
}
