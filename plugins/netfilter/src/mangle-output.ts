/** mangle-output.ts — table mangle at LOCAL_OUT: what is changed there may call for another route (cf. Linux ipt_mangle_out, nf_route_table_hook4). */
import {
  IP_DADDR,
  IP_SADDR,
  IP_TOS,
  NF_ACCEPT,
  NF_DROP,
  type NfHookFn,
  type Routing,
  SKB_DROP_REASON_IP_OUTNOROUTES,
  type Slot,
} from '@packetwalk/framework';
import { ipRouteMeHarder } from './route-me-harder.ts';

/** Evaluates a chain, and looks the route up again when addresses, TOS or mark are not what they were. */
export function mangleOutput(routing: Slot<Routing>, run: NfHookFn): NfHookFn {
  return (skb, state) => {
    const ip = skb.networkHeader;
    const before = skb.head.view;
    const saddr = before.getInt32(ip + IP_SADDR);
    const daddr = before.getInt32(ip + IP_DADDR);
    const tos = before.getUint8(ip + IP_TOS);
    const { mark } = skb;
    const verdict = run(skb, state);
    if (verdict !== NF_ACCEPT || routing.value === null) return verdict;
    const { view } = skb.head;
    const at = skb.networkHeader;
    const same =
      skb.mark === mark &&
      view.getInt32(at + IP_SADDR) === saddr &&
      view.getInt32(at + IP_DADDR) === daddr &&
      view.getUint8(at + IP_TOS) === tos;
    if (same || ipRouteMeHarder(routing.value, skb) === 0) return verdict;
    state.dropReason = SKB_DROP_REASON_IP_OUTNOROUTES;
    return NF_DROP;
  };
}
