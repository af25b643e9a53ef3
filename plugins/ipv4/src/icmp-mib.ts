/** icmp-mib.ts — ICMP messages counted by type (RFC 4293 icmpMsgStatsTable, in the columns of /proc/net/snmp). */
import {
  ICMP_ADDRESS,
  ICMP_ADDRESSREPLY,
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_MIB_IN_TYPES,
  ICMP_MIB_OUT_TYPES,
  ICMP_MIB_OUTMSGS,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
} from '@packetwalk/framework';
import type { Ipv4 } from './ipv4.ts';

/** Types in the order of the columns. */
const COLUMNS = [
  ICMP_DEST_UNREACH,
  ICMP_TIME_EXCEEDED,
  ICMP_PARAMETERPROB,
  ICMP_SOURCE_QUENCH,
  ICMP_REDIRECT,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
  ICMP_ADDRESS,
  ICMP_ADDRESSREPLY,
];

/** Column of a type, -1 for none. */
const COLUMN_OF: Int8Array = new Int8Array(256).fill(-1);
COLUMNS.forEach((type, column) => {
  COLUMN_OF[type] = column;
});

/** Counts the type of a message that has come; the message itself is counted earlier, before its checksum. */
export function countIcmpIn(ipv4: Ipv4, type: number): void {
  ipv4.icmpMsgIn[type]++;
  const column = COLUMN_OF[type];
  if (column >= 0) ipv4.net.icmpMib[ICMP_MIB_IN_TYPES + column]++;
}

/** Counts a message that is sent (icmp_out_count). */
export function countIcmpOut(ipv4: Ipv4, type: number): void {
  const { icmpMib } = ipv4.net;
  icmpMib[ICMP_MIB_OUTMSGS]++;
  ipv4.icmpMsgOut[type]++;
  const column = COLUMN_OF[type];
  if (column >= 0) icmpMib[ICMP_MIB_OUT_TYPES + column]++;
}
