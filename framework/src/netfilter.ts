/**
 * netfilter.ts — the hook points (cf. Linux include/linux/netfilter.h, net/netfilter/core.c).
 *
 *      --> PRE_ROUTING --> [route] --> FORWARD -----+--> POST_ROUTING -->
 *                             |                     |
 *                          LOCAL_IN             [route]
 *                             |                     |
 *                             v                 LOCAL_OUT
 *                         local process  -----------^
 *
 * The core knows no rules: it calls hooks in the order of their priorities and honours their verdicts.
 */
import { SKB_DROP_REASON_NETFILTER_DROP, SKB_DROP_REASON_PLUGIN_EXCEPTION } from './drop-reason.ts';
import type { Net } from './net.ts';
import type { NetDevice } from './netdevice.ts';
import { kfreeSkb, type SkBuff } from './skbuff.ts';

export const NF_DROP = 0;
export const NF_ACCEPT = 1;
/** The hook has taken the packet. */
export const NF_STOLEN = 2;
export const NF_QUEUE = 3;
/** Call this hook again. */
export const NF_REPEAT = 4;

export const PF_INET = 2;
export const PF_ARP = 3;
export const PF_BRIDGE = 7;

export const NF_IP_PRE_ROUTING = 0;
export const NF_IP_LOCAL_IN = 1;
export const NF_IP_FORWARD = 2;
export const NF_IP_LOCAL_OUT = 3;
export const NF_IP_POST_ROUTING = 4;
/** Bridge hooks have the same numbers, and one of their own. */
export const NF_BR_BROUTING = 5;
export const NF_ARP_IN = 0;
export const NF_ARP_OUT = 1;
export const NF_ARP_FORWARD = 2;

/** Order among the hooks of a point: lower first (include/uapi/linux/netfilter_ipv4.h). */
export const NF_IP_PRI_FIRST = -0x80000000;
export const NF_IP_PRI_RAW_BEFORE_DEFRAG = -450;
export const NF_IP_PRI_CONNTRACK_DEFRAG = -400;
export const NF_IP_PRI_RAW = -300;
export const NF_IP_PRI_CONNTRACK = -200;
export const NF_IP_PRI_MANGLE = -150;
export const NF_IP_PRI_NAT_DST = -100;
export const NF_IP_PRI_FILTER = 0;
export const NF_IP_PRI_SECURITY = 50;
export const NF_IP_PRI_NAT_SRC = 100;
export const NF_IP_PRI_CONNTRACK_HELPER = 300;
export const NF_IP_PRI_CONNTRACK_CONFIRM = 0x7fffffff;
export const NF_IP_PRI_LAST = 0x7fffffff;

export const NF_BR_PRI_FIRST = -0x80000000;
export const NF_BR_PRI_NAT_DST_BRIDGED = -300;
export const NF_BR_PRI_FILTER_BRIDGED = -200;
export const NF_BR_PRI_BRNF = 0;
export const NF_BR_PRI_NAT_DST_OTHER = 100;
export const NF_BR_PRI_FILTER_OTHER = 200;
export const NF_BR_PRI_NAT_SRC = 300;
export const NF_BR_PRI_LAST = 0x7fffffff;

const PF_MAX = 8;
const HOOKS = 8;

/** What goes on when every hook has accepted. Long-lived: made once, not per packet. */
export type OkFn = (skb: SkBuff) => number;

/** Where a hook is called: valid during the call only, since it is used again for the next packet. */
export interface NfHookState {
  pf: number;
  hooknum: number;
  in: NetDevice | null;
  out: NetDevice | null;
  okfn: OkFn;
  /** Which hook of the chain runs. */
  index: number;
  /** Drop reason to use for NF_DROP; the hook may set it. */
  dropReason: number;
  /** Who decided: a rule, to be shown by `String()` in walks and drops. The hook may set it. */
  position: unknown;
}

export type NfHookFn = (skb: SkBuff, state: NfHookState) => number;

export interface NfHookOps {
  readonly pf: number;
  readonly hooknum: number;
  readonly priority: number;
  readonly hook: NfHookFn;
  /** Shown in walks and faults; the plugin's name unless told. */
  readonly name?: string;
}

/** Takes packets with verdict NF_QUEUE (NFQUEUE and the like). Must end in {@link nfReinject}. */
export type NfQueueHandler = (entry: NfQueueEntry, queue: number) => boolean;

/** A packet that waits for a verdict. */
export interface NfQueueEntry {
  readonly skb: SkBuff;
  readonly pf: number;
  readonly hooknum: number;
  readonly in: NetDevice | null;
  readonly out: NetDevice | null;
  readonly okfn: OkFn;
  /** The chain as it was, and the place in it to go on from. */
  readonly chain: readonly NfHookOps[];
  readonly index: number;
}

const EMPTY: readonly NfHookOps[] = [];

/** The hook chains of one router. */
export class NfHooks {
  /** By pf × 8 + hooknum; never changed in place, so a packet under way sees one chain to its end. */
  readonly chains: (readonly NfHookOps[])[] = new Array(PF_MAX * HOOKS).fill(EMPTY);
  queueHandler: NfQueueHandler | null = null;

  /** Adds a hook behind those of the same priority; returns its undo. */
  register(ops: NfHookOps): () => void {
    const at = ops.pf * HOOKS + ops.hooknum;
    const chain = this.chains[at].slice();
    let i = chain.length;
    while (i > 0 && chain[i - 1].priority > ops.priority) i--;
    chain.splice(i, 0, ops);
    this.chains[at] = chain;
    return () => {
      this.chains[at] = this.chains[at].filter((o) => o !== ops);
    };
  }

  get(pf: number, hooknum: number): readonly NfHookOps[] {
    return this.chains[pf * HOOKS + hooknum];
  }
}

/** Names of the hook points, as walks show them. */
const INET_NAMES = ['PRE_ROUTING', 'LOCAL_IN', 'FORWARD', 'LOCAL_OUT', 'POST_ROUTING'];
const ARP_NAMES = ['ARP_IN', 'ARP_OUT', 'ARP_FORWARD'];
const BRIDGE_NAMES = [...INET_NAMES, 'BROUTING'];

/** `PF_INET PRE_ROUTING`, say. */
export function nfHookName(pf: number, hooknum: number): string {
  if (pf === PF_INET) return `NF_INET_${INET_NAMES[hooknum]}`;
  if (pf === PF_ARP) return `NF_${ARP_NAMES[hooknum]}`;
  return `NF_BR_${BRIDGE_NAMES[hooknum]}`;
}

/**
 * Passes a packet through a hook point and on to `okfn` (NF_HOOK). Returns what okfn returned, or a value below 0
 * when the packet went no further; the packet is gone either way.
 */
export function nfHook(pf: number, hooknum: number, skb: SkBuff, indev: NetDevice | null, outdev: NetDevice | null, okfn: OkFn): number {
  const chain = skb.net.nf.chains[pf * HOOKS + hooknum];
  // One call of okfn, here: where nfHook is taken into its caller, what goes on is taken in too.
  if ((chain.length !== 0 || skb.trace !== 0) && !nfHookSlow(chain, 0, pf, hooknum, skb, indev, outdev, okfn)) return -1;
  return okfn(skb);
}

// REJECT and TEE send packets from inside a hook: states are taken by depth, not shared.
const states: NfHookState[] = [];
let depth = 0;

function takeState(): NfHookState {
  if (depth === states.length) {
    states.push({ pf: 0, hooknum: 0, in: null, out: null, okfn: () => 0, index: 0, dropReason: 0, position: null });
  }
  return states[depth++];
}

/** Calls the hooks of a chain from `start` on; false: the packet goes no further, and is gone or in other hands. */
function nfHookSlow(
  chain: readonly NfHookOps[],
  start: number,
  pf: number,
  hooknum: number,
  skb: SkBuff,
  indev: NetDevice | null,
  outdev: NetDevice | null,
  okfn: OkFn,
): boolean {
  const net: Net = skb.net;
  const traced = skb.trace !== 0;
  if (traced && start === 0) net.tracer.hook(skb, pf, hooknum, chain.length);
  const state = takeState();
  state.pf = pf;
  state.hooknum = hooknum;
  state.in = indev;
  state.out = outdev;
  state.okfn = okfn;
  state.dropReason = SKB_DROP_REASON_NETFILTER_DROP;
  let verdict = NF_ACCEPT;
  let i = start;
  while (i < chain.length) {
    const ops = chain[i];
    state.index = i;
    // Hooks that accept seldom leave a word behind: reading it is cheaper than writing a reference.
    if (state.position !== null) state.position = null;
    try {
      verdict = ops.hook(skb, state);
    } catch (error) {
      net.softirq.fault(`${ops.name ?? 'a hook'} at ${nfHookName(pf, hooknum)}`, error);
      state.dropReason = SKB_DROP_REASON_PLUGIN_EXCEPTION;
      verdict = skb.users === 1 ? NF_DROP : NF_STOLEN;
    }
    if (traced && skb.users === 1) net.tracer.verdict(skb, ops.name ?? 'hook', verdict, state.position);
    if (verdict === NF_REPEAT) continue;
    if (verdict !== NF_ACCEPT) break;
    i++;
  }
  const reason = state.dropReason;
  state.position = null;
  depth--;
  if (verdict === NF_ACCEPT) return true;
  if (verdict === NF_STOLEN) return false;
  if ((verdict & 0xff) === NF_QUEUE) {
    const entry: NfQueueEntry = { skb, pf, hooknum, in: indev, out: outdev, okfn, chain, index: i };
    if (net.nf.queueHandler?.(entry, verdict >>> 16) !== true) kfreeSkb(skb, SKB_DROP_REASON_NETFILTER_DROP);
    return false;
  }
  kfreeSkb(skb, reason);
  return false;
}

/** Resumes a stolen or queued packet: ACCEPT goes on behind the hook that took it, REPEAT calls that hook again. */
export function nfReinject(entry: NfQueueEntry, verdict: number): number {
  const { skb, chain, index } = entry;
  if (verdict === NF_STOLEN) return -1;
  if (verdict === NF_DROP) {
    kfreeSkb(skb, SKB_DROP_REASON_NETFILTER_DROP);
    return -1;
  }
  const start = verdict === NF_REPEAT ? index : index + 1;
  return nfHookSlow(chain, start, entry.pf, entry.hooknum, skb, entry.in, entry.out, entry.okfn) ? entry.okfn(skb) : -1;
}
