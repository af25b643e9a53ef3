/** sender.ts — the sending half of a device: what the router sends is appended to a capture. */
import {
  CAPTURE_OUTBOUND,
  CaptureFrame,
  consumeSkb,
  kfreeSkb,
  type Log,
  NETDEV_TX_OK,
  type NetDevice,
  OutputBuffer,
  PcapngWriter,
  PcapWriter,
  type SkBuff,
  type Softirq,
  Timer,
  TX_ERRORS,
} from '@packetwalk/framework';
import { type Account, LOST, WRITTEN } from './account.ts';
import { CaptureOutput } from './capture-output.ts';
import { systemReason } from './system-error.ts';

/** As editcap(1) calls them. */
export type CaptureFormat = 'pcap' | 'nsecpcap' | 'pcapng';

/** Longest time in ms that a frame stays in memory while the router runs. */
const FLUSH_DELAY = 1000;

export interface SenderOptions {
  /** Absolute, or `-`; and what the config says, for messages. */
  readonly path: string;
  readonly shown: string;
  readonly format: CaptureFormat;
}

export class Sender {
  private readonly options: SenderOptions;
  private readonly softirq: Softirq;
  private readonly log: Log;
  private readonly account: Account;
  private readonly out: OutputBuffer;
  private readonly writer: PcapWriter | PcapngWriter;
  private readonly frame = new CaptureFrame();
  private readonly timer: Timer;
  private output: CaptureOutput | null = null;
  private dev: NetDevice | null = null;
  /** The file was written before the device went down: it goes on. */
  private again = false;
  private broken = false;
  private flushing = false;
  private written = 0;
  /** The round of the softirq loop whose wall-clock time `frame` has. */
  private stamped = Number.NaN;

  constructor(options: SenderOptions, softirq: Softirq, log: Log, account: Account) {
    this.options = options;
    this.softirq = softirq;
    this.log = log;
    this.account = account;
    this.out = new OutputBuffer((bytes) => this.handOver(bytes));
    this.writer = options.format === 'pcapng' ? new PcapngWriter(this.out) : new PcapWriter(this.out, options.format === 'nsecpcap');
    this.timer = new Timer('nic-pcap', () => this.flush());
    if (options.format === 'pcapng') this.frame.direction = CAPTURE_OUTBOUND;
  }

  /** Opens the capture, with its header. Throws in one line what is wrong. */
  open(dev: NetDevice): void {
    const { path, shown } = this.options;
    this.dev = dev;
    this.broken = false;
    this.output = new CaptureOutput(path, shown, this.again);
    if (this.output.fresh) this.begin(dev);
    // The file is touched when the loop first runs: not for a router that fails to start.
    this.softirq.modTimer(this.timer, 0);
  }

  xmit(skb: SkBuff, dev: NetDevice): number {
    if (this.broken) {
      this.account.counters[LOST]++;
      dev.stats[TX_ERRORS]++;
      kfreeSkb(skb, this.account.pcapWrite);
      return NETDEV_TX_OK;
    }
    const { frame, softirq } = this;
    if (softirq.jiffies !== this.stamped) this.stamp();
    frame.head = skb.head;
    frame.offset = skb.data;
    frame.length = skb.len;
    frame.originalLength = skb.len;
    frame.packetId = skb.trace === 0 ? -1 : skb.trace;
    this.writer.write(frame);
    if (!this.flushing) this.flushSoon(dev);
    consumeSkb(skb);
    return NETDEV_TX_OK;
  }

  /** The end of a burst: whoever reads along gets it. */
  flush(): void {
    this.flushing = false;
    this.out.flush();
  }

  /** The device goes down: every frame that it took is on the disk then, or counted as lost. */
  close(): void {
    const { output, out } = this;
    if (output === null) return;
    const { shown } = this.options;
    this.softirq.delTimer(this.timer);
    // Without a frame and before the loop ran, the header alone is not worth a file.
    if (output.begun || out.frames > 0) this.flush();
    else out.length = 0;
    try {
      output.close();
    } catch (error) {
      this.log.error(`${shown}: ${systemReason(error)}`);
    }
    if (output.begun) this.log.info(`${shown}: ${this.written} frames written`);
    this.again ||= output.begun;
    this.output = null;
  }

  private begin(dev: NetDevice): void {
    const { writer } = this;
    if (writer instanceof PcapWriter) {
      writer.begin();
    } else {
      writer.begin('packetwalk');
      writer.addInterface({ name: dev.name, macAddress: dev.address });
    }
  }

  /** All frames of one round leave at the same time: one look at the clock serves them all. */
  private stamp(): void {
    const { frame, softirq } = this;
    const now = softirq.clock.wallClock();
    frame.seconds = Math.floor(now / 1000);
    frame.nanoseconds = Math.floor((now - frame.seconds * 1000) * 1e6);
    this.stamped = softirq.jiffies;
  }

  private flushSoon(dev: NetDevice): void {
    this.flushing = true;
    if (this.output?.live) this.softirq.needsFlush(dev);
    else this.softirq.modTimer(this.timer, FLUSH_DELAY);
  }

  /** Takes what the writer has collected. Frames count as written once the system has them. */
  private handOver(bytes: Uint8Array): void {
    const { frames } = this.out;
    if (this.output !== null && !this.broken) {
      try {
        this.output.write(bytes);
        this.written += frames;
        this.account.counters[WRITTEN] += frames;
        return;
      } catch (error) {
        this.broken = true;
        this.log.error(`${this.options.shown}: ${systemReason(error)}; ${this.written} frames were written before`);
      }
    }
    this.account.counters[LOST] += frames;
    if (this.dev !== null) this.dev.stats[TX_ERRORS] += frames;
  }
}
