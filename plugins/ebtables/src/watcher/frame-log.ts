/** watcher/frame-log.ts — where log and nflog write: at most so many frames a second; how many more there were is told. */
import type { Log, Net } from '@packetwalk/framework';

/** Levels of syslog(3). */
const ERROR = 3;
const WARNING = 4;
const DEBUG = 7;

export class FrameLog {
  private readonly net: Net;
  private readonly log: Log;
  private readonly rate: number;
  private tokens: number;
  private last = 0;
  private suppressed = 0;

  /** @param rate frames a second, and at once */
  constructor(net: Net, log: Log, rate: number) {
    this.net = net;
    this.log = log;
    this.rate = rate;
    this.tokens = rate;
  }

  /** May a line be written now? A line is not made when not. */
  allow(): boolean {
    const now = this.net.softirq.jiffies;
    this.tokens = Math.min(this.tokens + ((now - this.last) * this.rate) / 1000, this.rate);
    this.last = now;
    if (this.tokens < 1) {
      this.suppressed++;
      return false;
    }
    this.tokens--;
    if (this.suppressed > 0) this.log.warn(`${this.suppressed} frames were not logged: more than ${this.rate} a second`);
    this.suppressed = 0;
    return true;
  }

  /** @param level as syslog(3) counts, 0 the gravest */
  write(level: number, text: string): void {
    if (level <= ERROR) this.log.error(text);
    else if (level === WARNING) this.log.warn(text);
    else if (level === DEBUG) this.log.debug(text);
    else this.log.info(text);
  }
}
