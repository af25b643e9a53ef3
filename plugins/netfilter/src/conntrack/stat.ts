/** stat.ts — what `conntrack -S` counts (cf. Linux struct ip_conntrack_stat). */

/** Names of the counters, as metrics show them. */
export const CONNTRACK_STATS: readonly string[] = [
  'found',
  'invalid',
  'insert',
  'insertFailed',
  'drop',
  'earlyDrop',
  'error',
  'searchRestart',
  'clashResolve',
  'chainTooLong',
  'expectNew',
  'expectCreate',
  'expectDelete',
];
/** A tuple that NAT wanted was taken. */
export const CT_STAT_FOUND = 0;
/** Packets that are no part of a connection and cannot begin one. */
export const CT_STAT_INVALID = 1;
/** Connections made by command. */
export const CT_STAT_INSERT = 2;
export const CT_STAT_INSERT_FAILED = 3;
export const CT_STAT_DROP = 4;
export const CT_STAT_EARLY_DROP = 5;
/** ICMP errors that quote no known connection. */
export const CT_STAT_ERROR = 6;
export const CT_STAT_SEARCH_RESTART = 7;
export const CT_STAT_CLASH_RESOLVE = 8;
export const CT_STAT_CHAIN_TOO_LONG = 9;
export const CT_STAT_EXPECT_NEW = 10;
export const CT_STAT_EXPECT_CREATE = 11;
export const CT_STAT_EXPECT_DELETE = 12;
