/**
 * neighbour-state.ts — the states of a neighbour and what moves them (RFC 4861 §7.3; cf. Linux net/core/neighbour.c).
 *
 *      from          on                                                to
 *      NONE, FAILED  a packet                                          INCOMPLETE  asks everybody
 *      INCOMPLETE    an answer                                         REACHABLE   what waits leaves
 *                    mcast_solicit requests, no answer                 FAILED      senders hear of it
 *      REACHABLE     reachable time since it was confirmed             DELAY if used lately, else STALE
 *      STALE         a packet, which leaves                            DELAY
 *      DELAY         delay_first_probe_time, confirmed meanwhile       REACHABLE
 *                    the same, not confirmed                           PROBE       asks the neighbour itself
 *      PROBE         an answer                                         REACHABLE
 *                    ucast_solicit requests, no answer                 FAILED
 *      all learned   another address, or only a request seen           STALE
 *
 * Three entries: {@link neighEventSend} for each packet that may not simply be sent, {@link neighTimerHandler} when
 * time has passed, and neighUpdate (neighbour-update.ts) for what was heard or ordered.
 */
import {
  kfreeSkb,
  NUD_CONNECTED,
  NUD_DELAY,
  NUD_FAILED,
  NUD_IN_TIMER,
  NUD_INCOMPLETE,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
  SKB_DROP_REASON_NEIGH_DEAD,
  SKB_DROP_REASON_NEIGH_FAILED,
  SKB_DROP_REASON_NEIGH_QUEUEFULL,
  type SkBuff,
  skbOwn,
} from '@packetwalk/framework';
import type { NeighbourEntry } from './neighbour-entry.ts';
import { NEIGH_RES_FAILED, NEIGH_UNRES_DISCARDS } from './neighbour-stat.ts';
import { skbTruesize } from './truesize.ts';

/** No timer of a neighbour is shorter, ms. */
const MIN_DELAY = 10;

/**
 * A packet is to go to `neigh`, whose address is unknown or in doubt; null when somebody only wants the address.
 * Returns 0 when the packet may be sent at once, 1 when it was taken: it waits, or it was freed (__neigh_event_send).
 */
export function neighEventSend(neigh: NeighbourEntry, skb: SkBuff | null): number {
  const { jiffies } = neigh.tbl.softirq;
  const { vars } = neigh.parms;
  neigh.used = jiffies;
  if ((neigh.nudState & (NUD_CONNECTED | NUD_DELAY | NUD_PROBE)) !== 0) return 0;
  if (neigh.dead) {
    if ((neigh.nudState & NUD_STALE) !== 0) return 0;
    return refuse(skb, SKB_DROP_REASON_NEIGH_DEAD);
  }
  if ((neigh.nudState & NUD_STALE) !== 0) {
    neigh.setState(NUD_DELAY);
    neigh.updated = jiffies;
    neigh.startTimer(jiffies + vars.delayProbeTime);
    return 0;
  }
  let first = false;
  if ((neigh.nudState & NUD_INCOMPLETE) === 0) {
    neigh.updated = jiffies;
    if (vars.mcastProbes + vars.appProbes === 0) {
      neigh.setState(NUD_FAILED);
      return refuse(skb, SKB_DROP_REASON_NEIGH_FAILED);
    }
    neigh.probes = vars.ucastProbes;
    neigh.setState(NUD_INCOMPLETE);
    neigh.startTimer(jiffies + Math.max(vars.retransTime, MIN_DELAY));
    first = true;
  }
  if (skb !== null) waitInLine(neigh, skb);
  if (first) neighProbe(neigh);
  return 1;
}

function refuse(skb: SkBuff | null, reason: number): number {
  if (skb !== null) kfreeSkb(skb, reason);
  return 1;
}

/** Queues a packet; those that came first make room (arp_queue). A packet too big for the queue waits alone. */
function waitInLine(neigh: NeighbourEntry, skb: SkBuff): void {
  const bytes = skbTruesize(skb.len);
  while (!neigh.hasRoom(bytes)) {
    const oldest = neigh.dequeue();
    if (oldest === null) break;
    neigh.tbl.stats[NEIGH_UNRES_DISCARDS]++;
    kfreeSkb(oldest, SKB_DROP_REASON_NEIGH_QUEUEFULL);
  }
  skbOwn(skb);
  neigh.enqueue(skb);
}

function neighProbe(neigh: NeighbourEntry): void {
  neigh.tbl.ops.solicit(neigh, neigh.lastWaiting());
  neigh.probes++;
}

/** Requests that go unanswered in the state it is in before the neighbour has failed (neigh_max_probes). */
function maxProbes(neigh: NeighbourEntry): number {
  const { ucastProbes, appProbes, mcastProbes, mcastReprobes } = neigh.parms.vars;
  return ucastProbes + appProbes + ((neigh.nudState & NUD_PROBE) !== 0 ? mcastReprobes : mcastProbes);
}

/** Time has passed (neigh_timer_handler). */
export function neighTimerHandler(neigh: NeighbourEntry): void {
  const state = neigh.nudState;
  if ((state & NUD_IN_TIMER) === 0) return;
  const now = neigh.tbl.softirq.jiffies;
  const { vars, reachableTime } = neigh.parms;
  let next = now + Math.max(vars.retransTime, MIN_DELAY);
  let notify = false;
  if ((state & NUD_REACHABLE) !== 0) {
    if (now <= neigh.confirmed + reachableTime) {
      next = neigh.confirmed + reachableTime;
    } else if (now <= neigh.used + vars.delayProbeTime) {
      change(neigh, NUD_DELAY);
      next = now + vars.delayProbeTime;
    } else {
      change(neigh, NUD_STALE);
      notify = true;
    }
  } else if ((state & NUD_DELAY) !== 0) {
    notify = true;
    if (now <= neigh.confirmed + vars.delayProbeTime) {
      change(neigh, NUD_REACHABLE);
      next = neigh.confirmed + reachableTime;
    } else {
      change(neigh, NUD_PROBE);
      neigh.probes = 0;
    }
  }
  const probing = (neigh.nudState & (NUD_INCOMPLETE | NUD_PROBE)) !== 0;
  if (probing && neigh.probes >= maxProbes(neigh)) {
    neigh.setState(NUD_FAILED);
    notify = true;
    neighInvalidate(neigh);
  } else if ((neigh.nudState & NUD_IN_TIMER) !== 0) {
    neigh.startTimer(Math.max(next, now + MIN_DELAY));
    if (probing) neighProbe(neigh);
  }
  if (notify) neigh.tbl.notify(neigh);
}

/** The neighbour has failed: the senders of what waits hear of it (neigh_invalidate). */
export function neighInvalidate(neigh: NeighbourEntry): void {
  neigh.tbl.stats[NEIGH_RES_FAILED]++;
  neigh.updated = neigh.tbl.softirq.jiffies;
  // Reporting an error may use this very entry and start it anew: what is left then is freed without a word.
  while (neigh.nudState === NUD_FAILED) {
    const skb = neigh.dequeue();
    if (skb === null) break;
    neigh.tbl.ops.errorReport(neigh, skb);
  }
  neigh.purge(SKB_DROP_REASON_NEIGH_FAILED);
}

/** A change of state by time: the way to send and the moment of change go along. */
function change(neigh: NeighbourEntry, state: number): void {
  neigh.setState(state);
  neigh.chooseOutput();
  neigh.updated = neigh.tbl.softirq.jiffies;
}
