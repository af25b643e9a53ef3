/**
 * xfrm-dst.ts — a bundle: a chain of destinations, one for each transform, of which only the last is a route (cf. Linux struct
 * xfrm_dst, xfrm_bundle_create). It is used again as long as the same states and routes would make it.
 */
import {
  DST_HOST,
  DST_NOHASH,
  DstEntry,
  type DstHandler,
  dropReason,
  dstDiscard,
  dstMtu,
  IP_MAX_MTU,
  type Rtable,
} from '@packetwalk/framework';
import type { XfrmState } from './xfrm-state.ts';

const discardInput: DstHandler = dstDiscard('dstDiscard', dropReason('XFRM_DST_INPUT', 'a bundle of transforms takes nothing in'));

export class XfrmDst extends DstEntry implements Rtable {
  declare readonly state: XfrmState;
  /** The route that the packet had before this transform. */
  declare readonly route: Rtable;
  /** MTU of what is behind it in the chain, when it was last looked at. */
  declare childMtu: number;
  declare rtType: number;
  declare rtFlags: number;
  declare rtGateway: number;
  declare rtUsesGateway: boolean;
  declare rtMtuLocked: boolean;
  declare rtIif: number;
  declare rtIsInput: boolean;

  constructor(state: XfrmState, route: Rtable, child: Rtable, output: DstHandler) {
    super(child.dev, discardInput, output);
    this.state = state;
    this.route = route;
    this.child = child;
    this.xfrm = state;
    this.flags = DST_HOST | DST_NOHASH;
    this.childMtu = 0;
    this.headerLen = state.headerLen + child.headerLen;
    this.trailerLen = (state.type?.trailerLen ?? 0) + child.trailerLen;
    this.hoplimit = route.hoplimit;
    this.rtType = route.rtType;
    this.rtFlags = route.rtFlags;
    this.rtGateway = route.rtGateway;
    this.rtUsesGateway = route.rtUsesGateway;
    this.rtMtuLocked = route.rtMtuLocked;
    this.rtIif = route.rtIif;
    this.rtIsInput = route.rtIsInput;
  }
}

/**
 * Says anew how long a packet may be at each place of the chain: what the path behind a transform takes, less what the
 * transform adds, and no more than the route in front of it (xfrm_init_pmtu).
 */
export function bundleMtu(dst: DstEntry): number {
  if (!(dst instanceof XfrmDst)) return dstMtu(dst);
  const child = bundleMtu(dst.child as DstEntry);
  dst.childMtu = child;
  dst.mtu = Math.min(dst.state.mtu(child), dstMtu(dst.route), IP_MAX_MTU);
  return dst.mtu;
}
