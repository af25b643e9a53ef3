/**
 * notifier.ts — what has changed in the control plane, told after the state is consistent (cf. Linux notifier chains).
 * Never per packet: an event has no verdict, no order among listeners and no veto. What may be refused is asked by a
 * call that throws, before the event.
 */
import { EventEmitter } from 'eventemitter3';
import type { Neighbour } from './neighbour.ts';
import type { NetDevice } from './netdevice.ts';
import type { Connection } from './services/conntrack.ts';
import type { Ifaddr } from './services/inetdevice.ts';

export interface NetEvents {
  'netdev:register': (dev: NetDevice) => void;
  'netdev:unregister': (dev: NetDevice) => void;
  'netdev:up': (dev: NetDevice) => void;
  'netdev:goingDown': (dev: NetDevice) => void;
  'netdev:down': (dev: NetDevice) => void;
  /** Carrier came or went: read `dev.carrier`. */
  'netdev:change': (dev: NetDevice) => void;
  'netdev:changeMtu': (dev: NetDevice) => void;
  'netdev:changeAddress': (dev: NetDevice) => void;
  /** ARP was switched on or off, or another flag changed. */
  'netdev:changeFlags': (dev: NetDevice, changed: number) => void;
  'netdev:changeName': (dev: NetDevice, old: string) => void;
  'netdev:changeUpper': (dev: NetDevice) => void;
  'inetaddr:up': (ifa: Ifaddr) => void;
  'inetaddr:down': (ifa: Ifaddr) => void;
  /** State or address changed, or the entry was deleted: read `neigh.dead`. */
  'neigh:update': (neigh: Neighbour) => void;
  /** An application may know the address (sysctl app_solicit): it answers with NeighTable.update. */
  'neigh:miss': (neigh: Neighbour) => void;
  'route:add': (route: object) => void;
  'route:del': (route: object) => void;
  'fdb:add': (entry: object) => void;
  'fdb:del': (entry: object) => void;
  /** A tracked connection began, changed or ended; `changed` is what of it, as bits (ip_conntrack_events). */
  'conntrack:event': (what: 'new' | 'update' | 'destroy', connection: Connection, changed: number) => void;
  /** A connection is expected because of another one, or no longer. */
  'conntrack:expect': (what: 'new' | 'destroy', expectation: object) => void;
  'sysctl:write': (name: string, value: string) => void;
}

export type Notifier = EventEmitter<NetEvents>;

export function createNotifier(): Notifier {
  return new EventEmitter<NetEvents>();
}
