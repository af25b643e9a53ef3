/**
 * timer.ts — timers of one process in due order; those due together fire in the order they were set
 * (cf. Linux kernel/time/timer.c). A binary heap over the timers themselves: setting one allocates nothing.
 */

/** One timer. Make it once, set it as often as needed. */
export class Timer {
  /** Time at which it fires, in jiffies (ms); meaningful while it is pending. */
  expires = 0;
  /** Called with the timer out of the queue, so that it may set itself again. */
  fire: () => void;
  /** Who set it, for the log when it throws. */
  readonly owner: string;
  /** @internal position in the heap, -1 when not pending */
  index = -1;
  /** @internal order among equal times */
  order = 0;

  constructor(owner: string, fire: () => void) {
    this.owner = owner;
    this.fire = fire;
  }

  get pending(): boolean {
    return this.index >= 0;
  }
}

export class TimerQueue {
  private readonly heap: Timer[] = [];
  private order = 0;
  /** Called when the earliest expiry changes. */
  onEarliest: (at: number) => void = () => {};

  /** When the next timer is due; Infinity when there is none. */
  earliest(): number {
    return this.heap.length === 0 ? Number.POSITIVE_INFINITY : this.heap[0].expires;
  }

  get size(): number {
    return this.heap.length;
  }

  /** Sets a timer, or moves a pending one (mod_timer). */
  mod(timer: Timer, expires: number): void {
    const before = this.earliest();
    if (timer.index >= 0) this.take(timer);
    timer.expires = expires;
    timer.order = ++this.order;
    timer.index = this.heap.length;
    this.heap.push(timer);
    this.up(timer.index);
    const after = this.earliest();
    if (after !== before) this.onEarliest(after);
  }

  /** Takes a timer out; true when it was pending (del_timer). */
  del(timer: Timer): boolean {
    if (timer.index < 0) return false;
    this.take(timer);
    return true;
  }

  /** Takes out and returns the next timer due at or before `now`, or null. */
  due(now: number): Timer | null {
    const first = this.heap[0];
    if (first === undefined || first.expires > now) return null;
    this.take(first);
    return first;
  }

  private take(timer: Timer): void {
    const i = timer.index;
    timer.index = -1;
    const last = this.heap.pop() as Timer;
    if (last === timer) return;
    this.heap[i] = last;
    last.index = i;
    this.up(i);
    this.down(last.index);
  }

  private before(a: Timer, b: Timer): boolean {
    return a.expires < b.expires || (a.expires === b.expires && a.order < b.order);
  }

  private up(i: number): void {
    const { heap } = this;
    const timer = heap[i];
    let at = i;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(timer, heap[parent])) break;
      heap[at] = heap[parent];
      heap[at].index = at;
      at = parent;
    }
    heap[at] = timer;
    timer.index = at;
  }

  private down(i: number): void {
    const { heap } = this;
    const timer = heap[i];
    let at = i;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.before(heap[child + 1], heap[child])) child++;
      if (!this.before(heap[child], timer)) break;
      heap[at] = heap[child];
      heap[at].index = at;
      at = child;
    }
    heap[at] = timer;
    timer.index = at;
  }
}
