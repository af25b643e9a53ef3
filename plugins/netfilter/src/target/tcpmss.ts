/** target/tcpmss.ts — `-j TCPMSS`: lowers the maximum segment size that a SYN offers (RFC 9293 §3.7.1; cf. Linux net/netfilter/xt_TCPMSS.c). */
import {
  csumReplace2,
  csumReplace4,
  defineTarget,
  dstMtu,
  type Flow,
  IP_CHECK,
  IP_HLEN,
  IP_SADDR,
  IP_TOT_LEN,
  IPPROTO_TCP,
  NF_DROP,
  NF_IP_FORWARD,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  type Routing,
  RT_SCOPE_UNIVERSE,
  type SkBuff,
  type Slot,
  skbEnsureTailroom,
  skbMakeWritable,
  skbPut,
  TCP_CHECK,
  TCP_DOFF,
  TCP_HLEN,
  TCPOPT_MSS,
  TCPOPT_NOP,
  tcpHdrLen,
  XT_CONTINUE,
  type XtParam,
  XtProblem,
  type XtTarget,
  xtUint,
} from '@packetwalk/framework';

const TCPOLEN_MSS = 4;
/** Longest TCP header. */
const TCP_MAX_HLEN = 60;
/** What a host without the option must be taken to take (RFC 879 §1). */
const DEFAULT_MSS = 536;
/** As large as an MSS can be in a packet. */
const MAX_MSS = 0xffff - IP_HLEN;

interface Tcpmss {
  /** Null: what the path carries. */
  readonly mss: number | null;
}

export function tcpmss(routing: Slot<Routing>): XtTarget {
  return defineTarget({
    name: 'TCPMSS',
    protocol: IPPROTO_TCP,
    options: {
      'set-mss': { value: xtUint(MAX_MSS), excludes: ['clamp-mss-to-pmtu'] },
      'clamp-mss-to-pmtu': { excludes: ['set-mss'] },
    },
    init(o): Tcpmss {
      if (o['set-mss'] === undefined && o['clamp-mss-to-pmtu'] === undefined) {
        throw new XtProblem('TCPMSS target: At least one parameter is required');
      }
      return { mss: o['set-mss']?.value ?? null };
    },
    save: ({ mss }) => (mss === null ? '--clamp-mss-to-pmtu' : `--set-mss ${mss}`),
    print: ({ mss }) => (mss === null ? 'TCPMSS clamp to PMTU' : `TCPMSS set ${mss}`),
    check({ mss }, { hooks }) {
      const outgoing = (1 << NF_IP_FORWARD) | (1 << NF_IP_LOCAL_OUT) | (1 << NF_IP_POST_ROUTING);
      return mss === null && (hooks & ~outgoing) !== 0 ? 'path-MTU clamping only supported in FORWARD, OUTPUT and POSTROUTING hooks' : null;
    },
    target(skb, par, { mss }) {
      if (par.fragoff !== 0) return XT_CONTINUE;
      const th = skb.networkHeader + par.thoff;
      const length = skb.data + skb.len - th;
      const header = length < TCP_HLEN ? 0 : tcpHdrLen(skb.head.view, th);
      if (header < TCP_HLEN || header > length) return NF_DROP;
      const wanted = mss ?? pathMss(routing.value, skb);
      if (wanted <= 0) return NF_DROP;
      skbMakeWritable(skb);
      if (!lowerMss(skb, par, header, wanted) && header === length && header < TCP_MAX_HLEN)
        addMss(skb, par, Math.min(wanted, DEFAULT_MSS));
      return XT_CONTINUE;
    },
  });
}

/** What a packet on this way may carry behind its headers, in both directions. */
function pathMss(routing: Routing | null, skb: SkBuff): number {
  const forth = skb.dst === null ? 0 : dstMtu(skb.dst);
  return Math.min(forth, reverseMtu(routing, skb)) - IP_HLEN - TCP_HLEN;
}

/** Path MTU back to where the packet comes from (tcpmss_reverse_mtu). */
function reverseMtu(routing: Routing | null, skb: SkBuff): number {
  const { view } = skb.head;
  const flow: Flow = {
    daddr: view.getInt32(skb.networkHeader + IP_SADDR),
    saddr: 0,
    tos: 0,
    iif: 0,
    oif: 0,
    mark: 0,
    protocol: 0,
    scope: RT_SCOPE_UNIVERSE,
    sport: 0,
    dport: 0,
    flags: 0,
  };
  const rt = routing?.routeOutput(flow) ?? -1;
  return typeof rt === 'number' ? Number.POSITIVE_INFINITY : dstMtu(rt);
}

/** True when the segment has the option: it is lowered, never raised. */
function lowerMss(skb: SkBuff, par: XtParam, header: number, mss: number): boolean {
  const { view } = skb.head;
  const th = skb.networkHeader + par.thoff;
  for (let i = th + TCP_HLEN; i <= th + header - TCPOLEN_MSS; ) {
    const kind = view.getUint8(i);
    if (kind === TCPOPT_MSS && view.getUint8(i + 1) === TCPOLEN_MSS) {
      const old = view.getUint16(i + 2);
      if (old <= mss) return true;
      view.setUint16(i + 2, mss);
      // As Linux does it: where the option is at an odd place, this is not the right sum.
      view.setUint16(th + TCP_CHECK, csumReplace2(view.getUint16(th + TCP_CHECK), old, mss));
      return true;
    }
    // Beware of a length of 0 or 1.
    i += kind <= TCPOPT_NOP ? 1 : Math.max(view.getUint8(i + 1), 1);
  }
  return false;
}

/** Puts the option in front of the others; the segment has no data and room for it. */
function addMss(skb: SkBuff, par: XtParam, mss: number): void {
  skbEnsureTailroom(skb, TCPOLEN_MSS);
  skbPut(skb, TCPOLEN_MSS);
  const { view, buf } = skb.head;
  const ip = skb.networkHeader;
  const th = ip + par.thoff;
  const options = th + TCP_HLEN;
  const length = skb.data + skb.len - th;
  buf.copyWithin(options + TCPOLEN_MSS, options, th + length - TCPOLEN_MSS);
  const doff = view.getUint16(th + TCP_DOFF);
  const option = (TCPOPT_MSS << 24) | (TCPOLEN_MSS << 16) | mss | 0;
  view.setInt32(options, option);
  view.setUint8(th + TCP_DOFF, view.getUint8(th + TCP_DOFF) + ((TCPOLEN_MSS >>> 2) << 4));
  let check = csumReplace2(view.getUint16(th + TCP_CHECK), length - TCPOLEN_MSS, length);
  check = csumReplace4(check, 0, option);
  view.setUint16(th + TCP_CHECK, csumReplace2(check, doff, view.getUint16(th + TCP_DOFF)));
  const total = view.getUint16(ip + IP_TOT_LEN);
  view.setUint16(ip + IP_TOT_LEN, total + TCPOLEN_MSS);
  view.setUint16(ip + IP_CHECK, csumReplace2(view.getUint16(ip + IP_CHECK), total, total + TCPOLEN_MSS));
}
