/**
 * readiness.ts — tells when a file descriptor is ready, and costs nothing while it is not.
 *
 * On Node koffi adds the descriptor to libuv's loop. Deno's stand-in for uv_poll starts a thread for each wait and wakes it
 * every 10 ms (denoland/deno#36317), so there one thread waits in epoll_wait(2) for all descriptors: see poll-thread.ts.
 */
import { type KoffiPollEvents, type KoffiPollHandle, type Libc, POLLERR, POLLIN, POLLOUT } from './libc.ts';
import { PollThread } from './poll-thread.ts';

/** Hears which of POLLIN, POLLOUT and POLLERR came true. */
export type Ready = (events: number) => void;

export interface FdWatch {
  /**
   * Asks for one call, at least, once `events` (POLLIN, POLLOUT, both, or 0 for none) come true; it replaces what was asked
   * before. More calls may follow until the next `arm`. POLLERR is reported always, and ends the watch.
   */
  arm(events: number): void;
  /** Ends the watch; call it before the descriptor is closed. */
  close(): void;
}

/** Watches `fd`, for nothing yet. The watch keeps the process running. */
export function watchFd(libc: Libc, fd: number, ready: Ready): FdWatch {
  if (!('Deno' in globalThis)) return new UvWatch(libc, fd, ready);
  thread ??= new PollThread(libc);
  return thread.watch(fd, ready);
}

let thread: PollThread | null = null;

/** libuv reports a state as long as it lasts, so a watch armed for the same events again is left alone. */
class UvWatch implements FdWatch {
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly ready: Ready;
  private handle: KoffiPollHandle | null = null;
  private events = 0;

  constructor(libc: Libc, fd: number, ready: Ready) {
    this.libc = libc;
    this.fd = fd;
    this.ready = ready;
  }

  arm(events: number): void {
    if (events === this.events) return;
    this.events = events;
    const wanted = { readable: (events & POLLIN) !== 0, writable: (events & POLLOUT) !== 0 };
    if (events === 0) this.handle?.stop();
    else if (this.handle === null) this.handle = this.libc.uvPoll(this.fd, wanted, this.onPoll);
    else this.handle.start(wanted, this.onPoll);
  }

  close(): void {
    this.events = 0;
    this.handle?.close();
    this.handle = null;
  }

  private readonly onPoll = (status: number, { readable, writable }: KoffiPollEvents): void => {
    if (status < 0) this.events = 0;
    this.ready(status < 0 ? POLLERR : (readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
  };
}
