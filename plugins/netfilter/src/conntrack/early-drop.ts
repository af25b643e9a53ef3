/**
 * early-drop.ts — the table is full: connections that may be missed make room (cf. Linux early_drop). As in the kernel, those of
 * eight neighbouring buckets are looked at, so that a flood cannot make every packet search the table.
 */
import { IP_CT_DIR_ORIGINAL, IPS_ASSURED, IPS_DYING } from '@packetwalk/framework';
import { zoneId } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';
import type { Tuple } from './tuple.ts';
import type { TupleHash } from './tuple-hash.ts';

const EVICTION_RANGE = 8;

/** Ends connections that are not assured, in the first bucket that has any; returns how many. */
export function earlyDrop(nct: NfConntrack, table: TupleHash, tuple: Tuple, zone: number): number {
  const mask = (1 << (32 - Math.clz32(nct.settings.buckets - 1))) - 1;
  const hash = table.hash(tuple.src, tuple.dst, tuple.ports, (tuple.key & 0xff) | (zoneId(zone, IP_CT_DIR_ORIGINAL) << 8));
  for (let i = 0; i < EVICTION_RANGE; i++) {
    let dropped = 0;
    for (const ref of table.bucket((hash + i) & mask, mask)) {
      const ct = nct.conn(ref);
      if ((ct.status & (IPS_ASSURED | IPS_DYING)) === 0 && nct.delete(ct)) dropped++;
    }
    if (dropped > 0) return dropped;
  }
  return 0;
}
