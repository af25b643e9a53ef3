/** receiver.ts — the receiving half of a device: frames of a capture arrive as if from a wire. */
import {
  allocSkb,
  CAPTURE_END,
  CAPTURE_FRAME,
  CaptureError,
  type CaptureFrame,
  CaptureReader,
  CommandError,
  copyBytes,
  devDropRx,
  type Log,
  type NetDevice,
  netifReceiveSkb,
  SKB_DROP_REASON_LINK_LOSS,
  type SkBuff,
  type Softirq,
  skbPut,
  Timer,
  VLAN_HLEN,
} from '@packetwalk/framework';
import { type Account, CUT, READ, TOO_LONG } from './account.ts';
import { type CaptureInput, captureInput } from './capture-input.ts';
import { isLater, type ReplayHead, Timeline } from './timeline.ts';

export interface ReceiverOptions {
  /** Absolute, or `-`; and what the config says, for messages. */
  readonly path: string;
  readonly shown: string;
  /** Frames arrive at the distances of their time stamps, not at once. */
  readonly timed: boolean;
  /** Only frames of this interface of a pcapng file; null for all. */
  readonly interface: string | null;
}

export class Receiver implements ReplayHead {
  /** Nothing more will come. */
  over = false;
  readonly frame: CaptureFrame;
  private readonly options: ReceiverOptions;
  private readonly log: Log;
  private readonly account: Account;
  private readonly softirq: Softirq;
  private readonly timeline: Timeline;
  private readonly timer: Timer;
  private readonly reader: CaptureReader;
  private input: CaptureInput | null = null;
  /** `frame` waits to be delivered. */
  private loaded = false;
  private frames = 0;
  private schedule: () => void = () => {};

  constructor(options: ReceiverOptions, softirq: Softirq, log: Log, account: Account) {
    this.options = options;
    this.log = log;
    this.account = account;
    this.softirq = softirq;
    this.timeline = Timeline.of(softirq);
    this.timer = new Timer('nic-pcap', () => this.wake());
    this.reader = new CaptureReader(options);
    this.frame = this.reader.frame;
  }

  /** Opens the capture and looks at its start; throws what is wrong with it. The second time it goes on where it was. */
  open(): void {
    if (this.over) return;
    this.input ??= captureInput(this.options.path, this.options.shown);
    this.input.resume(() => this.wake());
    try {
      if (this.loaded || this.load()) this.timeline.join(this);
    } catch (error) {
      this.input.pause();
      throw this.told(error);
    }
  }

  /** How much of the capture has been read, 0 … 1; null for a pipe. */
  progress(): number | null {
    return this.over ? 1 : (this.input?.progress() ?? null);
  }

  arm(schedule: () => void): void {
    this.schedule = schedule;
    schedule();
  }

  wake(): void {
    this.schedule();
  }

  poll(budget: number, dev: NetDevice): number {
    const { frame, timeline } = this;
    if (!this.loaded) {
      if (!this.tryLoad()) return 0;
      timeline.join(this);
    }
    // Nobody else delivers meanwhile, so it stays the earliest.
    const rival = timeline.earliest(this);
    let done = 0;
    do {
      if (rival !== null && isLater(frame, rival.frame)) {
        rival.wake();
        break;
      }
      if (this.options.timed && !this.isDue()) break;
      done++;
      this.receive(dev);
    } while (this.loaded && done < budget);
    return done;
  }

  /** The device goes down: what was not delivered stays for later. */
  close(): void {
    this.schedule = () => {};
    this.softirq.delTimer(this.timer);
    this.input?.pause();
    this.timeline.leave(this);
  }

  /** The device goes for good. */
  dispose(): void {
    this.input?.close();
    this.input = null;
  }

  /** Delivers the frame and goes to the next one; the order matters to those who ask for the earliest. */
  private receive(dev: NetDevice): void {
    const { frame } = this;
    let reason = 0;
    if (frame.length < frame.originalLength) reason = this.account.pcapSnaplen;
    // A tagged frame of full size is no longer than its wire carries.
    else if (frame.length > dev.mtu + dev.hardHeaderLen + VLAN_HLEN) reason = SKB_DROP_REASON_LINK_LOSS;
    const skb = reason === 0 ? this.copy(dev) : allocSkb(dev.net, dev, 0);
    this.loaded = false;
    this.frames++;
    this.account.counters[READ]++;
    this.tryLoad();
    if (reason === 0) {
      netifReceiveSkb(skb);
    } else {
      this.account.counters[reason === SKB_DROP_REASON_LINK_LOSS ? TOO_LONG : CUT]++;
      devDropRx(skb, reason);
    }
  }

  private copy(dev: NetDevice): SkBuff {
    const { frame } = this;
    const { length } = frame;
    const skb = allocSkb(dev.net, dev, length);
    copyBytes(skb.head, skbPut(skb, length), frame.head, frame.offset, length);
    return skb;
  }

  private isDue(): boolean {
    const delay = this.timeline.delay(this.frame, this.softirq.jiffies);
    if (delay === 0) return true;
    this.softirq.modTimer(this.timer, delay);
    return false;
  }

  /** Goes to the next frame. An error ends the input and is told; what came before it has been delivered. */
  private tryLoad(): boolean {
    if (this.over) return false;
    try {
      if (this.load()) return true;
    } catch (error) {
      this.over = true;
      this.log.error(`${this.told(error).message}; ${this.frames} frames were read before`);
    }
    this.timeline.leave(this);
    return false;
  }

  private load(): boolean {
    const { reader } = this;
    for (;;) {
      const got = reader.next();
      if (got === CAPTURE_FRAME) {
        this.loaded = true;
        return true;
      }
      if (got === CAPTURE_END) {
        this.over = true;
        this.tellEnd();
        return false;
      }
      if (this.input === null || !this.input.fill(reader)) return false;
    }
  }

  private tellEnd(): void {
    const { shown, interface: only } = this.options;
    if (only !== null && this.frames === 0) this.log.warn(`${shown}: there is no frame of interface ${only}`);
    else this.log.info(`${shown}: read to the end, ${this.frames} frames`);
  }

  /** The error with the name of the file in front. */
  private told(error: unknown): Error {
    return error instanceof CaptureError ? new CommandError(`${this.options.shown}: ${error.message}`) : (error as Error);
  }
}
