/** capture-output.ts — where the bytes of a capture go: a file, or standard output. */
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { CommandError } from '@packetwalk/framework';
import { claimFile } from './file-claim.ts';
import { attempt } from './system-error.ts';

const STDOUT = 1;
/** How long to wait, in ms, before a pipe that was full is tried again. */
const PIPE_WAIT = 1;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

export class CaptureOutput {
  /** Somebody may be reading along: a pipe should get each burst at once. */
  readonly live: boolean;
  /** It has no file header yet. */
  readonly fresh: boolean;
  /** Something was written: what the file held before is gone. */
  begun = false;
  private readonly fd: number;
  private readonly release: () => void;
  /** A file on a disk; and one that was opened here, as standard output was not. */
  private readonly regular: boolean;
  private readonly own: boolean;
  /** Bytes in the file that were written whole. */
  private size = 0;

  /**
   * Opens `path`, `-` for standard output. What a file holds is overwritten by the first write, unless `again` says that
   * it was opened before: then it goes on.
   */
  constructor(path: string, shown: string, again: boolean) {
    this.own = path !== '-';
    const flags = constants.O_WRONLY | constants.O_CREAT | (again ? constants.O_APPEND : 0);
    this.fd = this.own ? attempt('open', shown, () => openSync(path, flags, 0o644)) : STDOUT;
    try {
      if (isatty(this.fd)) throw new CommandError(`${shown} is a terminal: a capture would be unreadable there`);
      this.release = claimFile(this.fd, shown, 'write');
    } catch (error) {
      this.closeFile();
      throw error;
    }
    const stat = fstatSync(this.fd);
    this.regular = stat.isFile();
    this.live = !this.regular;
    if (this.regular && this.own && again) {
      this.size = stat.size;
      this.fresh = this.size === 0;
    } else {
      this.fresh = !again;
    }
  }

  /** Gives all bytes to the system, or throws and takes back what was half written. */
  write(bytes: Uint8Array): void {
    const file = this.regular && this.own;
    if (file && !this.begun) ftruncateSync(this.fd, this.size);
    this.begun = true;
    try {
      this.writeAll(bytes);
    } catch (error) {
      if (file) ftruncateSync(this.fd, this.size);
      throw error;
    }
    this.size += bytes.length;
  }

  /** What was written to a file is on the disk after this, not only with the system. */
  close(): void {
    try {
      if (this.regular && this.begun) fsyncSync(this.fd);
    } finally {
      this.release();
      this.closeFile();
    }
  }

  private writeAll(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      try {
        at += writeSync(this.fd, bytes, at, bytes.length - at);
      } catch (error) {
        // A pipe whose reader is slow: the router waits for it, as any filter would.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        Atomics.wait(sleeper, 0, 0, PIPE_WAIT);
      }
    }
  }

  private closeFile(): void {
    if (this.own) closeSync(this.fd);
  }
}
