/**
 * proc/snmp.ts — /proc/net/snmp and /proc/net/netstat: pairs of lines, names and values (RFC 4293, RFC 4022, RFC 4113; cf.
 * Linux net/ipv4/proc.c).
 */
import {
  ICMP_MIB,
  IP_MIB,
  IPEXT_MIB,
  SKB_DROP_REASON_IP_RPFILTER,
  TCP_MIB_CSUMERRORS,
  TCP_MIB_INERRS,
  TCP_MIB_INSEGS,
  TCP_MIB_OUTRSTS,
  TCP_MIB_OUTSEGS,
  UDP_MIB,
} from '@packetwalk/framework';
import type { Ipv4 } from '../ipv4.ts';

function pair(title: string, names: readonly string[], values: Iterable<number>): string {
  return `${title}: ${names.join(' ')}\n${title}: ${[...values].join(' ')}\n`;
}

/** What RFC 4022 has of TCP, as the kernel orders it: this router answers segments, but has no connections. */
const TCP_NAMES = [
  'RtoAlgorithm',
  'RtoMin',
  'RtoMax',
  'MaxConn',
  'ActiveOpens',
  'PassiveOpens',
  'AttemptFails',
  'EstabResets',
  'CurrEstab',
  'InSegs',
  'OutSegs',
  'RetransSegs',
  'InErrs',
  'OutRsts',
  'InCsumErrors',
];

/** tcpRtoAlgorithm "other", the bounds of the timeout in ms, and -1: connections are not limited. */
const TCP_CONSTANTS = [1, 200, 120_000, -1];

/** Text of /proc/net/snmp. */
export function procNetSnmp(ipv4: Ipv4): string {
  const { net, inet } = ipv4;
  const { tcpMib } = net;
  const tcp = [...TCP_CONSTANTS, 0, 0, 0, 0, 0, tcpMib[TCP_MIB_INSEGS], tcpMib[TCP_MIB_OUTSEGS], 0];
  tcp.push(tcpMib[TCP_MIB_INERRS], tcpMib[TCP_MIB_OUTRSTS], tcpMib[TCP_MIB_CSUMERRORS]);
  return (
    pair('Ip', ['Forwarding', 'DefaultTTL', ...IP_MIB], [inet.all.forwarding !== 0 ? 1 : 2, ipv4.ipDefaultTtl, ...net.ipMib]) +
    pair('Icmp', ICMP_MIB, net.icmpMib) +
    icmpMsg(ipv4) +
    pair('Tcp', TCP_NAMES, tcp) +
    pair('Udp', UDP_MIB, net.udpMib)
  );
}

/** Messages by type, those that came or went at all. */
function icmpMsg({ icmpMsgIn, icmpMsgOut }: Ipv4): string {
  const names: string[] = [];
  const values: number[] = [];
  const take = (direction: string, counts: Float64Array): void => {
    counts.forEach((count, type) => {
      if (count === 0) return;
      names.push(`${direction}Type${type}`);
      values.push(count);
    });
  };
  take('In', icmpMsgIn);
  take('Out', icmpMsgOut);
  return names.length === 0 ? '' : pair('IcmpMsg', names, values);
}

/** Text of /proc/net/netstat. Of the columns of `TcpExt` those are here that this router counts: they are not about TCP. */
export function procNetNetstat({ net }: Ipv4): string {
  const arpFilter = [...net.metrics.all()].find(({ name }) => name === 'arp');
  const filtered = arpFilter?.values[arpFilter.names.indexOf('arp_filter')] ?? 0;
  return (
    pair('TcpExt', ['ArpFilter', 'IPReversePathFilter'], [filtered, net.drops[SKB_DROP_REASON_IP_RPFILTER]]) +
    pair('IpExt', IPEXT_MIB, net.ipExtMib)
  );
}
