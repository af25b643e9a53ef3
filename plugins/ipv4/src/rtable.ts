/** rtable.ts — a route in use: the last dst of every chain (cf. Linux include/net/route.h struct rtable). */
import { DstEntry, type DstHandler, dstDiscard, type NetDevice, type Rtable, SKB_DROP_REASON_IP_RT_BUG } from '@packetwalk/framework';
import type { FibInfo } from './fib-info.ts';

/** A route of packets that come in to stay has no output, and one of packets made here has no input. */
export const ipRtBug: DstHandler = dstDiscard('ipRtBug', SKB_DROP_REASON_IP_RT_BUG);

export class RtEntry extends DstEntry implements Rtable {
  /** Routes of an older generation are out of date (rt_genid). */
  declare genid: number;
  declare rtType: number;
  declare rtFlags: number;
  declare rtGateway: number;
  /** True when the next hop is `rtGateway`, not the packet's destination. */
  declare rtUsesGateway: boolean;
  declare rtIif: number;
  declare rtIsInput: boolean;
  /** The path MTU may not be changed by ICMP (`mtu lock`). */
  declare rtMtuLocked: boolean;
  declare fi: FibInfo | null;
  /** Its number among the routes of {@link RouteHints}; 0: it has had none. */
  declare hint: number;

  constructor(dev: NetDevice, input: DstHandler, output: DstHandler, type: number, flags: number, genid: number) {
    super(dev, input, output);
    this.genid = genid;
    this.rtType = type;
    this.rtFlags = flags;
    this.rtGateway = 0;
    this.rtUsesGateway = false;
    this.rtIif = 0;
    this.rtIsInput = false;
    this.rtMtuLocked = false;
    this.fi = null;
    this.hint = 0;
  }
}

/**
 * An entry of the routing cache: the route of one flow. Its key is what was asked for, 0 where that was left open; it is
 * a copy of the route that all flows by its next hop share, and as good as that one is.
 */
export class CachedRoute extends RtEntry {
  readonly daddr: number;
  readonly saddr: number;
  readonly tos: number;
  readonly iif: number;
  readonly oif: number;
  readonly mark: number;
  /** What was left open is filled in here (rt_dst, rt_src). */
  rtDst: number;
  rtSrc: number;
  /** Ifindex of the device it leaves by; 0 when that was never asked. */
  rtOif: number;
  readonly template: RtEntry;
  /** The next entry of its chain. */
  next: CachedRoute | null;

  constructor(template: RtEntry, daddr: number, saddr: number, tos: number, iif: number, oif: number, mark: number) {
    super(template.dev, template.input, template.output, template.rtType, template.rtFlags, template.genid);
    this.rtGateway = template.rtGateway;
    this.rtUsesGateway = template.rtUsesGateway;
    this.rtIif = template.rtIif;
    this.rtIsInput = template.rtIsInput;
    this.rtMtuLocked = template.rtMtuLocked;
    this.fi = template.fi;
    this.mtu = template.mtu;
    this.hoplimit = template.hoplimit;
    this.pmtu = template.pmtu;
    this.expires = template.expires;
    this.error = template.error;
    this.daddr = daddr;
    this.saddr = saddr;
    this.tos = tos;
    this.iif = iif;
    this.oif = oif;
    this.mark = mark;
    this.rtDst = daddr;
    this.rtSrc = saddr;
    this.rtOif = 0;
    this.template = template;
    this.next = null;
  }

  /** Same key (compare_keys). */
  sameFlow(other: CachedRoute): boolean {
    return (
      this.daddr === other.daddr &&
      this.saddr === other.saddr &&
      this.iif === other.iif &&
      this.oif === other.oif &&
      this.tos === other.tos &&
      this.mark === other.mark
    );
  }
}
