/** rtable.ts — a route in use: the last dst of every chain (cf. Linux include/net/route.h struct rtable). */
import { DstEntry, type DstHandler, type NetDevice, type Rtable } from '@packetwalk/framework';
import type { FibInfo } from './fib-info.ts';

export class RtEntry extends DstEntry implements Rtable {
  /** Routes of an older generation are out of date (rt_genid). */
  genid: number;
  rtType: number;
  rtFlags: number;
  rtGateway: number;
  /** True when the next hop is `rtGateway`, not the packet's destination. */
  rtUsesGateway: boolean;
  rtIif: number;
  rtIsInput: boolean;
  /** The path MTU may not be changed by ICMP (`mtu lock`). */
  rtMtuLocked: boolean;
  fi: FibInfo | null;

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
  }
}
