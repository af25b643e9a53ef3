/**
 * services/xfrm.ts — what the path asks of IPsec (cf. Linux include/net/xfrm.h). The path finds it at `net.xfrm`, null
 * without such a plugin; a router without policies pays one test for each question.
 */
import type { SkBuff } from '../skbuff.ts';
import type { Flow, Rtable } from './routing.ts';

/** Directions of policies. */
export const XFRM_POLICY_IN = 0;
export const XFRM_POLICY_OUT = 1;
export const XFRM_POLICY_FWD = 2;

export interface Xfrm {
  /**
   * May this packet be delivered (XFRM_POLICY_IN) or forwarded (XFRM_POLICY_FWD)? Asked with `skb.networkHeader` at its IP
   * header. False: no; the caller frees it with SKB_DROP_REASON_XFRM_POLICY (xfrm4_policy_check).
   */
  policyCheck(skb: SkBuff, dir: number): boolean;
  /** Gives a packet in transit, which has its route, the transforms that the policy wants; false: drop it (xfrm4_route_forward). */
  routeForward(skb: SkBuff): boolean;
  /** The same for a packet made here, before LOCAL_OUT (ip_route_output_flow). */
  routeOutput(skb: SkBuff): boolean;
  /** Longest packet of a flow that the transforms it gets leave in one piece; that of its route when it gets none. */
  routeMtu(rt: Rtable, flow: Flow): number;
}
