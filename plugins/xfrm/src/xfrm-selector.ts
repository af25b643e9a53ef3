/** xfrm-selector.ts — which packets a policy or a state is for (RFC 4301 §4.4.1.1; cf. Linux struct xfrm_selector). */
import {
  ICMP_CODE,
  ICMP_TYPE,
  IP_DADDR,
  IP_FRAG_OFF,
  IP_MF,
  IP_OFFSET,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IPPROTO_DCCP,
  IPPROTO_ICMP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  inetMakeMask,
  ipHdrLen,
  type SkBuff,
} from '@packetwalk/framework';

/** Addresses are int32, ports have a mask: 0 any, 0xffff that one. */
export interface Selector {
  readonly saddr: number;
  readonly saddrLen: number;
  readonly daddr: number;
  readonly daddrLen: number;
  /** IP protocol; 0: any. */
  readonly proto: number;
  readonly sport: number;
  readonly sportMask: number;
  readonly dport: number;
  readonly dportMask: number;
  /** Ifindex; 0: any. */
  readonly ifindex: number;
  /** False: of no family, whatever it says; what `ip xfrm state` makes without `sel` (AF_UNSPEC). */
  readonly inet: boolean;
}

export const ANY_SELECTOR: Selector = {
  saddr: 0,
  saddrLen: 0,
  daddr: 0,
  daddrLen: 0,
  proto: 0,
  sport: 0,
  sportMask: 0,
  dport: 0,
  dportMask: 0,
  ifindex: 0,
  inet: true,
};

/** The fields of a packet that selectors look at (flowi). One serves the path; it is filled in anew for each packet. */
export class XfrmFlow {
  declare saddr: number;
  declare daddr: number;
  declare proto: number;
  /** Ports; of ICMP the type and the code. */
  declare sport: number;
  declare dport: number;
  declare oif: number;
  declare tos: number;
  declare mark: number;

  constructor() {
    this.saddr = 0;
    this.daddr = 0;
    this.proto = 0;
    this.sport = 0;
    this.dport = 0;
    this.oif = 0;
    this.tos = 0;
    this.mark = 0;
  }

  /** Fills itself in from the IP header at skb.networkHeader (decode_session4). */
  decode(skb: SkBuff): void {
    const { view } = skb.head;
    const ip = skb.networkHeader;
    const proto = view.getUint8(ip + IP_PROTOCOL);
    this.saddr = view.getInt32(ip + IP_SADDR);
    this.daddr = view.getInt32(ip + IP_DADDR);
    this.proto = proto;
    this.tos = view.getUint8(ip + IP_TOS);
    this.mark = skb.mark;
    this.oif = skb.dst === null ? 0 : skb.dst.dev.ifindex;
    this.sport = 0;
    this.dport = 0;
    if ((view.getUint16(ip + IP_FRAG_OFF) & (IP_MF | IP_OFFSET)) !== 0) return;
    const transport = ip + ipHdrLen(view, ip);
    const left = skb.data + skb.len - transport;
    if (proto === IPPROTO_ICMP) {
      if (left < 2) return;
      this.sport = view.getUint8(transport + ICMP_TYPE);
      this.dport = view.getUint8(transport + ICMP_CODE);
    } else if (hasPorts(proto)) {
      if (left < 4) return;
      this.sport = view.getUint16(transport);
      this.dport = view.getUint16(transport + 2);
    }
  }
}

export function hasPorts(proto: number): boolean {
  return proto === IPPROTO_TCP || proto === IPPROTO_UDP || proto === IPPROTO_UDPLITE || proto === IPPROTO_SCTP || proto === IPPROTO_DCCP;
}

/** Does the selector take the flow? (__xfrm4_selector_match) */
export function selectorMatch(sel: Selector, flow: XfrmFlow): boolean {
  return (
    ((sel.daddr ^ flow.daddr) & inetMakeMask(sel.daddrLen)) === 0 &&
    ((sel.saddr ^ flow.saddr) & inetMakeMask(sel.saddrLen)) === 0 &&
    ((sel.dport ^ flow.dport) & sel.dportMask) === 0 &&
    ((sel.sport ^ flow.sport) & sel.sportMask) === 0 &&
    (sel.proto === 0 || sel.proto === flow.proto) &&
    (sel.ifindex === 0 || sel.ifindex === flow.oif)
  );
}

export function sameSelector(a: Selector, b: Selector): boolean {
  return (
    a.saddr === b.saddr &&
    a.daddr === b.daddr &&
    a.saddrLen === b.saddrLen &&
    a.daddrLen === b.daddrLen &&
    a.proto === b.proto &&
    a.sport === b.sport &&
    a.dport === b.dport &&
    a.sportMask === b.sportMask &&
    a.dportMask === b.dportMask &&
    a.ifindex === b.ifindex
  );
}
