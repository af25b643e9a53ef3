/** services/nf-bridge.ts — what a bridge tells of a packet that it has let IPv4's hooks see (cf. Linux struct nf_bridge_info). */
import type { NetDevice } from '../netdevice.ts';
import type { SkBuff } from '../skbuff.ts';

/** The value of `skb.nfBridge`; null there for packets that no bridge has. */
export interface NfBridgeInfo {
  /** The port that the frame came in by. */
  physindev: NetDevice | null;
  /** The port that it leaves by; null until the bridge has decided. */
  physoutdev: NetDevice | null;
}

/** What the bridge tells of a packet, or null. */
export function nfBridgeInfo(skb: SkBuff): NfBridgeInfo | null {
  return skb.nfBridge as NfBridgeInfo | null;
}

/**
 * A hook at NF_BR_BROUTING says with it, and with NF_ACCEPT, that the frame is to be routed and not bridged
 * (br_netfilter_broute of struct br_input_skb_cb, which has its place in `skb.cb0`).
 */
export function brBroute(skb: SkBuff): void {
  skb.cb0 = 1;
}

/** The bridge asks it once, behind NF_BR_BROUTING, which it calls with `skb.cb0` 0: is the frame to be routed? */
export function brTakeBroute(skb: SkBuff): boolean {
  const brouted = skb.cb0 !== 0;
  skb.cb0 = 0;
  return brouted;
}
