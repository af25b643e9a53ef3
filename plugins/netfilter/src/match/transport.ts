/** match/transport.ts — is the transport header there to be looked at? */
import type { SkBuff, XtParam } from '@packetwalk/framework';

/**
 * Offset of the transport header in the packet's buffer; -1 when this is a later fragment, or the packet ends before
 * `bytes` of the header.
 */
export function transportOffset(skb: SkBuff, par: XtParam, bytes: number): number {
  const th = skb.networkHeader + par.thoff;
  return par.fragoff !== 0 || th + bytes > skb.data + skb.len ? -1 : th;
}

/**
 * The same for matches that cannot judge a packet without its header: one that ends before it, or a second fragment that
 * begins inside it (RFC 3128), is to be dropped.
 */
export function wholeHeader(skb: SkBuff, par: XtParam, bytes: number): number {
  if (par.fragoff !== 0) return -1;
  const th = skb.networkHeader + par.thoff;
  if (th + bytes <= skb.data + skb.len) return th;
  par.hotdrop = true;
  return -1;
}
