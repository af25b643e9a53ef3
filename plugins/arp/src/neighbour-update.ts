/**
 * neighbour-update.ts — what was heard of a neighbour, or ordered by an administrator (RFC 4861 §7.2.5; cf. Linux
 * net/core/neighbour.c __neigh_update).
 */
import {
  ETH_ALEN,
  NEIGH_UPDATE_F_ADMIN,
  NEIGH_UPDATE_F_OVERRIDE,
  NEIGH_UPDATE_F_WEAK_OVERRIDE,
  NUD_CONNECTED,
  NUD_FAILED,
  NUD_IN_TIMER,
  NUD_INCOMPLETE,
  NUD_NOARP,
  NUD_PERMANENT,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
  NUD_VALID,
  SKB_DROP_REASON_NEIGH_FAILED,
} from '@packetwalk/framework';
import { type NeighbourEntry, NTF_EXT_LEARNED, NTF_MANAGED, NTF_ROUTER } from './neighbour-entry.ts';
import { neighInvalidate } from './neighbour-state.ts';

/** More flags of a change, for orders of an administrator (NEIGH_UPDATE_F_*). */
export const NEIGH_UPDATE_F_OVERRIDE_ISROUTER = 4;
export const NEIGH_UPDATE_F_USE = 8;
export const NEIGH_UPDATE_F_MANAGED = 16;
export const NEIGH_UPDATE_F_EXT_LEARNED = 32;
export const NEIGH_UPDATE_F_ISROUTER = 64;

/** What {@link neighUpdate} answers: done; not allowed (deleted, or permanent and no order); no address known. */
export const NEIGH_UPDATED = 0;
export const NEIGH_EPERM = -1;
export const NEIGH_EINVAL = -22;

/**
 * What was heard of a neighbour, or ordered: a state, and an address unless `lladdr` is null. `flags` are
 * NEIGH_UPDATE_F_*. Returns NEIGH_UPDATED or a negative errno (__neigh_update).
 */
export function neighUpdate(neigh: NeighbourEntry, lladdr: Uint8Array | null, nudState: number, flags: number): number {
  const old = neigh.nudState;
  const admin = (flags & NEIGH_UPDATE_F_ADMIN) !== 0;
  if (neigh.dead || (!admin && (old & (NUD_NOARP | NUD_PERMANENT)) !== 0)) return NEIGH_EPERM;
  const marked = admin && updateFlags(neigh, flags);
  let changed = marked;
  let result = NEIGH_UPDATED;
  if ((flags & (NEIGH_UPDATE_F_USE | NEIGH_UPDATE_F_MANAGED)) !== 0) {
    neigh.setState(old & ~NUD_PERMANENT);
  } else if ((nudState & NUD_VALID) === 0) {
    changed = withdraw(neigh, nudState) || changed;
  } else if (lladdr === null && (old & NUD_VALID) === 0) {
    result = NEIGH_EINVAL;
  } else {
    changed = adopt(neigh, lladdr ?? neigh.ha, nudState, flags) || changed;
  }
  if (marked || ((neigh.nudState ^ old) & NUD_PERMANENT) !== 0) neigh.tbl.updateLists(neigh);
  if (changed) neigh.tbl.notify(neigh);
  return result;
}

/** NTF_* as an administrator's order says; true when they changed (neigh_update_flags). */
function updateFlags(neigh: NeighbourEntry, flags: number): boolean {
  const learned = (flags & NEIGH_UPDATE_F_EXT_LEARNED) !== 0 ? NTF_EXT_LEARNED : 0;
  const managed = (flags & NEIGH_UPDATE_F_MANAGED) !== 0 ? NTF_MANAGED : 0;
  const before = neigh.flags;
  neigh.flags = (before & ~(NTF_EXT_LEARNED | NTF_MANAGED)) | learned | managed;
  return neigh.flags !== before;
}

/** The address is not known any more; true when somebody should hear of it. */
function withdraw(neigh: NeighbourEntry, nudState: number): boolean {
  const old = neigh.nudState;
  neigh.stopTimer();
  if ((old & NUD_CONNECTED) !== 0) neigh.output = neigh.outputs.output;
  neigh.setState(nudState);
  if ((old & (NUD_INCOMPLETE | NUD_PROBE)) !== 0 && (nudState & NUD_FAILED) !== 0) {
    neighInvalidate(neigh);
    return true;
  }
  return (old & NUD_VALID) !== 0;
}

/** The neighbour has this address; true when something changed. */
function adopt(neigh: NeighbourEntry, lladdr: Uint8Array, nudState: number, flags: number): boolean {
  const { jiffies } = neigh.tbl.softirq;
  const old = neigh.nudState;
  const known = (old & NUD_VALID) !== 0;
  let moved = !known || !sameAddress(lladdr, neigh.ha);
  let next = nudState;
  if ((next & NUD_CONNECTED) !== 0) neigh.confirmed = jiffies;
  if (known && moved && (flags & NEIGH_UPDATE_F_OVERRIDE) === 0) {
    // Another address than the one in use, from somebody who may not replace it.
    if ((flags & NEIGH_UPDATE_F_WEAK_OVERRIDE) === 0 || (old & NUD_CONNECTED) === 0) return false;
    moved = false;
    next = NUD_STALE;
  } else if (known && !moved && next === NUD_STALE && (flags & NEIGH_UPDATE_F_ADMIN) === 0) {
    next = old;
  }
  // Only what changes the entry moves the time, or repeated news would keep it locked (locktime) for ever.
  if (next !== old || moved) neigh.updated = jiffies;
  if (next !== old) {
    neigh.stopTimer();
    if ((next & NUD_PROBE) !== 0) neigh.probes = 0;
    if ((next & NUD_IN_TIMER) !== 0) neigh.startTimer(jiffies + ((next & NUD_REACHABLE) !== 0 ? neigh.parms.reachableTime : 0));
    neigh.setState(next);
  }
  if (moved) {
    neigh.ha.set(lladdr.subarray(0, ETH_ALEN));
    neigh.updateHeader();
    if ((next & NUD_CONNECTED) === 0) neigh.confirmed = jiffies - 2 * neigh.parms.vars.baseReachableTime;
  }
  if (next !== old) {
    neigh.chooseOutput();
    if (!known) sendWaiting(neigh);
  }
  const router = (flags & NEIGH_UPDATE_F_OVERRIDE_ISROUTER) !== 0 && updateIsRouter(neigh, flags);
  return next !== old || moved || router;
}

/** Whether the neighbour forwards, as ordered; true when it changed (neigh_update_is_router). */
function updateIsRouter(neigh: NeighbourEntry, flags: number): boolean {
  const before = neigh.flags;
  neigh.flags = (before & ~NTF_ROUTER) | ((flags & NEIGH_UPDATE_F_ISROUTER) !== 0 ? NTF_ROUTER : 0);
  return neigh.flags !== before;
}

/** Sends what waits, in order of arrival, by the way the new state has. */
function sendWaiting(neigh: NeighbourEntry): void {
  while ((neigh.nudState & NUD_VALID) !== 0) {
    const skb = neigh.dequeue();
    if (skb === null) break;
    neigh.output(skb, neigh);
  }
  neigh.purge(SKB_DROP_REASON_NEIGH_FAILED);
}

function sameAddress(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < ETH_ALEN; i++) if (a[i] !== b[i]) return false;
  return true;
}
