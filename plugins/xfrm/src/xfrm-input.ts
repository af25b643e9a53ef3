/**
 * xfrm-input.ts — packets that come in protected: state, replay, transform, until one is reached that is not (cf. Linux
 * net/xfrm/xfrm_input.c, net/ipv4/xfrm4_input.c). What was in a tunnel arrives anew; a packet of transport mode goes on from
 * PRE_ROUTING. Either way it remembers in `secPath` what it came through, and policies ask for it.
 */
import {
  csumReplace2,
  dstInput,
  ETH_P_IP,
  IP_CHECK,
  IP_DADDR,
  IP_HLEN,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IP_TOT_LEN,
  IPPROTO_AH,
  IPPROTO_COMP,
  IPPROTO_ESP,
  IPPROTO_IPIP,
  ipHdrLen,
  ipSendCheck,
  kfreeSkb,
  NF_IP_PRE_ROUTING,
  netifReceiveSkbCore,
  nfHook,
  nfResetCt,
  PACKET_HOST,
  PF_INET,
  type SkBuff,
  skbMakeWritable,
} from '@packetwalk/framework';
import { REPLAY_OK, REPLAY_OUTSIDE } from './replay.ts';
import {
  XFRM_DROP_AH_ICV,
  XFRM_DROP_ESP_ICV,
  XFRM_DROP_EXPIRED,
  XFRM_DROP_IN_DEPTH,
  XFRM_DROP_IN_HDR,
  XFRM_DROP_IN_MISMATCH,
  XFRM_DROP_IN_MODE,
  XFRM_DROP_IN_NO_STATE,
  XFRM_DROP_IN_REPLAY,
  XFRM_DROP_INVALID,
} from './xfrm-drop.ts';
import type { XfrmNet } from './xfrm-net.ts';
import { XFRM_MAX_DEPTH } from './xfrm-policy.ts';
import {
  XFRM_ACQUIRE_ERROR,
  XFRM_IN_BUFFER_ERROR,
  XFRM_IN_HDR_ERROR,
  XFRM_IN_NO_STATES,
  XFRM_IN_STATE_EXPIRED,
  XFRM_IN_STATE_INVALID,
  XFRM_IN_STATE_MISMATCH,
  XFRM_IN_STATE_MODE_ERROR,
  XFRM_IN_STATE_PROTO_ERROR,
  XFRM_IN_STATE_SEQ_ERROR,
} from './xfrm-stat.ts';
import { XFRM_STATE_DECAP_DSCP, XFRM_STATE_NOECN, type XfrmState } from './xfrm-state.ts';
import type { XfrmType } from './xfrm-type.ts';

/** The states that a packet came through, the outermost first. */
export class SecPath {
  readonly states: XfrmState[] = [];
}

/** Lengths up to the end of SPI and sequence number, by protocol (xfrm_parse_spi). */
function headerLength(proto: number): number {
  if (proto === IPPROTO_ESP) return 8;
  if (proto === IPPROTO_IPIP) return IP_HLEN;
  return proto === IPPROTO_AH ? 12 : 4;
}

/** The SPI of a packet whose data is at its header; of IPv4 in IPv4 the source address stands for it. */
function spiOf(skb: SkBuff, proto: number): number {
  const { view } = skb.head;
  const at = skb.data;
  if (proto === IPPROTO_ESP) return view.getInt32(at);
  if (proto === IPPROTO_AH) return view.getInt32(at + 4);
  return proto === IPPROTO_COMP ? view.getUint16(at + 2) : view.getInt32(skb.networkHeader + IP_SADDR);
}

export class XfrmInput {
  private readonly xfrm: XfrmNet;
  private readonly resume = (skb: SkBuff): number => this.transportFinish(skb);

  constructor(xfrm: XfrmNet) {
    this.xfrm = xfrm;
  }

  /**
   * A packet of protocol `first` is delivered, its data at that header. The packet is gone afterwards, whatever came of it: 0.
   * @param inUdp bytes of a UDP header between the IP header and ESP; 0 of a plain one
   */
  receive(skb: SkBuff, first: number, inUdp: number): number {
    const { xfrm } = this;
    const { sad } = xfrm;
    const ip = skb.networkHeader;
    const ihl = ipHdrLen(skb.head.view, ip);
    let proto = first;
    let encapsulated = inUdp !== 0;
    skbMakeWritable(skb);
    const path = new SecPath();
    if (skb.secPath !== null) path.states.push(...(skb.secPath as SecPath).states);
    for (;;) {
      const { view } = skb.head;
      const at = skb.data;
      if (skb.len < headerLength(proto)) return this.drop(skb, XFRM_IN_HDR_ERROR, XFRM_DROP_IN_HDR);
      if (path.states.length === XFRM_MAX_DEPTH) return this.drop(skb, XFRM_IN_BUFFER_ERROR, XFRM_DROP_IN_DEPTH);
      const spi = spiOf(skb, proto);
      const seq = proto === IPPROTO_ESP ? view.getInt32(at + 4) : proto === IPPROTO_AH ? view.getInt32(at + 8) : 0;
      const state = sad.lookup(skb.mark, view.getInt32(skb.networkHeader + IP_DADDR), spi, proto);
      if (state === null) {
        skb.secPath = null;
        return this.drop(skb, XFRM_IN_NO_STATES, XFRM_DROP_IN_NO_STATE);
      }
      if (skb.trace !== 0) skb.net.tracer.stage(skb, 'xfrmInput', xfrm.describe(state));
      path.states.push(state);
      if (state.kmState !== 'valid') {
        return this.drop(skb, state.kmState === 'acq' ? XFRM_ACQUIRE_ERROR : XFRM_IN_STATE_INVALID, XFRM_DROP_INVALID);
      }
      if ((state.encap !== null) !== encapsulated) return this.drop(skb, XFRM_IN_STATE_MISMATCH, XFRM_DROP_IN_MISMATCH);
      const { replay } = state;
      if (state.replayProtected) {
        const verdict = replay.check(seq);
        if (verdict !== REPLAY_OK) {
          if (verdict === REPLAY_OUTSIDE) state.statReplayWindow++;
          else state.statReplay++;
          return this.drop(skb, XFRM_IN_STATE_SEQ_ERROR, XFRM_DROP_IN_REPLAY);
        }
      }
      if (!sad.checkExpire(state)) return this.drop(skb, XFRM_IN_STATE_EXPIRED, XFRM_DROP_EXPIRED);
      const next = (state.type as XfrmType).input(skb, state.replayProtected ? replay.highOf(seq) : 0);
      if (next < 0) {
        if (next === -XFRM_DROP_ESP_ICV || next === -XFRM_DROP_AH_ICV) state.statIntegrityFailed++;
        return this.drop(skb, XFRM_IN_STATE_PROTO_ERROR, -next);
      }
      encapsulated = false;
      if (state.replayProtected) replay.advance(seq);
      state.curlft.bytes += skb.len;
      state.curlft.packets++;
      state.lastUsed = xfrm.now();
      if (state.tunnel) return this.tunnelFinish(skb, state, next, path);
      moveIpHeader(skb, ihl);
      proto = next;
      if (proto !== IPPROTO_ESP && proto !== IPPROTO_AH && proto !== IPPROTO_COMP) break;
    }
    // Not before: Linux has AH checked with the protocol of what was around it, so that AH in ESP's transport mode fails there.
    skb.head.buf[skb.networkHeader + IP_PROTOCOL] = proto;
    ipSendCheck(skb.head.view, skb.networkHeader);
    skb.secPath = path;
    nfResetCt(skb);
    skb.data = skb.networkHeader;
    skb.len += ihl;
    nfHook(PF_INET, NF_IP_PRE_ROUTING, skb, skb.dev, null, this.resume);
    return 0;
  }

  /** Behind PRE_ROUTING: the packet keeps its route, unless a hook took it away (xfrm4_rcv_encap_finish). */
  private transportFinish(skb: SkBuff): number {
    if (skb.dst === null) {
      const { view } = skb.head;
      const ip = skb.networkHeader;
      const { routing } = this.xfrm;
      const reason = routing.routeInput(
        skb,
        view.getInt32(ip + IP_DADDR),
        view.getInt32(ip + IP_SADDR),
        view.getUint8(ip + IP_TOS),
        skb.dev,
      );
      if (reason !== 0) {
        kfreeSkb(skb, reason);
        return 0;
      }
    }
    return dstInput(skb);
  }

  /** The packet inside a tunnel arrives as if its device had brought it (xfrm4_remove_tunnel_encap). */
  private tunnelFinish(skb: SkBuff, state: XfrmState, proto: number, path: SecPath): number {
    const { view } = skb.head;
    if (proto !== IPPROTO_IPIP || skb.len < IP_HLEN) return this.drop(skb, XFRM_IN_STATE_MODE_ERROR, XFRM_DROP_IN_MODE);
    const inner = skb.data;
    const outerTos = view.getUint8(skb.networkHeader + IP_TOS);
    const { flags } = state.config;
    const innerTos = view.getUint8(inner + IP_TOS);
    let tos = innerTos;
    if ((flags & XFRM_STATE_DECAP_DSCP) !== 0) tos = (tos & 3) | (outerTos & 0xfc);
    if ((flags & XFRM_STATE_NOECN) === 0 && (outerTos & 3) === 3 && (tos & 3) !== 0) tos |= 3;
    if (tos !== innerTos) {
      view.setUint8(inner + IP_TOS, tos);
      view.setUint16(inner + IP_CHECK, csumReplace2(view.getUint16(inner + IP_CHECK), innerTos, tos));
    }
    nfResetCt(skb);
    skb.secPath = path;
    skb.dst = null;
    skb.pktType = PACKET_HOST;
    skb.protocol = ETH_P_IP;
    netifReceiveSkbCore(skb);
    return 0;
  }

  private drop(skb: SkBuff, counter: number, reason: number): number {
    this.xfrm.mib[counter]++;
    kfreeSkb(skb, reason);
    return 0;
  }
}

/** Transport mode: the IP header moves to its payload again, with the payload's length. */
function moveIpHeader(skb: SkBuff, ihl: number): void {
  const { buf, view } = skb.head;
  const ip = skb.data - ihl;
  if (ip !== skb.networkHeader) buf.copyWithin(ip, skb.networkHeader, skb.networkHeader + ihl);
  skb.networkHeader = ip;
  skb.transportHeader = skb.data;
  view.setUint16(ip + IP_TOT_LEN, skb.len + ihl);
}
