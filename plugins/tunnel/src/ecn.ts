/** ecn.ts — congestion marks through a tunnel (RFC 6040; cf. Linux include/net/inet_ecn.h). */
import { csumReplace2, IP_CHECK, IP_TOS } from '@packetwalk/framework';

export const INET_ECN_MASK = 3;
const NOT_ECT = 0;
const ECT_1 = 1;
const ECT_0 = 2;
const CE = 3;

/** TOS of the outer header: the configured DSCP, the inner packet's ECN; a mark is not copied, so that it counts once. */
export function ecnEncapsulate(outer: number, inner: number): number {
  const ecn = inner & INET_ECN_MASK;
  return (outer & ~INET_ECN_MASK) | (ecn === CE ? ECT_0 : ecn);
}

/**
 * Carries the outer header's mark over to the inner packet at `ip`, which must be writable. False: the packet must go, since the path marked it
 * and its sender would not understand.
 */
export function ecnDecapsulate(outerTos: number, view: DataView, ip: number): boolean {
  const outer = outerTos & INET_ECN_MASK;
  const tos = view.getUint8(ip + IP_TOS);
  const inner = tos & INET_ECN_MASK;
  if (inner === NOT_ECT) return outer !== CE;
  if (outer === CE) setEcn(view, ip, tos, CE);
  else if (outer === ECT_1 && inner === ECT_0) setEcn(view, ip, tos, ECT_1);
  return true;
}

function setEcn(view: DataView, ip: number, tos: number, ecn: number): void {
  const changed = (tos & ~INET_ECN_MASK) | ecn;
  if (changed === tos) return;
  view.setUint8(ip + IP_TOS, changed);
  view.setUint16(ip + IP_CHECK, csumReplace2(view.getUint16(ip + IP_CHECK), tos, changed));
}
