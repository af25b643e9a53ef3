import { afterEach, describe, expect, it, vi } from 'vitest';
import { devOpen, registerNetdev } from '../dev.ts';
import { silentLog } from '../log.ts';
import { Net } from '../net.ts';
import type { NetDevice } from '../netdevice.ts';
import { NAPI_POLL_WEIGHT, NETDEV_BUDGET, Softirq } from '../softirq.ts';
import { Timer } from '../timer.ts';
import { Tracer } from '../trace.ts';
import { HostClock } from './host-clock.ts';
import { attachToHost } from './host-loop.ts';
import { HostRandom } from './host-random.ts';

const softirq = (): Softirq => new Softirq(new HostClock(), new HostRandom(), silentLog);

/** A device that has `frames` to receive, and counts its polls. */
function busyDevice(irq: Softirq, frames: number, received: (left: number) => void): NetDevice {
  let left = frames;
  let wake = (): void => {};
  const net = new Net('r', irq, silentLog, new Tracer());
  const dev = registerNetdev(
    net,
    {
      startXmit: () => 0,
      poll(budget) {
        const done = Math.min(budget, left);
        left -= done;
        received(left);
        return done;
      },
      arm(schedule) {
        wake = schedule;
      },
    },
    { name: 'eth0', kind: 'test' },
  );
  devOpen(dev);
  wake();
  return dev;
}

describe('attachToHost', () => {
  let detach = (): void => {};
  afterEach(() => detach());

  it('does the work that waited, and fires timers', async () => {
    const irq = softirq();
    const fired = new Promise<number>((done) => irq.setTimer('test', 5, () => done(irq.jiffies)));
    const start = irq.jiffies;
    detach = attachToHost(irq);
    expect((await fired) - start).toBeGreaterThanOrEqual(5);
    const again = new Promise<void>((done) => irq.setTimer('test', 0, done));
    await again;
  });

  it('lets the host have a turn between bounded rounds', async () => {
    const irq = softirq();
    const frames = 50 * NETDEV_BUDGET;
    const polls: number[] = [];
    const finished = new Promise<void>((done) => {
      busyDevice(irq, frames, (left) => {
        polls.push(left);
        if (left === 0) done();
      });
    });
    const seen: number[] = [];
    const look = (): void => {
      seen.push(polls.length);
      if (polls.at(-1) !== 0) setImmediate(look);
    };
    setImmediate(look);
    detach = attachToHost(irq);
    await finished;
    const perTurn = seen.slice(1).map((n, i) => n - seen[i]);
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(Math.ceil(NETDEV_BUDGET / NAPI_POLL_WEIGHT));
    expect(seen.length).toBeGreaterThan(40);
  });

  it('runs nothing when there is nothing to do', async () => {
    const irq = softirq();
    const run = vi.spyOn(irq, 'run');
    detach = attachToHost(irq);
    await new Promise((done) => setTimeout(done, 20));
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('stops for good', async () => {
    const irq = softirq();
    const fire = vi.fn();
    attachToHost(irq)();
    irq.modTimer(new Timer('test', fire), 1);
    busyDevice(irq, 10, fire);
    await new Promise((done) => setTimeout(done, 20));
    expect(fire).not.toHaveBeenCalled();
  });
});
