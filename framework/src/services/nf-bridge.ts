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
