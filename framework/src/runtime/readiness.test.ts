import { afterEach, describe, expect, it } from 'vitest';
import { type Libc, loadLibc, POLLIN, POLLOUT } from './libc.ts';
import { PollThread } from './poll-thread.ts';
import { type FdWatch, type Ready, watchFd } from './readiness.ts';

type Watch = (libc: Libc, fd: number, ready: Ready) => FdWatch;

let thread: PollThread | null = null;
const byThread: Watch = (libc, fd, ready) => {
  thread ??= new PollThread(libc);
  return thread.watch(fd, ready);
};

// Each runtime has one way of its own; the thread is tried on both.
const ways: [string, Watch][] = [
  ['watchFd', watchFd],
  ['PollThread', byThread],
];

describe.runIf(process.platform === 'linux').each(ways)('%s', (_, watch) => {
  const libc = loadLibc(import.meta.url);
  const one = new Uint8Array(8);
  one[0] = 1;
  const count = new Uint8Array(8);
  const open: { fd: number; watch: FdWatch }[] = [];

  afterEach(() => {
    for (const { fd, watch } of open.splice(0)) {
      watch.close();
      libc.close(fd);
    }
  });

  /** A counter under watch; `next` waits for the next call of `ready`. */
  function counter(onReady: (events: number) => void = () => {}): Counter {
    const fd = libc.eventfd();
    const calls: number[] = [];
    let wake = (_: number): void => {};
    const ready = (events: number): void => {
      calls.push(events);
      onReady(events);
      wake(events);
    };
    const made = watch(libc, fd, ready);
    open.push({ fd, watch: made });
    return {
      watch: made,
      calls,
      next: () => new Promise((done) => (wake = done)),
      add: () => libc.check(libc.write(fd, libc.addressOf(one), one.length), 'write'),
      take: () => libc.read(fd, libc.addressOf(count), count.length),
    };
  }

  interface Counter {
    readonly watch: FdWatch;
    readonly calls: number[];
    next(): Promise<number>;
    add(): void;
    take(): number;
  }

  it('tells of what was there before it was armed', async () => {
    const c = counter();
    c.add();
    c.watch.arm(POLLIN);
    expect(await c.next()).toBe(POLLIN);
  });

  it('tells of what comes later, as often as it is armed', async () => {
    const c = counter();
    for (let i = 0; i < 200; i++) {
      c.watch.arm(POLLIN);
      const next = c.next();
      if (i % 2 === 0) c.add();
      else setImmediate(() => c.add());
      expect(await next).toBe(POLLIN);
      while (c.take() > 0);
    }
  });

  it('tells again of what was left', async () => {
    const c = counter();
    c.add();
    for (let i = 0; i < 3; i++) {
      c.watch.arm(POLLIN);
      expect(await c.next()).toBe(POLLIN);
    }
  });

  it('tells which of two events it was', async () => {
    const c = counter();
    c.watch.arm(POLLIN | POLLOUT);
    expect(await c.next()).toBe(POLLOUT);
    c.watch.arm(POLLIN);
    c.add();
    let events = await c.next();
    // The answer to the wait before may still come.
    if (events === POLLOUT) events = await c.next();
    expect(events).toBe(POLLIN);
  });

  it('says nothing of what it is not armed for', async () => {
    const [quiet, loud] = [counter(), counter()];
    quiet.watch.arm(POLLIN);
    quiet.watch.arm(0);
    quiet.add();
    for (let i = 0; i < 5; i++) {
      loud.add();
      loud.watch.arm(POLLIN);
      await loud.next();
      loud.take();
    }
    expect(quiet.calls).toEqual([]);
  });

  it('watches many, and any of them may be closed while it speaks', async () => {
    const counters = Array.from({ length: 20 }, () => counter());
    for (const c of counters) c.watch.arm(POLLIN);
    for (const c of [counters[7], counters[0], counters[19]]) {
      const next = c.next();
      c.add();
      expect(await next).toBe(POLLIN);
      c.watch.close();
    }
    const closing: Counter = counter(() => closing.watch.close());
    closing.add();
    closing.watch.arm(POLLIN);
    await closing.next();
    const last = counters[10].next();
    counters[10].add();
    expect(await last).toBe(POLLIN);
    expect(closing.calls.length).toBe(1);
  });
});
