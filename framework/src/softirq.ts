/**
 * softirq.ts — the loop that does the work: polls devices that have frames, empties the backlog, fires timers
 * (cf. Linux net/core/dev.c net_rx_action, kernel/softirq.c). One for all routers of a process.
 *
 * Each round is bounded, so that control sockets and other devices get their turn: the host calls `run` again
 * while it returns true. In virtual time whoever advances the clock calls it until it returns false.
 */
import type { Clock, Random, VirtualClock } from './clock.ts';
import { netifReceiveLoopback, netifReceiveSkb } from './dev.ts';
import { SKB_DROP_REASON_CPU_BACKLOG, SKB_DROP_REASON_PLUGIN_EXCEPTION, SKB_DROP_REASON_QUEUE_PURGE } from './drop-reason.ts';
import type { Log } from './log.ts';
import type { NetDevice } from './netdevice.ts';
import { kfreeSkb, PACKET_LOOPBACK, type SkBuff, SkbPool, SkbQueue } from './skbuff.ts';
import { Timer, TimerQueue } from './timer.ts';

/** Frames a device may receive in one turn (NAPI_POLL_WEIGHT), and all together in one round (net.core.netdev_budget). */
export const NAPI_POLL_WEIGHT = 64;
export const NETDEV_BUDGET = 300;
/** Frames the backlog holds (net.core.netdev_max_backlog). */
export const NETDEV_MAX_BACKLOG = 1000;

export class Softirq {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly pool: SkbPool = new SkbPool();
  readonly timers: TimerQueue = new TimerQueue();
  /** The time of this round in ms: read it on the path instead of the clock. */
  jiffies = 0;
  maxBacklog: number = NETDEV_MAX_BACKLOG;
  /** Exceptions caught so far, by the name of what threw. */
  readonly faults: Map<string, number> = new Map();
  /** The packet being received, so that a burst that throws loses one packet and leaks none. */
  inflight: SkBuff | null = null;
  /** Called when a round has left nothing to do: whoever waits for the end of input looks then. */
  onIdle: () => void = () => {};
  private readonly pollList: NetDevice[] = [];
  private readonly backlog: SkbQueue = new SkbQueue();
  private readonly flushList: NetDevice[] = [];
  private running = false;
  private kick: () => void = () => {};

  constructor(clock: Clock, random: Random, log: Log) {
    this.clock = clock;
    this.random = random;
    this.log = log;
    this.jiffies = clock.now();
  }

  /** Says how to get `run` called soon from outside (setImmediate, say), and lets the clock wake it for timers. */
  attach(kick: () => void): void {
    this.kick = kick;
    const wake = (): void => this.kick();
    this.timers.onEarliest = (at) => this.clock.alarm(at, wake);
    this.clock.alarm(this.timers.earliest(), wake);
  }

  /** No more calls from outside. */
  detach(): void {
    this.kick = () => {};
    this.timers.onEarliest = () => {};
    this.clock.alarm(Number.POSITIVE_INFINITY, () => {});
  }

  /** The device may have frames: poll it in this round or the next (napi_schedule). */
  napiSchedule(dev: NetDevice): void {
    if (dev.napiScheduled) return;
    dev.napiScheduled = true;
    this.pollList.push(dev);
    if (!this.running) this.kick();
  }

  /** Queues a frame as if it arrived at `skb.dev`, which never recurses (netif_rx). */
  netifRx(skb: SkBuff): void {
    if (this.backlog.length >= this.maxBacklog) {
      kfreeSkb(skb, SKB_DROP_REASON_CPU_BACKLOG);
      return;
    }
    this.backlog.push(skb);
    if (!this.running) this.kick();
  }

  /** The driver has collected frames to send: call its `flush` at the end of the burst. */
  needsFlush(dev: NetDevice): void {
    this.flushList.push(dev);
    if (!this.running) this.kick();
  }

  /** Sets a timer to fire `delay` ms from now. */
  modTimer(timer: Timer, delay: number): void {
    this.timers.mod(timer, this.jiffies + delay);
  }

  /** Makes a timer that fires in `delay` ms. */
  setTimer(owner: string, delay: number, fire: () => void): Timer {
    const timer = new Timer(owner, fire);
    this.modTimer(timer, delay);
    return timer;
  }

  delTimer(timer: Timer): boolean {
    return this.timers.del(timer);
  }

  /** Reads the clock once for a command or another entry from outside the loop. */
  touch(): void {
    this.jiffies = this.clock.now();
  }

  /** One bounded round: due timers, backlog, devices. True when there is work left. */
  run(budget: number = NETDEV_BUDGET): boolean {
    if (this.running) return false;
    this.running = true;
    this.jiffies = this.clock.now();
    let left = budget;
    try {
      this.runTimers();
      while (left > 0 && (this.backlog.length > 0 || this.pollList.length > 0)) {
        if (this.backlog.length > 0) left -= this.processBacklog(Math.min(left, NAPI_POLL_WEIGHT));
        if (left > 0 && this.pollList.length > 0) left -= this.napiPoll(this.pollList.shift() as NetDevice);
        this.flush();
      }
      this.flush();
    } finally {
      this.running = false;
    }
    const more = this.backlog.length > 0 || this.pollList.length > 0 || this.timers.earliest() <= this.jiffies;
    if (!more) this.onIdle();
    return more;
  }

  /** Runs until nothing is left to do at this moment. */
  runToCompletion(): void {
    while (this.run());
  }

  /** Virtual time: fires each timer at its own moment on the way to `time`, and finishes the work it causes. */
  advanceTo(time: number): void {
    const clock = this.clock as VirtualClock;
    this.runToCompletion();
    for (let at = this.timers.earliest(); at <= time; at = this.timers.earliest()) {
      clock.set(Math.max(at, clock.now()));
      this.jiffies = clock.now();
      const timer = this.timers.due(this.jiffies);
      if (timer !== null) this.guard(timer.owner, timer.fire);
      this.runToCompletionWithoutTimers();
    }
    clock.set(time);
    this.jiffies = time;
  }

  /** Runs `work`, catching, naming and counting what it throws. */
  guard(owner: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fault(owner, error);
    }
  }

  /** Counts and logs an exception; the first of each kind with its stack, the rest as a number. */
  fault(owner: string, error: unknown): void {
    const count = (this.faults.get(owner) ?? 0) + 1;
    this.faults.set(owner, count);
    if (count === 1) this.log.error(`${owner} threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    else if ((count & (count - 1)) === 0) this.log.error(`${owner} threw ${count} times`);
  }

  /** Frees what waits for `dev`, which goes down or away. */
  purge(dev: NetDevice): void {
    const i = this.pollList.indexOf(dev);
    if (i >= 0) this.pollList.splice(i, 1);
    dev.napiScheduled = false;
    for (let n = this.backlog.length; n > 0; n--) {
      const skb = this.backlog.shift() as SkBuff;
      if (skb.dev === dev) kfreeSkb(skb, SKB_DROP_REASON_QUEUE_PURGE);
      else this.backlog.push(skb);
    }
  }

  private runToCompletionWithoutTimers(): void {
    this.running = true;
    try {
      while (this.backlog.length > 0 || this.pollList.length > 0) {
        if (this.backlog.length > 0) this.processBacklog(NAPI_POLL_WEIGHT);
        if (this.pollList.length > 0) this.napiPoll(this.pollList.shift() as NetDevice);
        this.flush();
      }
      this.flush();
    } finally {
      this.running = false;
    }
  }

  private runTimers(): void {
    // Bounded: timers that set themselves for now must not keep the devices waiting.
    for (let n = 0; n < 1000; n++) {
      const timer = this.timers.due(this.jiffies);
      if (timer === null) break;
      this.guard(timer.owner, timer.fire);
    }
    const next = this.timers.earliest();
    this.timers.onEarliest(next);
  }

  private processBacklog(budget: number): number {
    let done = 0;
    try {
      while (done < budget) {
        const skb = this.backlog.shift();
        if (skb === null) break;
        done++;
        if (skb.pktType === PACKET_LOOPBACK) netifReceiveLoopback(skb);
        else netifReceiveSkb(skb);
      }
    } catch (error) {
      this.lose('the receive path', error);
    }
    this.inflight = null;
    return done;
  }

  private napiPoll(dev: NetDevice): number {
    dev.napiScheduled = false;
    const poll = dev.ops.poll;
    if (poll === undefined) return 0;
    let done = NAPI_POLL_WEIGHT;
    try {
      done = dev.ops.poll?.(NAPI_POLL_WEIGHT, dev) ?? 0;
    } catch (error) {
      this.lose(dev.name, error);
    }
    this.inflight = null;
    if (done >= NAPI_POLL_WEIGHT) this.napiSchedule(dev);
    return done;
  }

  private lose(where: string, error: unknown): void {
    this.fault(where, error);
    const skb = this.inflight;
    if (skb !== null && skb.users === 1) kfreeSkb(skb, SKB_DROP_REASON_PLUGIN_EXCEPTION);
  }

  private flush(): void {
    const list = this.flushList;
    if (list.length === 0) return;
    for (let i = 0; i < list.length; i++) {
      const dev = list[i];
      this.guard(dev.name, () => dev.ops.flush?.(dev));
    }
    list.length = 0;
  }
}
