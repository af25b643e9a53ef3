/** conntrack-tool/flow-save.ts — a connection as the command that makes it again (cf. conntrack-tools' ct_save_snprintf). */
import {
  formatIpv4,
  IPPROTO_DCCP,
  IPPROTO_SCTP,
  IPS_ASSURED,
  IPS_DST_NAT,
  IPS_EXPECTED,
  IPS_FIXED_TIMEOUT,
  IPS_SEEN_REPLY,
  IPS_SRC_NAT,
} from '@packetwalk/framework';
import type { Flow } from './flow.ts';
import { flowProtocolName, portsKind } from './flow-protocols.ts';

/** Bits that are told, in this order. */
const STATUS: readonly (readonly [number, string])[] = [
  [IPS_EXPECTED, 'EXPECTED'],
  [IPS_SEEN_REPLY, 'SEEN_REPLY'],
  [IPS_ASSURED, 'ASSURED'],
  [IPS_FIXED_TIMEOUT, 'FIXED_TIMEOUT'],
];

function given(option: string, value: number | string | null): string[] {
  return value === null ? [] : [option, String(value)];
}

function portWords({ protocol, original, reply }: Flow): string[] {
  const high = (ports: number): number => ports >>> 16;
  const low = (ports: number): number => ports & 0xffff;
  const p = original.ports;
  const r = reply.ports;
  switch (portsKind(protocol)) {
    case 'icmp':
      return [...given('--icmp-type', low(p) >>> 8), ...given('--icmp-code', low(p) & 0xff), ...given('--icmp-id', high(p))];
    case 'keys':
      return [
        ...given('--srckey', high(p)),
        ...given('--dstkey', low(p)),
        ...given('--reply-key-src', high(r)),
        ...given('--reply-key-dst', low(r)),
      ];
    case 'ports':
      if (protocol === IPPROTO_DCCP) return [];
      return [
        ...given('--sport', high(p)),
        ...given('--dport', low(p)),
        ...given('--reply-port-src', high(r)),
        ...given('--reply-port-dst', low(r)),
      ];
    case 'none':
      return [];
  }
}

/** `-A -t 120 -u UNSET -s …`. @param command `-A`, `-U` or `-D` @param vtags SCTP's verification tags by direction */
export function flowSave(flow: Flow, command: string, vtags: readonly number[]): string {
  const { protocol, original, reply, status } = flow;
  const name = flowProtocolName(protocol);
  const bits = STATUS.filter(([bit]) => (status & bit) !== 0).map(([, word]) => word);
  return [
    command,
    ...given('-t', flow.timeout),
    ...given('-u', bits.length === 0 ? 'UNSET' : bits.join(',')),
    ...given('-w', flow.zone),
    ...given('--orig-zone', original.zone),
    ...given('--reply-zone', reply.zone),
    ...given('-s', formatIpv4(original.src)),
    ...given('-d', formatIpv4(original.dst)),
    ...given((status & IPS_DST_NAT) !== 0 ? '-g' : '-r', formatIpv4(reply.src)),
    ...given((status & IPS_SRC_NAT) !== 0 ? '-n' : '-q', formatIpv4(reply.dst)),
    ...given('-p', name === 'unknown' ? protocol : name),
    ...portWords(flow),
    ...given('--state', flow.state),
    ...(protocol === IPPROTO_SCTP ? [...given('--orig-vtag', vtags[0]), ...given('--reply-vtag', vtags[1])] : []),
  ].join(' ');
}
