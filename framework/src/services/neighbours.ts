/** services/neighbours.ts — IPv4's neighbour table, which the arp plugin supplies and IPv4 output uses. */
import type { Neighbour } from '../neighbour.ts';
import type { NetDevice } from '../netdevice.ts';
import { type Token, token } from '../token.ts';

export interface NeighTable {
  /** The entry for a next hop, made if there is none; null when the table is full (__neigh_create). */
  resolve(key: number, dev: NetDevice): Neighbour | null;
  /** The entry for a next hop if there is one (neigh_lookup). */
  lookup(key: number, dev: NetDevice): Neighbour | null;
  /** Starts to resolve or to probe the entry, as a packet sent to it would (neigh_event_send with no packet). */
  eventSend(neigh: Neighbour): void;
  /** Changes state and address (neigh_update); `ha` null keeps the address. Flags are NEIGH_UPDATE_F_*. */
  update(neigh: Neighbour, ha: Uint8Array | null, nudState: number, flags: number): void;
  /** The address was proven reachable by traffic (dst_confirm). */
  confirm(neigh: Neighbour): void;
  /** All entries, for listings and dead-gateway detection. */
  entries(): Iterable<Neighbour>;
}

export const NeighTable: Token<NeighTable> = token<NeighTable>('NeighTable');
