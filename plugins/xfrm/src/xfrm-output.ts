/**
 * xfrm-output.ts — packets through the transforms of their bundle (cf. Linux net/xfrm/xfrm_output.c, net/ipv4/xfrm4_output.c).
 *
 *      dst.output = xfrmOutput ─◇ POST_ROUTING ─▶ transform, transform … ─◇ LOCAL_OUT ─▶ the next tunnel, or the route
 */
import {
  CHECKSUM_PARTIAL,
  type DstHandler,
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  IP_DADDR,
  IP_DF,
  IP_FRAG_OFF,
  IP_HLEN,
  IP_ID,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IP_TTL,
  IP_VERSION_IHL,
  IPPROTO_IPIP,
  ipHdrLen,
  kfreeSkb,
  NF_IP_POST_ROUTING,
  nfHook,
  nfResetCt,
  PF_INET,
  type SkBuff,
  skbChecksumHelp,
  skbCow,
  skbEnsureTailroom,
} from '@packetwalk/framework';
import { XFRM_DROP_EXPIRED, XFRM_DROP_INVALID, XFRM_DROP_OUT_SEQ, XFRM_DROP_OUT_SIZE } from './xfrm-drop.ts';
import type { XfrmDst } from './xfrm-dst.ts';
import type { XfrmNet } from './xfrm-net.ts';
import {
  XFRM_OUT_ERROR,
  XFRM_OUT_STATE_EXPIRED,
  XFRM_OUT_STATE_INVALID,
  XFRM_OUT_STATE_PROTO_ERROR,
  XFRM_OUT_STATE_SEQ_ERROR,
} from './xfrm-stat.ts';
import {
  XFRM_SA_XFLAG_DONT_ENCAP_DSCP,
  XFRM_SA_XFLAG_OSEQ_MAY_WRAP,
  XFRM_STATE_NOECN,
  XFRM_STATE_NOPMTUDISC,
  type XfrmState,
} from './xfrm-state.ts';
import type { XfrmType } from './xfrm-type.ts';

/** IPv4's flags at a packet (ipcb.ts there): it has passed POST_ROUTING; it may be cut in spite of DF. */
const IPSKB_REROUTED = 0x10;
const IPSKB_IGNORE_DF = 0x400;
/** A transform made it: its policies are behind it. */
export const IPSKB_XFRM_TRANSFORMED = 0x4;

const ECN_MASK = 3;
const ECN_CE = 3;
const ECN_ECT_0 = 2;

/** Makes the output slot of a router's bundles. */
export function xfrmOutputOf(xfrm: XfrmNet): DstHandler {
  const transform = (skb: SkBuff): number => xfrmTransform(xfrm, skb);
  /** The output slot of a bundle (xfrm4_output). */
  function xfrmOutput(skb: SkBuff): number {
    const dst = skb.dst as XfrmDst;
    if ((skb.cb0 & IPSKB_REROUTED) !== 0) return transform(skb);
    const indev = skb.iif === 0 ? null : skb.dev;
    return nfHook(PF_INET, NF_IP_POST_ROUTING, skb, indev, dst.dev, transform);
  }
  return xfrmOutput;
}

/** Behind POST_ROUTING: transforms up to the next tunnel, then LOCAL_OUT with what has become of the packet. */
function xfrmTransform(xfrm: XfrmNet, skb: SkBuff): number {
  // A hook may have given the packet another destination.
  if ((skb.dst as XfrmDst).xfrm === null) {
    skb.cb0 |= IPSKB_REROUTED;
    return (skb.dst as XfrmDst).output(skb);
  }
  if (skb.ipSummed === CHECKSUM_PARTIAL) skbChecksumHelp(skb);
  if (!fits(xfrm, skb)) {
    xfrm.mib[XFRM_OUT_ERROR]++;
    kfreeSkb(skb, XFRM_DROP_OUT_SIZE);
    return -1;
  }
  skb.cb0 = IPSKB_XFRM_TRANSFORMED;
  skb.cb1 = 0;
  skb.cb2 = 0;
  skb.cb3 = 0;
  let dst = skb.dst as XfrmDst;
  do {
    if (!xfrmOutputOne(xfrm, skb, dst)) return -1;
    dst = dst.child as XfrmDst;
    skb.dst = dst;
  } while (dst.xfrm !== null && !dst.state.tunnel);
  nfResetCt(skb);
  if (skb.trace !== 0) skb.net.tracer.stage(skb, 'ipLocalOut');
  return xfrm.output.localOutAgain(skb);
}

/** A packet that must not be cut has to fit the tunnel; its sender is told (xfrm4_tunnel_check_size). */
function fits(xfrm: XfrmNet, skb: SkBuff): boolean {
  const dst = skb.dst as XfrmDst;
  if (!dst.state.tunnel || skb.len <= dst.mtu || skb.gsoSize !== 0) return true;
  if ((skb.head.view.getUint16(skb.networkHeader + IP_FRAG_OFF) & IP_DF) === 0 || (skb.cb0 & IPSKB_IGNORE_DF) !== 0) return true;
  xfrm.icmp.icmpSend(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, dst.mtu);
  return false;
}

/** One transform (xfrm_output_one); false: the packet is gone. */
function xfrmOutputOne(xfrm: XfrmNet, skb: SkBuff, dst: XfrmDst): boolean {
  const { state } = dst;
  const { replay, curlft, config } = state;
  if (skb.trace !== 0) skb.net.tracer.stage(skb, 'xfrmOutput', xfrm.describe(state));
  if (state.kmState !== 'valid') return drop(xfrm, skb, XFRM_OUT_STATE_INVALID, XFRM_DROP_INVALID);
  const type = state.type as XfrmType;
  const { outputMark } = config;
  if (outputMark.mask !== 0) skb.mark = (skb.mark & ~outputMark.mask) | (outputMark.value & outputMark.mask);
  skbCow(skb, state.headerLen + dst.dev.hardHeaderLen);
  skbEnsureTailroom(skb, type.trailerLen);
  if (state.tunnel) tunnelOutput(xfrm, skb, state, dst);
  else transportOutput(skb, state);
  if (!xfrm.sad.checkExpire(state)) return drop(xfrm, skb, XFRM_OUT_STATE_EXPIRED, XFRM_DROP_EXPIRED);
  if (state.replayProtected && !replay.next((config.extraFlags & XFRM_SA_XFLAG_OSEQ_MAY_WRAP) !== 0)) {
    return drop(xfrm, skb, XFRM_OUT_STATE_SEQ_ERROR, XFRM_DROP_OUT_SEQ);
  }
  curlft.bytes += skb.len;
  curlft.packets++;
  state.lastUsed = xfrm.now();
  const ihl = state.tunnel ? IP_HLEN : ipHdrLen(skb.head.view, skb.networkHeader);
  const room = dst.childMtu - ihl - type.headerLen;
  const result = type.output(skb, ihl, state.spi, replay.oseq, replay.oseqHi, room);
  if (result < 0) return drop(xfrm, skb, XFRM_OUT_STATE_PROTO_ERROR, -result);
  return true;
}

function drop(xfrm: XfrmNet, skb: SkBuff, counter: number, reason: number): boolean {
  xfrm.mib[counter]++;
  kfreeSkb(skb, reason);
  return false;
}

/** Transport mode: the IP header moves to the front, to leave room for the protocol's (xfrm4_transport_output). */
function transportOutput(skb: SkBuff, { headerLen }: XfrmState): void {
  const { buf, view } = skb.head;
  const ip = skb.data;
  const ihl = ipHdrLen(view, ip);
  if (headerLen !== 0) buf.copyWithin(ip - headerLen, ip, ip + ihl);
  skb.networkHeader = ip - headerLen;
  skb.data = ip + ihl;
  skb.len -= ihl;
}

/** Tunnel mode: a header of its own in front (xfrm4_tunnel_encap_add; RFC 4301 §5.1.2.1). */
function tunnelOutput(xfrm: XfrmNet, skb: SkBuff, state: XfrmState, dst: XfrmDst): void {
  const { view } = skb.head;
  const inner = skb.data;
  const ip = inner - state.headerLen;
  const { flags, extraFlags } = state.config;
  const innerTos = view.getUint8(inner + IP_TOS);
  const dscp = (extraFlags & XFRM_SA_XFLAG_DONT_ENCAP_DSCP) !== 0 ? 0 : innerTos & ~ECN_MASK;
  const ecn = (innerTos & ECN_MASK) === ECN_CE ? ECN_ECT_0 : innerTos & ECN_MASK;
  const df = (flags & XFRM_STATE_NOPMTUDISC) !== 0 ? 0 : view.getUint16(inner + IP_FRAG_OFF) & IP_DF;
  skb.networkHeader = ip;
  view.setUint8(ip + IP_VERSION_IHL, 0x45);
  view.setUint8(ip + IP_TOS, (flags & XFRM_STATE_NOECN) !== 0 ? dscp : dscp | ecn);
  view.setUint16(ip + IP_ID, df !== 0 ? 0 : xfrm.output.ident(state.saddr, state.daddr, IPPROTO_IPIP));
  view.setUint16(ip + IP_FRAG_OFF, df);
  view.setUint8(ip + IP_TTL, xfrm.output.ttl(dst.child as XfrmDst));
  view.setUint8(ip + IP_PROTOCOL, IPPROTO_IPIP);
  view.setInt32(ip + IP_SADDR, state.saddr);
  view.setInt32(ip + IP_DADDR, state.daddr);
}
