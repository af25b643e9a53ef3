/** target/reject.ts — `-j REJECT`: drops a packet, and tells its sender (cf. Linux net/ipv4/netfilter/ipt_REJECT.c). */
import {
  Conntrack,
  defineTarget,
  ICMP_DEST_UNREACH,
  ICMP_HOST_ANO,
  ICMP_HOST_UNREACH,
  ICMP_NET_ANO,
  ICMP_NET_UNREACH,
  ICMP_PKT_FILTERED,
  ICMP_PORT_UNREACH,
  ICMP_PROT_UNREACH,
  IcmpSend,
  IPPROTO_TCP,
  IpOutput,
  NF_DROP,
  NF_IP_FORWARD,
  NF_IP_LOCAL_IN,
  NF_IP_LOCAL_OUT,
  type PluginContext,
  Routing,
  XtProblem,
  type XtTarget,
  type XtValue,
} from '@packetwalk/framework';
import { checksumOk } from './nf-checksum.ts';
import { nfSendReset, type ResetServices } from './tcp-reset.ts';

const TCP_RESET = 'tcp-reset';

/** Name, other name, and the code of "destination unreachable"; -1 for a reset. */
const TYPES: readonly (readonly [string, string, number])[] = [
  ['icmp-net-unreachable', 'net-unreach', ICMP_NET_UNREACH],
  ['icmp-host-unreachable', 'host-unreach', ICMP_HOST_UNREACH],
  ['icmp-port-unreachable', 'port-unreach', ICMP_PORT_UNREACH],
  ['icmp-proto-unreachable', 'proto-unreach', ICMP_PROT_UNREACH],
  ['icmp-net-prohibited', 'net-prohib', ICMP_NET_ANO],
  ['icmp-host-prohibited', 'host-prohib', ICMP_HOST_ANO],
  [TCP_RESET, 'tcp-rst', -1],
  ['icmp-admin-prohibited', 'admin-prohib', ICMP_PKT_FILTERED],
];

interface RejectType {
  readonly name: string;
  readonly code: number;
}

const DEFAULT: RejectType = { name: 'icmp-port-unreachable', code: ICMP_PORT_UNREACH };

/** A name, which may be cut: the first that it fits. */
const rejectType: XtValue<RejectType> = (text) => {
  const wanted = text.toLowerCase();
  const found = TYPES.find((names) => names[0].startsWith(wanted) || names[1].startsWith(wanted));
  if (found === undefined) throw new XtProblem(`unknown reject type "${text}"`);
  return { name: found[0], code: found[2] };
};

export function reject(ctx: PluginContext): XtTarget {
  const icmp = ctx.slot(IcmpSend);
  const services: ResetServices = { routing: ctx.slot(Routing), output: ctx.slot(IpOutput), conntrack: ctx.slot(Conntrack) };
  return defineTarget({
    name: 'REJECT',
    tables: ['filter'],
    hooks: (1 << NF_IP_LOCAL_IN) | (1 << NF_IP_FORWARD) | (1 << NF_IP_LOCAL_OUT),
    options: { 'reject-with': { value: rejectType } },
    init: (o): RejectType => o['reject-with']?.value ?? DEFAULT,
    save: ({ name }) => `--reject-with ${name}`,
    print: ({ name }) => `reject-with ${name}`,
    check({ name }, { protocol, protocolInverted }) {
      return name === TCP_RESET && (protocol !== IPPROTO_TCP || protocolInverted) ? 'TCP_RESET invalid for non-tcp' : null;
    },
    target(skb, par, { code }) {
      if (code < 0) nfSendReset(services, skb, par);
      else if (par.fragoff === 0 && checksumOk(skb, par)) icmp.value?.icmpSend(skb, ICMP_DEST_UNREACH, code, 0);
      return NF_DROP;
    },
  });
}
