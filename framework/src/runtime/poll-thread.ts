/**
 * poll-thread.ts — one epoll_wait(2) on a thread of koffi's, for all watched descriptors of the process (epoll(7)).
 *
 *      arm ──▶ epoll_ctl        epoll_wait on the thread ──▶ ready(events) of each, disarmed
 *                                        ▲                            │
 *                                        └────── setImmediate ◀───────┘
 *
 * What came true is not waited for again before it is armed (EPOLLONESHOT): a device being drained does not spin the thread. The
 * next wait starts behind the immediates that `ready` queued, so a device drained in one round is part of it.
 *
 * Not poll(2): that holds the files that it waits for, and one closed meanwhile is still there for others until the thread
 * comes back. A TAP interface is then busy.
 */
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLONESHOT, type Libc, POLLERR, POLLIN } from './libc.ts';
import type { FdWatch, Ready } from './readiness.ts';

const POLLHUP = 0x10;
const FAILED: number = POLLERR | POLLHUP;

/** struct epoll_event: events (32 bits), data (64 bits); packed on x86-64 alone. */
const DATA_AT: number = process.arch === 'x64' ? 4 : 8;
const EVENT_SIZE: number = DATA_AT + 8;
/** Most events of one wait. */
const BATCH = 64;
/** Data of the descriptor that interrupts a wait. */
const INTERRUPT = 0;

export class PollThread {
  private readonly libc: Libc;
  private readonly epoll: number;
  private readonly watches = new Map<number, ThreadWatch>();
  private lastId: number = INTERRUPT;
  /** Watches that wait for something: while there are any, the thread waits, and the process runs. */
  private armed = 0;
  private readonly interruptFd: number;
  private readonly count: Uint8Array = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
  private readonly countAddress: number;
  private readonly event: DataView = new DataView(new ArrayBuffer(EVENT_SIZE));
  private readonly eventAddress: number;
  /** The thread's own while it waits. */
  private readonly events: DataView = new DataView(new ArrayBuffer(EVENT_SIZE * BATCH));
  private readonly eventsAddress: number;
  private scheduled = false;
  private waiting = false;
  private interrupted = false;

  constructor(libc: Libc) {
    this.libc = libc;
    this.countAddress = libc.addressOf(this.count);
    this.eventAddress = libc.addressOf(this.event);
    this.eventsAddress = libc.addressOf(this.events);
    this.epoll = libc.epoll();
    this.interruptFd = libc.eventfd();
    this.control(EPOLL_CTL_ADD, this.interruptFd, INTERRUPT, POLLIN);
  }

  watch(fd: number, ready: Ready): FdWatch {
    const watch = new ThreadWatch(this, ++this.lastId, fd, ready);
    this.watches.set(watch.id, watch);
    return watch;
  }

  remove(watch: ThreadWatch): void {
    this.setEvents(watch, 0);
    this.watches.delete(watch.id);
  }

  /** Waits for `events` of a watch from now on, also while the thread waits. */
  setEvents(watch: ThreadWatch, events: number): void {
    this.armed += Number(events !== 0) - Number(watch.events !== 0);
    watch.events = events;
    if (events === 0) {
      if (watch.registered) this.control(EPOLL_CTL_DEL, watch.fd, watch.id, 0);
      watch.registered = false;
    } else if (this.control(watch.registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch.fd, watch.id, events | EPOLLONESHOT)) {
      watch.registered = true;
    } else {
      // No file, or one that nobody can wait for.
      setImmediate(() => this.fire(watch, POLLERR));
    }
    if (!this.waiting) this.schedule();
    else if (this.armed === 0) this.interrupt();
  }

  private control(op: number, fd: number, id: number, events: number): boolean {
    this.event.setUint32(0, events, true);
    this.event.setUint32(DATA_AT, id, true);
    return this.libc.epollCtl(this.epoll, op, fd, this.eventAddress) === 0;
  }

  private interrupt(): void {
    if (this.interrupted) return;
    this.interrupted = true;
    this.libc.write(this.interruptFd, this.countAddress, this.count.length);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.wait);
  }

  private readonly wait = (): void => {
    this.scheduled = false;
    if (this.armed === 0) return;
    this.waiting = true;
    this.libc.epollWait.async(this.epoll, this.eventsAddress, BATCH, -1, this.woken);
  };

  private readonly woken = (_: unknown, count: number): void => {
    this.waiting = false;
    for (let i = 0; i < count; i++) {
      const came = this.events.getUint32(EVENT_SIZE * i, true);
      const id = this.events.getUint32(EVENT_SIZE * i + DATA_AT, true);
      if (id !== INTERRUPT) this.fire(this.watches.get(id), came);
      else {
        this.interrupted = false;
        this.libc.read(this.interruptFd, this.countAddress, this.count.length);
      }
    }
    this.schedule();
  };

  /** A watch that was closed or armed anew during the wait may have nothing of this one to hear. */
  private fire(watch: ThreadWatch | undefined, events: number): void {
    if (watch === undefined || watch.events === 0) return;
    const came = events & (watch.events | FAILED);
    if (came === 0) return;
    this.armed--;
    watch.events = 0;
    watch.ready((came & FAILED) !== 0 ? POLLERR : came);
  }
}

class ThreadWatch implements FdWatch {
  readonly id: number;
  readonly fd: number;
  readonly ready: Ready;
  /** What to wait for; 0 while it is not armed. */
  events = 0;
  /** The kernel knows it, armed or not. */
  registered = false;
  private readonly thread: PollThread;

  constructor(thread: PollThread, id: number, fd: number, ready: Ready) {
    this.thread = thread;
    this.id = id;
    this.fd = fd;
    this.ready = ready;
  }

  arm(events: number): void {
    if (events !== this.events) this.thread.setEvents(this, events);
  }

  close(): void {
    this.thread.remove(this);
  }
}
