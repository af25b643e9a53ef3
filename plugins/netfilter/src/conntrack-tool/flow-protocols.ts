/** conntrack-tool/flow-protocols.ts — protocols that the command knows by name, and what their connections are told apart by. */
import { IPPROTO_DCCP, IPPROTO_GRE, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE } from '@packetwalk/framework';

const IPPROTO_ICMPV6 = 58;

const NAMES: ReadonlyMap<number, string> = new Map([
  [IPPROTO_TCP, 'tcp'],
  [IPPROTO_UDP, 'udp'],
  [IPPROTO_UDPLITE, 'udplite'],
  [IPPROTO_SCTP, 'sctp'],
  [IPPROTO_DCCP, 'dccp'],
  [IPPROTO_ICMP, 'icmp'],
  [IPPROTO_ICMPV6, 'icmpv6'],
  [IPPROTO_GRE, 'gre'],
]);

/** The name in listings. */
export function flowProtocolName(protocol: number): string {
  return NAMES.get(protocol) ?? 'unknown';
}

/** The number of a name that the command knows itself, in any case; null for all others. */
export function flowProtocolNumber(name: string): number | null {
  for (const [number, known] of NAMES) if (known === name.toLowerCase()) return number;
  return null;
}

/** How the ports word of a direction is read. */
export type PortsKind = 'ports' | 'icmp' | 'keys' | 'none';

/** DCCP is not tracked by ports, but its lines have them: zeros. */
export function portsKind(protocol: number): PortsKind {
  if (protocol === IPPROTO_ICMP) return 'icmp';
  if (protocol === IPPROTO_GRE) return 'keys';
  return NAMES.has(protocol) && protocol !== IPPROTO_ICMPV6 ? 'ports' : 'none';
}
