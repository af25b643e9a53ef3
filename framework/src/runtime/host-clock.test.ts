import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HostClock } from './host-clock.ts';

const DAY = 86_400_000;

describe('HostClock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('tells both times', () => {
    const clock = new HostClock();
    const start = clock.now();
    vi.advanceTimersByTime(1500);
    expect(clock.now() - start).toBeCloseTo(1500);
    expect(clock.wallClock()).toBe(1_700_000_001_500);
    expect(clock.virtual).toBe(false);
  });

  it('fires an alarm once, not before its time', () => {
    const clock = new HostClock();
    const fire = vi.fn();
    const at = clock.now() + 50.5;
    clock.alarm(at, () => fire(clock.now()));
    vi.advanceTimersByTime(50);
    expect(fire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(fire).toHaveBeenCalledTimes(1);
    expect(fire.mock.calls[0][0]).toBeGreaterThanOrEqual(at);
  });

  it('fires at once what is due already', () => {
    const clock = new HostClock();
    const fire = vi.fn();
    clock.alarm(clock.now() - 10, fire);
    expect(fire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fire).toHaveBeenCalledTimes(1);
  });

  it('replaces the alarm before, and takes it back at Infinity', () => {
    const clock = new HostClock();
    const [early, late, never] = [vi.fn(), vi.fn(), vi.fn()];
    clock.alarm(clock.now() + 10, early);
    clock.alarm(clock.now() + 20, late);
    vi.advanceTimersByTime(100);
    expect([early.mock.calls.length, late.mock.calls.length]).toEqual([0, 1]);
    clock.alarm(clock.now() + 10, never);
    clock.alarm(Number.POSITIVE_INFINITY, never);
    vi.advanceTimersByTime(100);
    expect(never).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sets no new timer for the same time', () => {
    const clock = new HostClock();
    const fire = vi.fn();
    const at = clock.now() + 10;
    const set = vi.spyOn(globalThis, 'setTimeout');
    for (let i = 0; i < 100; i++) clock.alarm(at, fire);
    expect(set).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(10);
    expect(fire).toHaveBeenCalledTimes(1);
    clock.alarm(clock.now() + 10, fire);
    vi.advanceTimersByTime(10);
    expect(fire).toHaveBeenCalledTimes(2);
    set.mockRestore();
  });

  it('waits longer than a host timer can', () => {
    const clock = new HostClock();
    const fire = vi.fn();
    clock.alarm(clock.now() + 60 * DAY, fire);
    vi.advanceTimersByTime(60 * DAY - 1);
    expect(fire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fire).toHaveBeenCalledTimes(1);
  });
});
