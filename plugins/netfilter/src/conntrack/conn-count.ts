/**
 * conn-count.ts — how many connections there are for an address (cf. Linux net/netfilter/nf_conncount.c). What is counted are
 * the ends of packets: whether there is a connection between them is asked when their address comes again, and those that
 * have ended, or never came to be, are let go.
 */
import { IPPROTO_TCP } from '@packetwalk/framework';
import type { NfConntrack } from './nf-conntrack.ts';
import { TCP_CT_CLOSE, TCP_CT_TIME_WAIT } from './tcp-state.ts';
import { TCP_STATE } from './tcp-window.ts';
import { Tuple } from './tuple.ts';

/** Ended connections that are looked for besides what a question needs: of its own address, and of another one. */
const SWEEP = 8;
const SWEEP_OTHERS = 4;
/** Milliseconds after which it is clear whether there is a connection. */
const SETTLED = 1000;

interface Counted {
  readonly tuple: Tuple;
  readonly zone: number;
  /** ms mod 2^32 */
  readonly since: number;
}

export class ConnCount {
  private readonly nct: NfConntrack;
  /** By address and zone; then by ends, in the order in which they came. */
  private readonly keys = new Map<string, Map<string, Counted>>();
  /** Goes round the addresses, so that those that never come again are let go too. */
  private round = this.keys.entries();

  constructor(nct: NfConntrack) {
    this.nct = nct;
  }

  /**
   * Counts the ends for the address, if they are not counted yet, and says whether there are more than `limit`. The others are
   * looked at in order, up to these; no more than the answer takes.
   */
  exceeds(address: number, tuple: Tuple, zone: number, limit: number): boolean {
    const key = `${address}/${zone & 0xffff}`;
    const counted = this.keys.get(key) ?? new Map<string, Counted>();
    const name = `${tuple.src} ${tuple.dst} ${tuple.ports} ${tuple.protocol}`;
    let own = counted.get(name);
    // One that nobody tracks is counted anew.
    if (own !== undefined && this.nct.find(own.tuple, own.zone) === 0) {
      counted.delete(name);
      own = undefined;
    }
    const more = own === undefined ? 1 : 0;
    // Too few for the answer to be yes: only some are looked at, to let go of those that have ended.
    let looks = counted.size + more > limit ? Number.POSITIVE_INFINITY : SWEEP;
    let living = more;
    for (const [other, entry] of counted) {
      if (entry === own || --looks < 0 || living > limit) break;
      if (this.hasEnded(entry)) counted.delete(other);
      else living++;
    }
    const exceeds = counted.size + more > limit;
    if (own === undefined) {
      const kept = new Tuple();
      kept.copy(tuple);
      counted.set(name, { tuple: kept, zone, since: this.nct.now });
      this.keys.set(key, counted);
    }
    this.sweep();
    return exceeds;
  }

  private sweep(): void {
    const { done, value } = this.round.next();
    if (done === true) {
      this.round = this.keys.entries();
      return;
    }
    const [key, counted] = value;
    let looks = SWEEP_OTHERS;
    for (const [name, entry] of counted) {
      if (--looks < 0) break;
      // What has just come may be a connection soon.
      if (((this.nct.now - entry.since) | 0) > SETTLED && this.hasEnded(entry)) counted.delete(name);
    }
    if (counted.size === 0) this.keys.delete(key);
  }

  /** Lets go of everything. */
  clear(): void {
    this.keys.clear();
  }

  private hasEnded({ tuple, zone }: Counted): boolean {
    const ref = this.nct.find(tuple, zone);
    if (ref === 0) return true;
    const ct = this.nct.conn(ref);
    const state = ct.words[ct.base + TCP_STATE];
    return ct.protocol === IPPROTO_TCP && (state === TCP_CT_TIME_WAIT || state === TCP_CT_CLOSE);
  }
}
