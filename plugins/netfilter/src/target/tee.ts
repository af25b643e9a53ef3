/** target/tee.ts — `-j TEE`: a copy of the packet goes to another host on a link of ours (cf. Linux net/ipv4/netfilter/nf_dup_ipv4.c). */
import {
  DstEntry,
  defineTarget,
  FLOWI_FLAG_ANYSRC,
  formatIpv4,
  IP_CT_UNTRACKED,
  IP_DF,
  IP_FRAG_OFF,
  IP_TOS,
  IP_TTL,
  type IpOutput,
  kfreeSkb,
  NF_IP_LOCAL_IN,
  NF_IP_PRE_ROUTING,
  parseIpv4,
  type Routing,
  RT_SCOPE_UNIVERSE,
  type Rtable,
  SKB_DROP_REASON_IP_OUTNOROUTES,
  type SkBuff,
  type Slot,
  skbCopy,
  XT_CONTINUE,
  XtProblem,
  type XtTarget,
  type XtValue,
  xtString,
} from '@packetwalk/framework';
import { words } from '../match/words.ts';

const IFNAMSIZ = 15;

const gateway: XtValue<number> = (text) => {
  const address = parseIpv4(text);
  if (address === null) throw new XtProblem(`host/network \`${text}' not found`);
  return address;
};

/** A route whose next hop is given: what the copy's own destination is does not matter. */
class TeeRoute extends DstEntry implements Rtable {
  readonly rtType: number;
  readonly rtFlags: number;
  readonly rtGateway: number;
  readonly rtUsesGateway = true;
  readonly rtMtuLocked: boolean;
  readonly rtIif = 0;
  readonly rtIsInput = false;
  /** The route that it was made of. */
  readonly route: Rtable;

  constructor(route: Rtable, nexthop: number) {
    super(route.dev, route.input, route.output);
    this.route = route;
    this.mtu = route.mtu;
    this.hoplimit = route.hoplimit;
    this.rtType = route.rtType;
    this.rtFlags = route.rtFlags;
    this.rtGateway = nexthop;
    this.rtMtuLocked = route.rtMtuLocked;
  }
}

interface Tee {
  readonly gateway: number;
  readonly oif: string;
  route: TeeRoute | null;
}

/** A copy is not copied again, whatever rules it comes through. */
let duplicating = false;

export function tee(routing: Slot<Routing>, output: Slot<IpOutput>): XtTarget {
  return defineTarget({
    name: 'TEE',
    options: { gateway: { value: gateway, mandatory: true }, oif: { value: xtString(IFNAMSIZ) } },
    init: (o): Tee => ({ gateway: o.gateway.value, oif: o.oif?.value ?? '', route: null }),
    save: ({ gateway, oif }) => words(`--gateway ${formatIpv4(gateway)}`, oif === '' ? '' : `--oif ${oif}`),
    print: ({ gateway, oif }) => words(`TEE gw:${formatIpv4(gateway)}`, oif === '' ? '' : `oif=${oif}`),
    check: (data) => (data.gateway === 0 ? 'the gateway is 0.0.0.0' : null),
    target(skb, par, data) {
      if (duplicating || routing.value === null || output.value === null) return XT_CONTINUE;
      const copy = copyOf(skb, par.state.hooknum);
      const route = teeRoute(routing.value, copy, data);
      if (route === null) {
        kfreeSkb(copy, SKB_DROP_REASON_IP_OUTNOROUTES);
        return XT_CONTINUE;
      }
      copy.dst = route;
      copy.dev = route.dev;
      duplicating = true;
      try {
        output.value.localOut(copy);
      } finally {
        duplicating = false;
      }
      return XT_CONTINUE;
    },
  });
}

/** The packet as it is sent on: not to be cut, of no connection, and with one hop less when it has just come in. */
function copyOf(skb: SkBuff, hooknum: number): SkBuff {
  const copy = skbCopy(skb);
  copy.nfct = null;
  copy.nfctinfo = IP_CT_UNTRACKED;
  const { view } = copy.head;
  const ip = copy.networkHeader;
  view.setUint16(ip + IP_FRAG_OFF, view.getUint16(ip + IP_FRAG_OFF) | IP_DF);
  if (hooknum === NF_IP_PRE_ROUTING || hooknum === NF_IP_LOCAL_IN) view.setUint8(ip + IP_TTL, view.getUint8(ip + IP_TTL) - 1);
  return copy;
}

/** The way to the gateway, or null. */
function teeRoute(routing: Routing, copy: SkBuff, data: Tee): TeeRoute | null {
  const oif = data.oif === '' ? 0 : (copy.net.device(data.oif)?.ifindex ?? -1);
  if (oif < 0) return null;
  const rt = routing.routeOutput({
    daddr: data.gateway,
    saddr: 0,
    tos: copy.head.view.getUint8(copy.networkHeader + IP_TOS),
    iif: 0,
    oif,
    mark: 0,
    protocol: 0,
    scope: RT_SCOPE_UNIVERSE,
    sport: 0,
    dport: 0,
    flags: FLOWI_FLAG_ANYSRC,
  });
  if (typeof rt === 'number') return null;
  if (data.route?.route !== rt) data.route = new TeeRoute(rt, rt.rtGateway !== 0 ? rt.rtGateway : data.gateway);
  return data.route;
}
