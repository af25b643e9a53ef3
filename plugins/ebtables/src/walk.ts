/** walk.ts — a frame goes through the rules of a chain, in order (cf. Linux net/bridge/netfilter/ebtables.c, ebt_do_table). */
import {
  EBT_ACCEPT,
  EBT_CONTINUE,
  EBT_DROP,
  EBT_RETURN,
  type EbtParam,
  ETH_DST,
  ETH_P_802_3_MIN,
  ETH_P_8021Q,
  ETH_SRC,
  ETH_TYPE,
  NF_ACCEPT,
  NF_DROP,
  type NfHookState,
  PF_BRIDGE,
  type SkBuff,
  VLAN_HLEN,
} from '@packetwalk/framework';
import {
  type Chain,
  DST,
  F_DEVICES,
  F_DST,
  F_DST_INV,
  F_LENGTH,
  F_PROTOCOL,
  F_PROTOCOL_INV,
  F_SRC,
  F_SRC_INV,
  PROTOCOL,
  SRC,
  STRIDE,
} from './chain.ts';
import { deviceMatches } from './device-name.ts';
import type { Rule } from './rule.ts';
import { verdictName } from './standard-target.ts';

const NO_STATE: NfHookState = {
  pf: PF_BRIDGE,
  hooknum: 0,
  in: null,
  out: null,
  okfn: () => 0,
  index: 0,
  dropReason: 0,
  position: null,
};

class Walk implements EbtParam {
  state: NfHookState = NO_STATE;
  etherType = 0;
  /** Bytes as counters have them: the kernel has taken a tag off by now. */
  len = 0;
}

// A target may send frames of its own (arpreply), which may go through tables while this one waits.
const walks: Walk[] = [];
let depth = 0;

/** Takes a frame through a built-in chain and its policy; NF_ACCEPT or NF_DROP. */
export function evaluate(chain: Chain, skb: SkBuff, state: NfHookState): number {
  if (depth === walks.length) walks.push(new Walk());
  const walk = walks[depth++];
  walk.state = state;
  const type = skb.head.view.getUint16(skb.macHeader + ETH_TYPE);
  // A tag that was taken off is the type that rules see.
  const tagged = skb.vlanTci === 0 && type === ETH_P_8021Q;
  walk.len = tagged ? skb.len - VLAN_HLEN : skb.len;
  walk.etherType = skb.vlanTci !== 0 ? ETH_P_8021Q : type;
  try {
    const verdict = run(chain, skb, walk);
    if (verdict === EBT_ACCEPT) return NF_ACCEPT;
    if (verdict === EBT_DROP) return NF_DROP;
    if (chain.policy === EBT_DROP || skb.trace !== 0) state.position = chain;
    return chain.policy === EBT_DROP ? NF_DROP : NF_ACCEPT;
  } finally {
    depth--;
  }
}

/** EBT_ACCEPT or EBT_DROP; EBT_RETURN when no rule has decided. */
function run(chain: Chain, skb: SkBuff, walk: Walk): number {
  const { code, rules } = chain;
  for (let i = 0; i < rules.length; i++) {
    if (code[i * STRIDE] !== 0 && !headMatches(chain, i, skb, walk)) continue;
    const rule = rules[i];
    if (rule.matches.length > 0 && !extensionsMatch(rule, skb, walk)) continue;
    const { counters } = rule;
    counters[0]++;
    counters[1] += walk.len;
    if (rule.watchers.length > 0) watch(rule, skb, walk);
    const verdict = apply(rule, skb, walk);
    if (verdict !== EBT_CONTINUE) return verdict;
  }
  if (chain.builtIn || chain.policy === EBT_RETURN) return EBT_RETURN;
  walk.state.position = chain;
  return chain.policy;
}

/** What the rule says, of a frame that it has matched. */
function apply(rule: Rule, skb: SkBuff, walk: Walk): number {
  const { target } = rule;
  const { state } = walk;
  if (target.kind === 'jump') {
    if (skb.trace !== 0) traceRule(rule, skb, target.chain.name);
    const verdict = run(target.chain, skb, walk);
    return verdict === EBT_RETURN ? EBT_CONTINUE : verdict;
  }
  const before = state.position;
  state.position = rule;
  const verdict = target.kind === 'verdict' ? target.verdict : target.target.target(skb, walk, target.data);
  if (verdict === EBT_ACCEPT || verdict === EBT_DROP) return verdict;
  state.position = before;
  if (skb.trace !== 0) traceRule(rule, skb, target.kind === 'target' ? target.target.name : verdictName(verdict));
  return verdict;
}

function headMatches(chain: Chain, index: number, skb: SkBuff, walk: Walk): boolean {
  const { code } = chain;
  const at = index * STRIDE;
  const flags = code[at];
  const { etherType } = walk;
  const inverted = (flags & F_PROTOCOL_INV) !== 0;
  if ((flags & F_LENGTH) !== 0 && etherType < ETH_P_802_3_MIN === inverted) return false;
  if ((flags & F_PROTOCOL) !== 0 && (etherType === code[at + PROTOCOL]) === inverted) return false;
  if ((flags & F_SRC) !== 0 && macMatches(code, at + SRC, skb, ETH_SRC) === ((flags & F_SRC_INV) !== 0)) return false;
  if ((flags & F_DST) !== 0 && macMatches(code, at + DST, skb, ETH_DST) === ((flags & F_DST_INV) !== 0)) return false;
  return (flags & F_DEVICES) === 0 || devicesMatch(chain, index * 4, walk.state);
}

function macMatches(code: Int32Array, at: number, skb: SkBuff, offset: number): boolean {
  const { view } = skb.head;
  const mac = skb.macHeader + offset;
  return (view.getUint16(mac) & code[at + 2]) === code[at] && (view.getInt32(mac + 2) & code[at + 3]) === code[at + 1];
}

function devicesMatch({ devices }: Chain, at: number, state: NfHookState): boolean {
  const indev = devices[at];
  const logicalIn = devices[at + 1];
  const outdev = devices[at + 2];
  const logicalOut = devices[at + 3];
  // A device without a bridge is none of the logical ones: such a rule is not asked for it.
  return (
    (indev === null || deviceMatches(indev, state.in)) &&
    (logicalIn === null || state.in === null || state.in.master === null || deviceMatches(logicalIn, state.in.master)) &&
    (outdev === null || deviceMatches(outdev, state.out)) &&
    (logicalOut === null || state.out === null || state.out.master === null || deviceMatches(logicalOut, state.out.master))
  );
}

function extensionsMatch({ matches }: Rule, skb: SkBuff, walk: Walk): boolean {
  for (let i = 0; i < matches.length; i++) {
    const { match, data } = matches[i];
    if (!match.match(skb, walk, data)) return false;
  }
  return true;
}

function watch({ watchers }: Rule, skb: SkBuff, walk: Walk): void {
  for (let i = 0; i < watchers.length; i++) {
    const { watcher, data } = watchers[i];
    watcher.watch(skb, walk, data);
  }
}

/** A step of a recorded walk: a rule that has matched and has not decided. */
function traceRule(rule: Rule, skb: SkBuff, next: string): void {
  skb.net.tracer.stage(skb, 'ebtDoTable', next, String(rule));
}
