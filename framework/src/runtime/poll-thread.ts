/**
 * poll-thread.ts — one poll(2) on a thread of koffi's, for all watched descriptors of the process.
 *
 *      arm ──▶ setImmediate ──▶ poll(2) on the thread ──▶ ready(events) of each, disarmed
 *                  ▲                                            │
 *                  └────────────────────────────────────────────┘
 *
 * What came true is not waited for again before it is armed: a device being drained does not spin the thread. The next wait
 * starts behind the immediates that `ready` queued, so a device drained in one round is part of it.
 */
import { type Libc, POLLERR, POLLIN } from './libc.ts';
import type { FdWatch, Ready } from './readiness.ts';

/** struct pollfd: int fd, short events, short revents. */
const POLLFD_WORDS = 2;
const POLLHUP = 0x10;
const POLLNVAL = 0x20;
const FAILED: number = POLLERR | POLLHUP | POLLNVAL;

export class PollThread {
  private readonly libc: Libc;
  private readonly watches: ThreadWatch[] = [];
  /** Interrupts a wait when what is waited for changes: the first pollfd. */
  private readonly interruptFd: number;
  private readonly count: Uint8Array = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
  private readonly countAddress: number;
  private pollfds: Uint32Array = new Uint32Array(0);
  private polled: ThreadWatch[] = [];
  private scheduled = false;
  private waiting = false;
  private interrupted = false;

  constructor(libc: Libc) {
    this.libc = libc;
    this.interruptFd = libc.eventfd();
    this.countAddress = libc.addressOf(this.count);
  }

  watch(fd: number, ready: Ready): FdWatch {
    const watch = new ThreadWatch(this, fd, ready);
    this.watches.push(watch);
    return watch;
  }

  remove(watch: ThreadWatch): void {
    const i = this.watches.indexOf(watch);
    if (i >= 0) this.watches.splice(i, 1);
    this.changed();
  }

  /** What to wait for is no longer what is waited for. */
  changed(): void {
    if (!this.waiting) this.schedule();
    else if (!this.interrupted) {
      this.interrupted = true;
      this.libc.write(this.interruptFd, this.countAddress, this.count.length);
    }
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.wait);
  }

  private readonly wait = (): void => {
    this.scheduled = false;
    const armed = this.watches.filter((watch) => watch.events !== 0);
    if (armed.length === 0) return;
    this.polled = armed;
    // The thread reads and writes this array until it calls back.
    const pollfds = new Uint32Array(POLLFD_WORDS * (armed.length + 1));
    const events = new Int16Array(pollfds.buffer);
    pollfds[0] = this.interruptFd;
    events[2] = POLLIN;
    for (const [i, watch] of armed.entries()) {
      pollfds[POLLFD_WORDS * (i + 1)] = watch.fd;
      events[2 * POLLFD_WORDS * (i + 1) + 2] = watch.events;
    }
    this.pollfds = pollfds;
    this.waiting = true;
    this.libc.poll.async(this.libc.addressOf(pollfds), armed.length + 1, -1, this.woken);
  };

  private readonly woken = (): void => {
    this.waiting = false;
    this.interrupted = false;
    const revents = new Int16Array(this.pollfds.buffer);
    if (revents[3] !== 0) this.libc.read(this.interruptFd, this.countAddress, this.count.length);
    for (const [i, watch] of this.polled.entries()) {
      // A watch that was closed or armed anew during the wait may have nothing of this one to hear.
      const came = watch.events === 0 ? 0 : revents[2 * POLLFD_WORDS * (i + 1) + 3] & (watch.events | FAILED);
      if (came === 0) continue;
      watch.events = 0;
      watch.ready((came & FAILED) !== 0 ? POLLERR : came);
    }
    this.schedule();
  };
}

class ThreadWatch implements FdWatch {
  readonly fd: number;
  readonly ready: Ready;
  /** What to wait for; 0 while it is not armed. */
  events = 0;
  private readonly thread: PollThread;

  constructor(thread: PollThread, fd: number, ready: Ready) {
    this.thread = thread;
    this.fd = fd;
    this.ready = ready;
  }

  arm(events: number): void {
    if (events === this.events) return;
    this.events = events;
    this.thread.changed();
  }

  close(): void {
    this.events = 0;
    this.thread.remove(this);
  }
}
