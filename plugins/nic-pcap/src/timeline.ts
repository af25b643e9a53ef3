/**
 * timeline.ts — the common time of all captures that one process replays: frames of several captures arrive in the order
 * of their time stamps, however fast they are replayed, or a reply might come before its request.
 */
import type { CaptureFrame, Softirq } from '@packetwalk/framework';

/** A capture that has a next frame. */
export interface ReplayHead {
  readonly frame: CaptureFrame;
  /** The frame's turn may have come. */
  wake(): void;
}

/** Milliseconds that a frame may be early: what rounding leaves of a delay must not set another timer. */
const SLACK = 0.001;

const timelines = new WeakMap<Softirq, Timeline>();

export class Timeline {
  private readonly heads: ReplayHead[] = [];
  /** When the replay began in jiffies, NaN before, and the capture time of that moment. */
  private began = Number.NaN;
  private seconds = 0;
  private nanoseconds = 0;

  /** The one of all routers that run on `softirq`. */
  static of(softirq: Softirq): Timeline {
    let timeline = timelines.get(softirq);
    if (timeline === undefined) {
      timeline = new Timeline();
      timelines.set(softirq, timeline);
    }
    return timeline;
  }

  join(head: ReplayHead): void {
    if (!this.heads.includes(head)) this.heads.push(head);
  }

  /** `head` has no next frame, for now or for ever: whoever waited for it may go on. */
  leave(head: ReplayHead): void {
    const i = this.heads.indexOf(head);
    if (i < 0) return;
    this.heads.splice(i, 1);
    this.earliest(null)?.wake();
  }

  /** The earliest of all heads but `except`. */
  earliest(except: ReplayHead | null): ReplayHead | null {
    let first: ReplayHead | null = null;
    for (const head of this.heads) {
      if (head !== except && (first === null || isLater(first.frame, head.frame))) first = head;
    }
    return first;
  }

  /** Milliseconds from `jiffies` until `frame` is due; 0 when it is. The first question starts the replay. */
  delay(frame: CaptureFrame, jiffies: number): number {
    if (Number.isNaN(this.began)) this.begin(frame, jiffies);
    const due = this.began + (frame.seconds - this.seconds) * 1000 + (frame.nanoseconds - this.nanoseconds) / 1e6;
    return due - jiffies > SLACK ? due - jiffies : 0;
  }

  private begin(frame: CaptureFrame, jiffies: number): void {
    const first = this.earliest(null)?.frame ?? frame;
    this.began = jiffies;
    this.seconds = first.seconds;
    this.nanoseconds = first.nanoseconds;
  }
}

/** Is `a` later than `b`? */
export function isLater(a: CaptureFrame, b: CaptureFrame): boolean {
  return a.seconds > b.seconds || (a.seconds === b.seconds && a.nanoseconds > b.nanoseconds);
}
