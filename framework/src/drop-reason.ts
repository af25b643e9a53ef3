/**
 * drop-reason.ts — why a packet was freed without being delivered (cf. Linux include/net/dropreason-core.h).
 *
 * A reason is a small integer on the path and a name everywhere else. The core's reasons are constants; a plugin
 * registers its own by name and gets the next free number, so two copies of a plugin share one.
 */

interface DropReasonInfo {
  readonly name: string;
  readonly text: string;
}

const reasons: DropReasonInfo[] = [];
const byName = new Map<string, number>();

/**
 * Registers a drop reason, or finds it when the name is known already.
 * @param name upper-case words joined by `_`, as the kernel writes them, without the `SKB_DROP_REASON_` prefix
 * @param text what happened, for people: lower case, no full stop
 */
export function dropReason(name: string, text: string): number {
  const known = byName.get(name);
  if (known !== undefined) return known;
  reasons.push({ name, text });
  byName.set(name, reasons.length - 1);
  return reasons.length - 1;
}

/** Name of a reason, `UNKNOWN` for a number never registered. */
export function dropReasonName(reason: number): string {
  return reasons[reason]?.name ?? 'UNKNOWN';
}

/** What a reason means, in words. */
export function dropReasonText(reason: number): string {
  return reasons[reason]?.text ?? '';
}

/** How many reasons are known now; valid reasons are below it. */
export function dropReasonCount(): number {
  return reasons.length;
}

/** Most reasons that may ever be registered: the size of each router's array of drop counters. */
export const DROP_REASON_MAX = 512;

/** Not a drop: the packet was used up by whoever wanted it. */
export const SKB_CONSUMED: number = dropReason('CONSUMED', 'delivered');
/** Nobody said why. No code of the project may use it: a test looks for it. */
export const SKB_DROP_REASON_NOT_SPECIFIED: number = dropReason('NOT_SPECIFIED', 'no reason given');
export const SKB_DROP_REASON_PKT_TOO_SMALL: number = dropReason('PKT_TOO_SMALL', 'packet shorter than its headers');
export const SKB_DROP_REASON_IP_INHDR: number = dropReason('IP_INHDR', 'bad IPv4 header: version, header length or total length');
export const SKB_DROP_REASON_IP_CSUM: number = dropReason('IP_CSUM', 'wrong IPv4 header checksum');
export const SKB_DROP_REASON_OTHERHOST: number = dropReason('OTHERHOST', 'frame was addressed to another host');
export const SKB_DROP_REASON_NETFILTER_DROP: number = dropReason('NETFILTER_DROP', 'a netfilter hook dropped it');
export const SKB_DROP_REASON_UNHANDLED_PROTO: number = dropReason('UNHANDLED_PROTO', 'no handler for this EtherType');
export const SKB_DROP_REASON_DEV_READY: number = dropReason('DEV_READY', 'device is not up');
export const SKB_DROP_REASON_DEV_HDR: number = dropReason('DEV_HDR', 'frame shorter than a link-layer header');
export const SKB_DROP_REASON_FULL_RING: number = dropReason('FULL_RING', 'device has no room for it');
export const SKB_DROP_REASON_CPU_BACKLOG: number = dropReason('CPU_BACKLOG', 'input queue is full (net.core.netdev_max_backlog)');
export const SKB_DROP_REASON_RECURSION_LIMIT: number = dropReason('RECURSION_LIMIT', 'too many nested transmissions');
export const SKB_DROP_REASON_NOMEM: number = dropReason('NOMEM', 'out of packet buffers');
export const SKB_DROP_REASON_PLUGIN_EXCEPTION: number = dropReason('PLUGIN_EXCEPTION', 'a plugin threw while handling it');
export const SKB_DROP_REASON_LINK_LOSS: number = dropReason('LINK_LOSS', 'longer than the wire carries');
export const SKB_DROP_REASON_QUEUE_PURGE: number = dropReason('QUEUE_PURGE', 'queue was emptied: device or router went down');

export const SKB_DROP_REASON_IP_OUTNOROUTES: number = dropReason('IP_OUTNOROUTES', 'no route to the destination');
export const SKB_DROP_REASON_IP_INNOROUTES: number = dropReason(
  'IP_INNOROUTES',
  'no route to the destination (forwarding off, unreachable or prohibited)',
);
export const SKB_DROP_REASON_IP_BLACKHOLE: number = dropReason('IP_BLACKHOLE', 'blackhole route');
export const SKB_DROP_REASON_IP_INVALID_SOURCE: number = dropReason('IP_INVALID_SOURCE', 'martian source address');
export const SKB_DROP_REASON_IP_INVALID_DEST: number = dropReason('IP_INVALID_DEST', 'martian destination address');
export const SKB_DROP_REASON_IP_LOCAL_SOURCE: number = dropReason('IP_LOCAL_SOURCE', 'source address is one of our own');
export const SKB_DROP_REASON_IP_LOCALNET: number = dropReason('IP_LOCALNET', 'loopback address on a real device');
export const SKB_DROP_REASON_IP_RPFILTER: number = dropReason('IP_RPFILTER', 'reverse path filter (rp_filter)');
export const SKB_DROP_REASON_IP_NOPROTO: number = dropReason('IP_NOPROTO', 'no handler for this IP protocol');
export const SKB_DROP_REASON_IP_TTL: number = dropReason('IP_TTL', 'time to live exceeded');
export const SKB_DROP_REASON_PKT_TOO_BIG: number = dropReason('PKT_TOO_BIG', 'larger than the MTU and DF is set');
export const SKB_DROP_REASON_IP_OPTIONS: number = dropReason('IP_OPTIONS', 'malformed or refused IP options');
export const SKB_DROP_REASON_IP_SOURCE_ROUTED: number = dropReason('IP_SOURCE_ROUTED', 'source routing is refused (accept_source_route)');
export const SKB_DROP_REASON_UNICAST_IN_L2_MULTICAST: number = dropReason(
  'UNICAST_IN_L2_MULTICAST',
  'unicast packet in a link-layer broadcast or multicast',
);
export const SKB_DROP_REASON_IP_NOT_FORWARDABLE: number = dropReason(
  'IP_NOT_FORWARDABLE',
  'link-layer broadcast or multicast is not forwarded',
);
export const SKB_DROP_REASON_IP_MULTICAST: number = dropReason('IP_MULTICAST', 'multicast group not joined');
export const SKB_DROP_REASON_IP_RT_BUG: number = dropReason('IP_RT_BUG', 'route has no output (ip_rt_bug)');
export const SKB_DROP_REASON_FRAG_REASM_TIMEOUT: number = dropReason('FRAG_REASM_TIMEOUT', 'reassembly timed out');
export const SKB_DROP_REASON_FRAG_TOO_FAR: number = dropReason('FRAG_TOO_FAR', 'fragments too far apart (ipfrag_max_dist)');
export const SKB_DROP_REASON_DUP_FRAG: number = dropReason('DUP_FRAG', 'fragment seen already');
export const SKB_DROP_REASON_FRAG_INVALID: number = dropReason('FRAG_INVALID', 'fragment overlaps, overruns or contradicts another');
export const SKB_DROP_REASON_FRAG_MEM: number = dropReason('FRAG_MEM', 'too much memory held by fragments (ipfrag_high_thresh)');

export const SKB_DROP_REASON_NEIGH_CREATEFAIL: number = dropReason('NEIGH_CREATEFAIL', 'neighbour table is full');
export const SKB_DROP_REASON_NEIGH_FAILED: number = dropReason('NEIGH_FAILED', 'neighbour did not answer');
export const SKB_DROP_REASON_NEIGH_QUEUEFULL: number = dropReason('NEIGH_QUEUEFULL', 'too many packets wait for this neighbour');
export const SKB_DROP_REASON_NEIGH_DEAD: number = dropReason('NEIGH_DEAD', 'neighbour entry was deleted');
export const SKB_DROP_REASON_NEIGH_HH_FILLFAIL: number = dropReason('NEIGH_HH_FILLFAIL', 'link-layer header could not be made');

export const SKB_DROP_REASON_ARP_INVALID: number = dropReason('ARP_INVALID', 'malformed ARP, or not for IPv4 over this link');
export const SKB_DROP_REASON_ARP_IGNORED: number = dropReason('ARP_IGNORED', 'ARP that asks nothing of us');

export const SKB_DROP_REASON_ICMP_CSUM: number = dropReason('ICMP_CSUM', 'wrong ICMP checksum');
export const SKB_DROP_REASON_ICMP_UNHANDLED: number = dropReason('ICMP_UNHANDLED', 'ICMP type that is not answered');
export const SKB_DROP_REASON_ICMP_IGNORED: number = dropReason('ICMP_IGNORED', 'ICMP request that a sysctl says to ignore');
export const SKB_DROP_REASON_UDP_CSUM: number = dropReason('UDP_CSUM', 'wrong UDP checksum');
export const SKB_DROP_REASON_TCP_CSUM: number = dropReason('TCP_CSUM', 'wrong TCP checksum');
export const SKB_DROP_REASON_XFRM_POLICY: number = dropReason('XFRM_POLICY', 'IPsec policy does not let it pass');
export const SKB_DROP_REASON_NO_SOCKET: number = dropReason('NO_SOCKET', 'nobody listens on this port');
