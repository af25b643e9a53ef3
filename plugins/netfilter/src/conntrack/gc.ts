/**
 * gc.ts — ends connections whose time is over (cf. Linux gc_worker). Lookups do that too for those they meet; this goes through
 * all rows, some at a time, and more often the sooner they expire. A timer for each connection would cost more than all of it.
 */
import { IPPROTO_SCTP, IPPROTO_TCP, IPS_ASSURED, IPS_CONFIRMED, IPS_DYING, Timer } from '@packetwalk/framework';
import { CT_STATUS, type NfConn } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { SCTP_STATE, sctpCanEarlyDrop } from './proto-sctp.ts';
import { tcpCanEarlyDrop } from './proto-tcp.ts';
import { TCP_STATE } from './tcp-window.ts';

/** Rows a turn, some 50 µs, and ms between the turns of one pass. */
const ROWS = 4096;
const NEXT_TURN = 1;
/** Bounds of the time between two passes, ms. */
const INTERVAL_MIN = 1000;
const INTERVAL_MAX = 60_000;

export class ConntrackGc {
  private readonly nct: NfConntrack;
  private readonly timer: Timer;
  private next = 0;
  /** Of this pass: connections seen, and the time that they have left in all. */
  private seen = 0;
  private left = 0;
  private pressed = false;

  constructor(nct: NfConntrack) {
    this.nct = nct;
    this.timer = new Timer('netfilter', () => this.turn());
  }

  /** There is a connection: passes go on until there is none. */
  start(): void {
    if (!this.timer.pending) this.nct.net.softirq.modTimer(this.timer, INTERVAL_MIN);
  }

  stop(): void {
    this.nct.net.softirq.delTimer(this.timer);
  }

  /** The table is full and nothing could be evicted: the next pass ends whatever may be missed. */
  underPressure(): void {
    if (this.pressed) return;
    this.pressed = true;
    this.nct.net.softirq.modTimer(this.timer, NEXT_TURN);
  }

  private turn(): void {
    const { nct } = this;
    const { conns } = nct.pool;
    const { softirq } = nct.net;
    const { now } = nct;
    const end = Math.min(this.next + ROWS, conns.length);
    for (; this.next < end; this.next++) {
      const ct = conns[this.next];
      if ((ct.words[ct.base + CT_STATUS] & (IPS_CONFIRMED | IPS_DYING)) !== IPS_CONFIRMED) continue;
      const left = ct.expiresIn(now);
      if (left === 0 || (this.pressed && this.mayMiss(ct))) nct.delete(ct);
      else {
        this.seen++;
        this.left += Math.min(left, INTERVAL_MAX);
      }
    }
    if (this.next < conns.length) {
      softirq.modTimer(this.timer, NEXT_TURN);
      return;
    }
    const average = this.seen === 0 ? INTERVAL_MAX : this.left / this.seen;
    this.next = 0;
    this.seen = 0;
    this.left = 0;
    this.pressed = false;
    if (nct.count > 0) softirq.modTimer(this.timer, Math.max(INTERVAL_MIN, average));
  }

  /** With the table nearly full: connections that are not assured, or all but over. */
  private mayMiss(ct: NfConn): boolean {
    const { nct } = this;
    if (nct.count < Math.floor(nct.settings.max / 100) * 95) return false;
    if ((ct.status & IPS_ASSURED) === 0) return true;
    if (ct.protocol === IPPROTO_TCP) return tcpCanEarlyDrop(ct.words[ct.base + TCP_STATE]);
    return ct.protocol === IPPROTO_SCTP && sctpCanEarlyDrop(ct.words[ct.base + SCTP_STATE]);
  }
}
