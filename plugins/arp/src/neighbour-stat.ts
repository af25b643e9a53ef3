/** neighbour-stat.ts — the counters of the neighbour table (struct neigh_statistics, /proc/net/stat/arp_cache) and of ARP. */

/** Names of the slots below, in this order. */
export const NEIGH_STATS: readonly string[] = [
  'allocs',
  'destroys',
  'hash_grows',
  'lookups',
  'hits',
  'res_failed',
  'rcv_probes_mcast',
  'rcv_probes_ucast',
  'periodic_gc_runs',
  'forced_gc_runs',
  'unresolved_discards',
  'table_fulls',
  'requests_in',
  'replies_in',
  'requests_out',
  'replies_out',
  'arp_filter',
];

export const NEIGH_ALLOCS = 0;
export const NEIGH_DESTROYS = 1;
export const NEIGH_HASH_GROWS = 2;
export const NEIGH_LOOKUPS = 3;
export const NEIGH_HITS = 4;
export const NEIGH_RES_FAILED = 5;
export const NEIGH_PERIODIC_GC_RUNS = 8;
export const NEIGH_FORCED_GC_RUNS = 9;
export const NEIGH_UNRES_DISCARDS = 10;
export const NEIGH_TABLE_FULLS = 11;
export const ARP_REQUESTS_IN = 12;
export const ARP_REPLIES_IN = 13;
export const ARP_REQUESTS_OUT = 14;
export const ARP_REPLIES_OUT = 15;
/** Requests not answered because the way back is by another device (LINUX_MIB_ARPFILTER). */
export const ARP_FILTERED = 16;
