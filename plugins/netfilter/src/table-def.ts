/**
 * table-def.ts — the tables and where their built-in chains stand (cf. Linux net/ipv4/netfilter/iptable_*.c, iptables'
 * nft.c xtables_ipv4).
 *
 *                  PRE_ROUTING   LOCAL_IN   FORWARD   LOCAL_OUT   POST_ROUTING
 *      raw            -300                               -300
 *      mangle         -150         -150       -150       -150         -150
 *      nat (DNAT)     -100                               -100
 *      filter                         0          0          0
 *      security                      50         50         50
 *      nat (SNAT)                   100                                100
 */
import {
  NF_IP_FORWARD,
  NF_IP_LOCAL_IN,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  NF_IP_PRE_ROUTING,
  NF_IP_PRI_FILTER,
  NF_IP_PRI_MANGLE,
  NF_IP_PRI_NAT_DST,
  NF_IP_PRI_NAT_SRC,
  NF_IP_PRI_RAW,
  NF_IP_PRI_SECURITY,
  type NfHookFn,
} from '@packetwalk/framework';

/** Names of the built-in chains, by hook number. */
export const BUILT_IN_CHAINS: readonly string[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

export interface TableHook {
  readonly hooknum: number;
  readonly priority: number;
}

export interface TableDef {
  readonly name: string;
  /** In the order in which its chains are listed. */
  readonly hooks: readonly TableHook[];
}

const at = (priority: number, ...hooknums: number[]): TableHook[] => hooknums.map((hooknum) => ({ hooknum, priority }));

/** In the order in which iptables-save writes them. */
export const TABLES: readonly TableDef[] = [
  {
    name: 'mangle',
    hooks: at(NF_IP_PRI_MANGLE, NF_IP_PRE_ROUTING, NF_IP_LOCAL_IN, NF_IP_FORWARD, NF_IP_LOCAL_OUT, NF_IP_POST_ROUTING),
  },
  { name: 'security', hooks: at(NF_IP_PRI_SECURITY, NF_IP_LOCAL_IN, NF_IP_FORWARD, NF_IP_LOCAL_OUT) },
  { name: 'raw', hooks: at(NF_IP_PRI_RAW, NF_IP_PRE_ROUTING, NF_IP_LOCAL_OUT) },
  { name: 'filter', hooks: at(NF_IP_PRI_FILTER, NF_IP_LOCAL_IN, NF_IP_FORWARD, NF_IP_LOCAL_OUT) },
  {
    name: 'nat',
    hooks: [
      { hooknum: NF_IP_PRE_ROUTING, priority: NF_IP_PRI_NAT_DST },
      { hooknum: NF_IP_LOCAL_IN, priority: NF_IP_PRI_NAT_SRC },
      { hooknum: NF_IP_LOCAL_OUT, priority: NF_IP_PRI_NAT_DST },
      { hooknum: NF_IP_POST_ROUTING, priority: NF_IP_PRI_NAT_SRC },
    ],
  },
];

/**
 * Puts a built-in chain at its hook; returns the undo. `run` evaluates the chain for a packet and returns an NF_* verdict.
 * Tables stand at their hooks themselves but nat, which connection tracking asks once a connection.
 */
export type AttachChain = (hook: TableHook, run: NfHookFn) => () => void;
