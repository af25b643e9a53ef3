/** target/netmap.ts — `-j NETMAP`: a whole network to another one, host by host (cf. Linux net/netfilter/xt_NETMAP.c). */
import {
  defineTarget,
  formatIpv4,
  IP_DADDR,
  IP_SADDR,
  inetMakeMask,
  inetMaskLen,
  NF_ACCEPT,
  NF_IP_LOCAL_IN,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  parseIpv4,
  XtProblem,
  type XtTarget,
  type XtValue,
  xtNumber,
} from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import { addressRange, NAT_MANIP_SRC } from '../nat/nat-range.ts';
import { manipOfHook, type NfNat } from '../nat/nf-nat.ts';

interface Network {
  readonly address: number;
  readonly mask: number;
  readonly length: number;
}

/** `192.168.0.0/24`; a length beyond 32, and a mask with holes, stand for one host, as iptables has it. */
const network: XtValue<Network> = (text, at) => {
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const length = slash < 0 ? 32 : maskLength(text.slice(slash + 1));
  if (length === null) {
    throw new XtProblem(`${at.extension}: bad value for option "--${at.option}", neither a valid network mask nor valid CIDR (0-32).\n`);
  }
  const address = host === 'localhost' ? 0x7f000001 : parseIpv4(host);
  if (address === null) throw new XtProblem('getaddrinfo: Name or service not known\n');
  const mask = inetMakeMask(length);
  return { address: address & mask, mask, length };
};

function maskLength(text: string): number | null {
  const length = xtNumber(text);
  if (length !== null) return Math.min(length, 32);
  const mask = parseIpv4(text);
  if (mask === null) return null;
  const ones = inetMaskLen(mask);
  return ones < 0 ? 32 : ones;
}

export function netmap(nat: NfNat): XtTarget {
  return defineTarget({
    name: 'NETMAP',
    tables: ['nat'],
    hooks: (1 << NF_IP_PRE_ROUTING) | (1 << NF_IP_POST_ROUTING) | (1 << NF_IP_LOCAL_OUT) | (1 << NF_IP_LOCAL_IN),
    options: { to: { value: network, mandatory: true } },
    init: ({ to }) => to.value,
    save: ({ address, length }) => `--to ${formatIpv4(address)}/${length}`,
    print: ({ address, length }) => `to:${formatIpv4(address)}/${length}`,
    target(skb, { state }, { address, mask }) {
      const ct = skb.nfct as NfConn | null;
      if (ct === null) return NF_ACCEPT;
      const manip = manipOfHook(state.hooknum);
      const old = skb.head.view.getInt32(skb.networkHeader + (manip === NAT_MANIP_SRC ? IP_SADDR : IP_DADDR));
      return nat.setupInfo(ct, addressRange((old & ~mask) | address), manip);
    },
    ...conntrackUser(nat.nct),
  });
}
