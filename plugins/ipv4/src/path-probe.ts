/** path-probe.ts — probes along a path with a rising TTL, and who answers them: what tracepath and traceroute have in common. */
import {
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  ICMP_HOST_UNREACH,
  ICMP_NET_UNREACH,
  ICMP_PORT_UNREACH,
  ICMP_PROT_UNREACH,
  ICMP_SR_FAILED,
  IP_SADDR,
  IP_TTL,
  ipHdrLen,
  type SocketError,
  UDP_DEST,
} from '@packetwalk/framework';

/** What an ICMP error says about a UDP probe. */
export interface ProbeAnswer {
  /** Destination port of the probe: which one it was. */
  readonly port: number;
  /** Who says so. */
  readonly from: number;
  readonly type: number;
  readonly code: number;
  /** Next-hop MTU of "fragmentation needed". */
  readonly mtu: number;
  /** TTL that the answer arrived with. */
  readonly ttl: number;
}

/** Reads the error of a socket, valid during its call, into a value that may be kept. */
export function probeAnswer({ skb, type, code, info }: SocketError): ProbeAnswer {
  const { view } = skb.head;
  const quoted = skb.data;
  const outer = skb.networkHeader;
  return {
    port: view.getUint16(quoted + ipHdrLen(view, quoted) + UDP_DEST),
    from: view.getInt32(outer + IP_SADDR),
    type,
    code,
    mtu: info,
    ttl: view.getUint8(outer + IP_TTL),
  };
}

/** The mark behind an answer that is an obstacle: `!H`, `!N` …; empty for time exceeded and for the end of the way. */
export function obstacle({ type, code }: ProbeAnswer): string {
  if (type !== ICMP_DEST_UNREACH || code === ICMP_PORT_UNREACH) return '';
  if (code === ICMP_NET_UNREACH) return '!N';
  if (code === ICMP_HOST_UNREACH) return '!H';
  if (code === ICMP_PROT_UNREACH) return '!P';
  if (code === ICMP_FRAG_NEEDED) return '!F';
  if (code === ICMP_SR_FAILED) return '!S';
  return code === 9 || code === 10 || code === 13 ? '!X' : `!<${code}>`;
}

/** True when the probe has come to its destination. */
export const reached = ({ type, code }: ProbeAnswer): boolean => type === ICMP_DEST_UNREACH && code === ICMP_PORT_UNREACH;

/** How many routers an answer came by, told from the usual first values of TTL: 64, 128, 255. */
export function hopsBack(ttl: number): number {
  return ttl <= 64 ? 65 - ttl : ttl <= 128 ? 129 - ttl : 256 - ttl;
}

/** Milliseconds with three digits behind the point. */
export const milliseconds = (ms: number): string => ms.toFixed(3);
