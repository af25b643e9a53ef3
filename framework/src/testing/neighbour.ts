/**
 * neighbour.ts — the conformance suite of neighbour tables: `describeNeighTable(make)` in a vitest file holds a plugin
 * that provides NeighTable to what IPv4 output relies on. How neighbours are asked is the plugin's own affair.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  NEIGH_UPDATE_F_ADMIN,
  NEIGH_UPDATE_F_OVERRIDE,
  type Neighbour,
  NUD_PERMANENT,
  NUD_REACHABLE,
  NUD_STALE,
  NUD_VALID,
} from '../neighbour.ts';
import type { NetDevice } from '../netdevice.ts';
import type { NeighTable } from '../services/neighbours.ts';
import { allocSkb, skbPutData } from '../skbuff.ts';
import { ETH_ALEN, ETH_HLEN, ETH_P_IP, ETH_SRC, ETH_TYPE } from '../wire/ethernet.ts';

/** A table in a running router, and what the suite needs around it. */
export interface NeighTableBench {
  readonly table: NeighTable;
  /** Two Ethernet devices that are up. */
  readonly devices: readonly [NetDevice, NetDevice];
  /** Frames that left the devices since the last call, oldest first, but for those of the protocol that asks for addresses. */
  sent(): readonly { readonly dev: NetDevice; readonly frame: Uint8Array }[];
}

/** Unknown stations of the devices' links, int32. */
const A = 0x0a00004d;
const B = 0x0a00004e;
const MAC_A = Uint8Array.of(2, 0, 0, 0, 0x77, 1);
const MAC_B = Uint8Array.of(2, 0, 0, 0, 0x77, 2);
const ORDER = NEIGH_UPDATE_F_ADMIN | NEIGH_UPDATE_F_OVERRIDE;

/** @param make makes a router anew, with an empty table */
export function describeNeighTable(make: () => NeighTableBench): void {
  describe('NeighTable', () => {
    let bench: NeighTableBench;
    let table: NeighTable;
    let [dev, other]: readonly NetDevice[] = [];
    beforeEach(() => {
      bench = make();
      ({ table } = bench);
      [dev, other] = bench.devices;
    });

    const resolve = (key: number): Neighbour => {
      const neigh = table.resolve(key, dev);
      if (neigh === null) expect.fail('there must be room in an empty table');
      return neigh;
    };
    /** Sends a packet of a few bytes, told apart by the last one. */
    const send = (neigh: Neighbour, mark: number): void => {
      const skb = allocSkb(neigh.dev.net, neigh.dev, 20);
      skbPutData(skb, Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, mark));
      skb.protocol = ETH_P_IP;
      neigh.output(skb, neigh);
    };
    /** Destination and last byte of what left. */
    const left = (): [Uint8Array, number | undefined][] => bench.sent().map(({ frame }) => [frame.subarray(0, ETH_ALEN), frame.at(-1)]);

    it('makes one entry an address and device, and finds it again', () => {
      expect(table.lookup(A, dev)).toBeNull();
      const neigh = resolve(A);
      expect(neigh).toMatchObject({ key: A, dev, dead: false });
      expect(table.resolve(A, dev)).toBe(neigh);
      expect(table.lookup(A, dev)).toBe(neigh);
      expect(table.lookup(A, other)).toBeNull();
      expect(table.resolve(A, other)).not.toBe(neigh);
      expect([...table.entries()]).toContain(neigh);
    });

    it('keeps packets until the address is known, and sends them in order', () => {
      const neigh = resolve(A);
      for (let mark = 1; mark <= 3; mark++) send(neigh, mark);
      expect(left()).toEqual([]);
      expect(neigh.nudState & NUD_VALID).toBe(0);
      table.update(neigh, MAC_A, NUD_REACHABLE, NEIGH_UPDATE_F_OVERRIDE);
      expect(left()).toEqual([1, 2, 3].map((mark) => [MAC_A, mark]));
      send(neigh, 4);
      expect(left()).toEqual([[MAC_A, 4]]);
    });

    it('puts an Ethernet header in front', () => {
      const neigh = resolve(A);
      table.update(neigh, MAC_A, NUD_PERMANENT, ORDER);
      send(neigh, 9);
      const [{ dev: by, frame }] = bench.sent();
      expect(by).toBe(dev);
      expect(frame).toHaveLength(ETH_HLEN + 20);
      expect(frame.subarray(0, ETH_ALEN)).toEqual(MAC_A);
      expect(frame.subarray(ETH_SRC, ETH_TYPE)).toEqual(dev.address);
      expect([frame[ETH_TYPE], frame[ETH_TYPE + 1]]).toEqual([ETH_P_IP >> 8, ETH_P_IP & 0xff]);
    });

    it('does not mix neighbours up', () => {
      const [a, b] = [resolve(A), resolve(B)];
      table.update(a, MAC_A, NUD_PERMANENT, ORDER);
      table.update(b, MAC_B, NUD_PERMANENT, ORDER);
      send(b, 1);
      send(a, 2);
      expect(left()).toEqual([
        [MAC_B, 1],
        [MAC_A, 2],
      ]);
    });

    it('uses a stale address at once', () => {
      const neigh = resolve(A);
      table.update(neigh, MAC_A, NUD_STALE, NEIGH_UPDATE_F_OVERRIDE);
      send(neigh, 1);
      expect(left()).toEqual([[MAC_A, 1]]);
    });

    it('replaces an address only when told to, and a permanent one only by order', () => {
      const neigh = resolve(A);
      table.update(neigh, MAC_A, NUD_REACHABLE, NEIGH_UPDATE_F_OVERRIDE);
      table.update(neigh, MAC_B, NUD_REACHABLE, 0);
      expect(neigh.ha).toEqual(MAC_A);
      table.update(neigh, MAC_B, NUD_REACHABLE, NEIGH_UPDATE_F_OVERRIDE);
      expect(neigh.ha).toEqual(MAC_B);
      table.update(neigh, MAC_A, NUD_PERMANENT, ORDER);
      table.update(neigh, MAC_B, NUD_REACHABLE, NEIGH_UPDATE_F_OVERRIDE);
      expect([neigh.ha, neigh.nudState]).toEqual([MAC_A, NUD_PERMANENT]);
      send(neigh, 1);
      expect(left()).toEqual([[MAC_A, 1]]);
    });

    it('tells of changes, after them', () => {
      const seen: [number, number][] = [];
      dev.net.notifier.on('neigh:update', (neigh) => seen.push([neigh.key, neigh.nudState]));
      const neigh = resolve(A);
      table.update(neigh, MAC_A, NUD_REACHABLE, NEIGH_UPDATE_F_OVERRIDE);
      table.update(neigh, MAC_A, NUD_REACHABLE, NEIGH_UPDATE_F_OVERRIDE);
      expect(seen).toEqual([[A, NUD_REACHABLE]]);
    });

    it('remembers when traffic confirmed a neighbour', () => {
      const neigh = resolve(A);
      const { softirq } = dev.net;
      expect(neigh.confirmed).toBeLessThan(softirq.jiffies);
      table.confirm(neigh);
      expect(neigh.confirmed).toBe(softirq.jiffies);
    });

    it('gives every packet back', () => {
      const { pool } = dev.net;
      const before = pool.inUse;
      const neigh = resolve(A);
      for (let mark = 0; mark < 1000; mark++) send(neigh, mark & 0xff);
      table.update(neigh, MAC_A, NUD_REACHABLE, NEIGH_UPDATE_F_OVERRIDE);
      expect(left().length).toBeGreaterThan(0);
      expect(pool.inUse).toBe(before);
    });
  });
}
