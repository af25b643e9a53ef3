/**
 * wire/icmp.ts — ICMP messages (RFC 792; types of RFC 950, RFC 1256 and RFC 1812).
 *
 *      0               1               2                               4
 *      +---------------+---------------+-------------------------------+
 *      |     type      |     code      |           checksum            |
 *      +---------------+---------------+-------------------------------+
 *      |  identifier / gateway / pointer / next-hop MTU (RFC 1191)     |
 *      +---------------------------------------------------------------+
 */

export const ICMP_TYPE = 0;
export const ICMP_CODE = 1;
export const ICMP_CHECKSUM = 2;
export const ICMP_ID = 4;
export const ICMP_SEQUENCE = 6;
/** Gateway address of a redirect. */
export const ICMP_GATEWAY = 4;
/** Next-hop MTU of "fragmentation needed" (RFC 1191 §4). */
export const ICMP_MTU = 6;
export const ICMP_HLEN = 8;

export const ICMP_ECHOREPLY = 0;
export const ICMP_DEST_UNREACH = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETERPROB = 12;
export const ICMP_TIMESTAMP = 13;
export const ICMP_TIMESTAMPREPLY = 14;
export const ICMP_INFO_REQUEST = 15;
export const ICMP_INFO_REPLY = 16;
export const ICMP_ADDRESS = 17;
export const ICMP_ADDRESSREPLY = 18;
export const NR_ICMP_TYPES = 18;

/** Codes of ICMP_DEST_UNREACH. */
export const ICMP_NET_UNREACH = 0;
export const ICMP_HOST_UNREACH = 1;
export const ICMP_PROT_UNREACH = 2;
export const ICMP_PORT_UNREACH = 3;
export const ICMP_FRAG_NEEDED = 4;
export const ICMP_SR_FAILED = 5;
export const ICMP_NET_UNKNOWN = 6;
export const ICMP_HOST_UNKNOWN = 7;
export const ICMP_HOST_ISOLATED = 8;
export const ICMP_NET_ANO = 9;
export const ICMP_HOST_ANO = 10;
export const ICMP_NET_UNR_TOS = 11;
export const ICMP_HOST_UNR_TOS = 12;
export const ICMP_PKT_FILTERED = 13;
export const ICMP_PREC_VIOLATION = 14;
export const ICMP_PREC_CUTOFF = 15;
export const NR_ICMP_UNREACH = 15;

/** Codes of ICMP_REDIRECT. */
export const ICMP_REDIR_NET = 0;
export const ICMP_REDIR_HOST = 1;
export const ICMP_REDIR_NETTOS = 2;
export const ICMP_REDIR_HOSTTOS = 3;

/** Codes of ICMP_TIME_EXCEEDED. */
export const ICMP_EXC_TTL = 0;
export const ICMP_EXC_FRAGTIME = 1;

const NAMES: Record<number, string> = {
  [ICMP_ECHOREPLY]: 'echo reply',
  [ICMP_DEST_UNREACH]: 'destination unreachable',
  [ICMP_SOURCE_QUENCH]: 'source quench',
  [ICMP_REDIRECT]: 'redirect',
  [ICMP_ECHO]: 'echo request',
  [ICMP_TIME_EXCEEDED]: 'time exceeded',
  [ICMP_PARAMETERPROB]: 'parameter problem',
  [ICMP_TIMESTAMP]: 'timestamp request',
  [ICMP_TIMESTAMPREPLY]: 'timestamp reply',
};

const UNREACH_NAMES = [
  'net unreachable',
  'host unreachable',
  'protocol unreachable',
  'port unreachable',
  'fragmentation needed',
  'source route failed',
  'net unknown',
  'host unknown',
  'host isolated',
  'net prohibited',
  'host prohibited',
  'net unreachable for TOS',
  'host unreachable for TOS',
  'packet filtered',
  'precedence violation',
  'precedence cutoff',
];

/** `echo request`, `host unreachable`, `type 99 code 0` … */
export function icmpName(type: number, code: number): string {
  if (type === ICMP_DEST_UNREACH && code < UNREACH_NAMES.length) return UNREACH_NAMES[code];
  return NAMES[type] ?? `type ${type} code ${code}`;
}

/** True of the messages that report an error, to which no error may be sent (RFC 1122 §3.2.2). */
export function icmpIsError(type: number): boolean {
  return (
    type === ICMP_DEST_UNREACH ||
    type === ICMP_SOURCE_QUENCH ||
    type === ICMP_REDIRECT ||
    type === ICMP_TIME_EXCEEDED ||
    type === ICMP_PARAMETERPROB
  );
}
