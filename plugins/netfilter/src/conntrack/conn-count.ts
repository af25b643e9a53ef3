/**
 * conn-count.ts — how many connections there are for an address (cf. Linux net/netfilter/nf_conncount.c). Those that have ended
 * are found when their address is asked for again; until then they are held, so that nothing else takes their place.
 */
import { IPPROTO_TCP } from '@packetwalk/framework';
import type { NfConn } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import { TCP_CT_CLOSE, TCP_CT_TIME_WAIT } from './tcp-state.ts';
import { TCP_STATE } from './tcp-window.ts';

/** Ended connections that are looked for besides what a question needs. */
const SWEEP = 8;

export class ConnCount {
  private readonly nct: NfConntrack;
  /** By address and zone. */
  private readonly keys = new Map<string, Set<NfConn>>();

  constructor(nct: NfConntrack) {
    this.nct = nct;
  }

  /**
   * Counts `ct` for the address, if it is not counted yet, and says whether there are more than `limit`. The connections are
   * looked at in the order in which they came, up to `ct` itself; those that have ended are let go. No more are looked at
   * than the answer takes. Null: a packet without a connection, which counts once.
   */
  exceeds(address: number, ct: NfConn | null, limit: number): boolean {
    const zone = ct === null ? 0 : ct.zone & 0xffff;
    const key = `${address}/${zone}`;
    const set = this.keys.get(key) ?? new Set();
    const more = ct === null || !set.has(ct) ? 1 : 0;
    // Too few for the answer to be yes: only some are looked at, to let go of those that have ended.
    let looks = set.size + more > limit ? Number.POSITIVE_INFINITY : SWEEP;
    let living = more;
    for (const other of set) {
      if (other === ct || --looks < 0 || living > limit) break;
      if (!this.hasEnded(other)) {
        living++;
        continue;
      }
      set.delete(other);
      this.nct.put(other);
    }
    const exceeds = set.size + more > limit;
    if (ct !== null && more === 1) {
      ct.use++;
      set.add(ct);
    }
    if (set.size > 0) this.keys.set(key, set);
    else this.keys.delete(key);
    return exceeds;
  }

  /** Lets go of everything. */
  clear(): void {
    for (const set of this.keys.values()) for (const ct of set) this.nct.put(ct);
    this.keys.clear();
  }

  private hasEnded(ct: NfConn): boolean {
    if (ct.dying) return true;
    // Its first packet did not get through, and nobody but this count remembers it.
    if (!ct.confirmed) return ct.use === 1;
    if (ct.expiresIn(this.nct.now) === 0) return true;
    const state = ct.words[ct.base + TCP_STATE];
    return ct.protocol === IPPROTO_TCP && (state === TCP_CT_TIME_WAIT || state === TCP_CT_CLOSE);
  }
}
