/** conntrack-hooks.ts — where packets meet tracking (cf. Linux net/netfilter/nf_conntrack_proto.c, net/ipv4/netfilter/nf_defrag_ipv4.c). */
import {
  type Defrag,
  IP_CT_UNTRACKED,
  IP_DEFRAG_CONNTRACK_BRIDGE_IN,
  IP_DEFRAG_CONNTRACK_IN,
  IP_DEFRAG_CONNTRACK_OUT,
  ipIsFragment,
  NF_ACCEPT,
  NF_IP_LOCAL_IN,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  NF_IP_PRI_CONNTRACK,
  NF_IP_PRI_CONNTRACK_CONFIRM,
  NF_IP_PRI_CONNTRACK_DEFRAG,
  NF_STOLEN,
  type NfHookFn,
  type NfHookOps,
  nfResetCt,
  PF_INET,
  type SkBuff,
  type Slot,
} from '@packetwalk/framework';
import { nfConntrackIn } from './conntrack-in.ts';
import { nfConfirm } from './nf-confirm.ts';
import { type NfConn, zoneId } from './nf-conn.ts';
import type { NfConntrack } from './nf-conntrack.ts';

export function conntrackHooks(nct: NfConntrack, defrag: Slot<Defrag>): NfHookOps[] {
  const defragment: NfHookFn = (skb, { hooknum }) => {
    if (!ipIsFragment(skb.head.view, skb.networkHeader) || isSettled(skb)) return NF_ACCEPT;
    return defrag.value === null || defrag.value.defrag(skb, defragUser(skb, hooknum)) === 0 ? NF_ACCEPT : NF_STOLEN;
  };
  const comesIn: NfHookFn = (skb, state) => nfConntrackIn(nct, skb, state);
  const madeHere: NfHookFn = (skb, state) => {
    if (!ipIsFragment(skb.head.view, skb.networkHeader)) return nfConntrackIn(nct, skb, state);
    // Pieces that somebody sends as such are not tracked, and a template is of no use to them.
    if ((skb.nfct as NfConn | null)?.isTemplate === true) nfResetCt(skb);
    return NF_ACCEPT;
  };
  const confirm: NfHookFn = (skb) => nfConfirm(nct, skb);
  const at = (hooknum: number, priority: number, hook: NfHookFn, name: string): NfHookOps => ({
    pf: PF_INET,
    hooknum,
    priority,
    hook,
    name,
  });
  return [
    at(NF_IP_PRE_ROUTING, NF_IP_PRI_CONNTRACK_DEFRAG, defragment, 'nfDefrag'),
    at(NF_IP_LOCAL_OUT, NF_IP_PRI_CONNTRACK_DEFRAG, defragment, 'nfDefrag'),
    at(NF_IP_PRE_ROUTING, NF_IP_PRI_CONNTRACK, comesIn, 'nfConntrackIn'),
    at(NF_IP_LOCAL_OUT, NF_IP_PRI_CONNTRACK, madeHere, 'nfConntrackIn'),
    at(NF_IP_POST_ROUTING, NF_IP_PRI_CONNTRACK_CONFIRM, confirm, 'nfConfirm'),
    at(NF_IP_LOCAL_IN, NF_IP_PRI_CONNTRACK_CONFIRM, confirm, 'nfConfirm'),
  ];
}

/** It has a connection already, or is to have none. */
function isSettled(skb: SkBuff): boolean {
  if (skb.nfct === null) return skb.nfctinfo === IP_CT_UNTRACKED;
  return !(skb.nfct as NfConn).isTemplate;
}

/** Fragments of different zones, and those on a bridge, do not meet (nf_ct_defrag_user). */
function defragUser(skb: SkBuff, hooknum: number): number {
  const zone = skb.nfct === null ? 0 : zoneId((skb.nfct as NfConn).zone, 0);
  if (skb.nfBridge !== null) return IP_DEFRAG_CONNTRACK_BRIDGE_IN + zone;
  return (hooknum === NF_IP_PRE_ROUTING ? IP_DEFRAG_CONNTRACK_IN : IP_DEFRAG_CONNTRACK_OUT) + zone;
}
