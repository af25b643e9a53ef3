/** route-flow.ts — flows as routing asks about them (cf. Linux include/net/flow.h struct flowi4). */
import { type Flow, RT_SCOPE_UNIVERSE, type SkBuff } from '@packetwalk/framework';

/** The bits of the TOS byte that routing looks at: of a DSCP, the lower three (IPTOS_RT_MASK). */
export const IPTOS_RT_MASK = 0x1c;

/** A flow with everything left open. */
export function newFlow(): Flow {
  return {
    daddr: 0,
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
}

/** Ports for rules and hashes that look at them; 0 for fragments and protocols without. */
export function readPorts(skb: SkBuff, flow: Flow): void {
  const { view, buf } = skb.head;
  const ip = skb.networkHeader;
  flow.protocol = view.getUint8(ip + 9);
  flow.sport = 0;
  flow.dport = 0;
  const th = ip + ((view.getUint8(ip) & 15) << 2);
  const hasPorts = flow.protocol === 6 || flow.protocol === 17 || flow.protocol === 132;
  if (!hasPorts || (view.getUint16(ip + 6) & 0x3fff) !== 0 || th + 4 > Math.min(buf.length, skb.data + skb.len)) return;
  flow.sport = view.getUint16(th);
  flow.dport = view.getUint16(th + 2);
}
