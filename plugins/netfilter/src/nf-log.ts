/**
 * nf-log.ts — where LOG and NFLOG write (cf. Linux net/netfilter/nf_log.c). The log gets at most `rate` packets a second,
 * and as many at once; what is left out is counted, and told with the next one.
 */
import type { Log, Net, NfLog, NfLogEntry, NfLogListener } from '@packetwalk/framework';
import { type PacketTextOptions, packetText } from './packet-text.ts';

export class NfLogs implements NfLog {
  private readonly net: Net;
  private readonly log: Log;
  private readonly rate: number;
  private readonly listeners = new Map<number, NfLogListener[]>();
  private tokens: number;
  private last = 0;
  private suppressed = 0;

  constructor(net: Net, log: Log, rate: number) {
    this.net = net;
    this.log = log;
    this.rate = rate;
    this.tokens = rate;
  }

  listen(group: number, listener: NfLogListener): () => void {
    this.listeners.set(group, [...(this.listeners.get(group) ?? []), listener]);
    return () =>
      this.listeners.set(
        group,
        (this.listeners.get(group) ?? []).filter((l) => l !== listener),
      );
  }

  /** NFLOG: to those who listen to the group, else to the log. */
  packet(group: number, entry: NfLogEntry): void {
    if (!this.deliver(group, entry)) this.write(entry, NOTICE, {});
  }

  deliver(group: number, entry: NfLogEntry): boolean {
    const listeners = this.listeners.get(group) ?? [];
    for (const listener of listeners) this.net.softirq.guard('an NFLOG listener', () => listener(entry));
    return listeners.length > 0;
  }

  /** LOG: a line in the log. @param level as syslog(3) counts, 0 the gravest */
  write(entry: NfLogEntry, level: number, options: PacketTextOptions): void {
    if (!this.allow()) return;
    const text = entry.prefix + packetText(entry, options);
    if (level <= ERROR) this.log.error(text);
    else if (level === WARNING) this.log.warn(text);
    else if (level === DEBUG) this.log.debug(text);
    else this.log.info(text);
  }

  private allow(): boolean {
    const now = this.net.softirq.jiffies;
    this.tokens = Math.min(this.tokens + ((now - this.last) * this.rate) / 1000, this.rate);
    this.last = now;
    if (this.tokens < 1) {
      this.suppressed++;
      return false;
    }
    this.tokens--;
    if (this.suppressed > 0) this.log.warn(`${this.suppressed} packets were not logged: more than ${this.rate} a second`);
    this.suppressed = 0;
    return true;
  }
}

/** Levels of syslog(3). */
const ERROR = 3;
const WARNING = 4;
const NOTICE = 5;
const DEBUG = 7;
