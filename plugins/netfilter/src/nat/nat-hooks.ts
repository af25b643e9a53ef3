/**
 * nat-hooks.ts — where packets meet NAT (cf. Linux nf_nat_inet_fn, nf_nat_ipv4_pre_routing, nf_nat_ipv4_local_fn): destinations
 * before routing, sources behind it.
 */
import {
  IP_CT_ESTABLISHED,
  IP_CT_ESTABLISHED_REPLY,
  IP_CT_IS_REPLY,
  IP_CT_NEW,
  IP_DADDR,
  IP_PROTOCOL,
  IPPROTO_ICMP,
  IPS_TEMPLATE,
  NF_ACCEPT,
  NF_DROP,
  NF_IP_LOCAL_IN,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  NF_IP_PRI_NAT_DST,
  NF_IP_PRI_NAT_SRC,
  type NfHookOps,
  type NfHookState,
  PF_INET,
  type Routing,
  type SkBuff,
  type Slot,
} from '@packetwalk/framework';
import { CT_MASQ_INDEX, CT_STATUS, type NfConn } from '../conntrack/nf-conn.ts';
import { ipRouteMeHarder } from '../route-me-harder.ts';
import { natIcmpReply } from './nat-icmp.ts';
import { manipOfHook, type NfNat, natInitialized } from './nf-nat.ts';

/** The hooks of NAT; `routing` finds the way anew for packets made here whose destination has changed. */
export function natHooks(nat: NfNat, routing: Slot<Routing>): NfHookOps[] {
  const plain = (skb: SkBuff, state: NfHookState): number => natPacket(nat, skb, state);
  const preRouting = (skb: SkBuff, state: NfHookState): number => {
    const daddr = skb.head.view.getInt32(skb.networkHeader + IP_DADDR);
    const verdict = natPacket(nat, skb, state);
    if (verdict === NF_ACCEPT && skb.head.view.getInt32(skb.networkHeader + IP_DADDR) !== daddr) skb.dst = null;
    return verdict;
  };
  const localOut = (skb: SkBuff, state: NfHookState): number => {
    const verdict = natPacket(nat, skb, state);
    const ct = skb.nfct as NfConn | null;
    if (verdict !== NF_ACCEPT || ct === null || ct.isTemplate) return verdict;
    const dir = skb.nfctinfo >= IP_CT_IS_REPLY ? 1 : 0;
    if (ct.daddr(dir) === ct.saddr(1 - dir)) return verdict;
    return routing.value !== null && ipRouteMeHarder(routing.value, skb) === 0 ? verdict : NF_DROP;
  };
  return [
    { pf: PF_INET, hooknum: NF_IP_PRE_ROUTING, priority: NF_IP_PRI_NAT_DST, hook: preRouting, name: 'nfNatPreRouting' },
    { pf: PF_INET, hooknum: NF_IP_LOCAL_OUT, priority: NF_IP_PRI_NAT_DST, hook: localOut, name: 'nfNatLocalOut' },
    { pf: PF_INET, hooknum: NF_IP_POST_ROUTING, priority: NF_IP_PRI_NAT_SRC, hook: plain, name: 'nfNatPostRouting' },
    { pf: PF_INET, hooknum: NF_IP_LOCAL_IN, priority: NF_IP_PRI_NAT_SRC, hook: plain, name: 'nfNatLocalIn' },
  ];
}

function natPacket(nat: NfNat, skb: SkBuff, state: NfHookState): number {
  const ct = skb.nfct as NfConn | null;
  if (ct === null) return NF_ACCEPT;
  const { nfctinfo } = skb;
  const manip = manipOfHook(state.hooknum);
  if (nfctinfo === IP_CT_ESTABLISHED || nfctinfo === IP_CT_ESTABLISHED_REPLY) return natEstablished(nat, skb, ct, manip, state);
  if ((ct.words[ct.base + CT_STATUS] & IPS_TEMPLATE) !== 0) return NF_ACCEPT;
  if (nfctinfo !== IP_CT_NEW && skb.head.view.getUint8(skb.networkHeader + IP_PROTOCOL) === IPPROTO_ICMP) {
    return natIcmpReply(skb, ct, manip) ? NF_ACCEPT : NF_DROP;
  }
  if (natInitialized(ct, manip)) return natEstablished(nat, skb, ct, manip, state);
  const verdict = choose(nat, skb, ct, manip, state);
  return verdict === NF_ACCEPT ? nat.packet(skb, ct, manip) : verdict;
}

/** It has been decided what becomes of this end. */
function natEstablished(nat: NfNat, skb: SkBuff, ct: NfConn, manip: number, state: NfHookState): number {
  if (ct.words[ct.base + CT_MASQ_INDEX] === 0 || !oifChanged(skb, ct, state)) return nat.packet(skb, ct, manip);
  nat.nct.account(ct, skb.nfctinfo >= IP_CT_IS_REPLY ? 1 : 0, skb);
  nat.nct.delete(ct);
  return NF_DROP;
}

/** The nat tables choose for the first packet, the first that does counts. */
function choose(nat: NfNat, skb: SkBuff, ct: NfConn, manip: number, state: NfHookState): number {
  for (const chain of nat.chains[state.hooknum]) {
    const verdict = chain(skb, state);
    if (verdict !== NF_ACCEPT) return verdict;
    if (natInitialized(ct, manip)) return NF_ACCEPT;
  }
  return nat.nullBinding(ct, manip);
}

/** A masqueraded connection leaves by another device than the one whose address it has: it must begin anew. */
function oifChanged(skb: SkBuff, ct: NfConn, state: NfHookState): boolean {
  if (state.hooknum !== NF_IP_POST_ROUTING || skb.nfctinfo >= IP_CT_IS_REPLY) return false;
  const { masqIndex } = ct;
  return masqIndex !== 0 && state.out !== null && masqIndex !== state.out.ifindex;
}
