/** neighbour.ts — the neighbour table's interface: next-hop link-layer addresses (cf. Linux include/net/neighbour.h). */
import type { NetDevice } from './netdevice.ts';
import type { SkBuff } from './skbuff.ts';

/** States of a neighbour (NUD: neighbour unreachability detection, RFC 4861 §7.3). */
export const NUD_NONE = 0x00;
export const NUD_INCOMPLETE = 0x01;
export const NUD_REACHABLE = 0x02;
export const NUD_STALE = 0x04;
export const NUD_DELAY = 0x08;
export const NUD_PROBE = 0x10;
export const NUD_FAILED = 0x20;
export const NUD_NOARP = 0x40;
export const NUD_PERMANENT = 0x80;

/** States that a timer moves on. */
export const NUD_IN_TIMER: number = NUD_INCOMPLETE | NUD_REACHABLE | NUD_DELAY | NUD_PROBE;
/** States with a usable link-layer address. */
export const NUD_VALID: number = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;
/** States in which nobody doubts the address. */
export const NUD_CONNECTED: number = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE;

export type NeighOutput = (skb: SkBuff, neigh: Neighbour) => number;

/** One next hop on one device. */
export interface Neighbour {
  readonly dev: NetDevice;
  /** Protocol address; int32 for IPv4. */
  readonly key: number;
  nudState: number;
  /** The link-layer address; meaningful in the states of NUD_VALID. */
  readonly ha: Uint8Array;
  /** Cached link-layer header (hh_cache): destination, source and type as big-endian words, the last one's low half unused. */
  readonly hh: Int32Array;
  /** Jiffies of the last use, last proof of reachability, last change. */
  used: number;
  confirmed: number;
  updated: number;
  /** Deleted: look it up again. */
  dead: boolean;
  /**
   * Sends a packet that starts at its network header: resolves first, or copies the cached header, as the state
   * demands. Swapped as the state changes. The packet is the neighbour's from here on.
   */
  output: NeighOutput;
}

/** What a protocol supplies for its neighbours (neigh_ops). */
export interface NeighOps {
  readonly family: number;
  /** Asks for the address; `skb` is the packet that waits, or null. */
  solicit(neigh: Neighbour, skb: SkBuff | null): void;
  /** Nobody answered: tells the sender of a waiting packet and frees the packet. */
  errorReport(neigh: Neighbour, skb: SkBuff): void;
}

/** Flags of a change to a neighbour (NEIGH_UPDATE_F_*). */
export const NEIGH_UPDATE_F_OVERRIDE = 1;
export const NEIGH_UPDATE_F_WEAK_OVERRIDE = 2;
export const NEIGH_UPDATE_F_ADMIN: number = 0x80000000 | 0;
