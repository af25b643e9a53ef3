/** route-trace.ts — what the walk of a packet shows of its routing decision. */
import { type Flow, formatIpv4, RT_TABLE_LOCAL, RT_TABLE_MAIN, type SkBuff } from '@packetwalk/framework';
import type { FibResult } from './fib-table.ts';
import { typeName } from './iproute/route-types.ts';

/** Writes the decision on the packet's walk: table, matched prefix, next hop, and the line of the config. */
export function traceRouteInput(skb: SkBuff, daddr: number, flow: Flow, res: FibResult, reason: number): void {
  const { tracer } = skb.net;
  const { alias, table } = res;
  const address = formatIpv4(daddr);
  if (alias === null || table === null) {
    const why = reason !== 0 ? 'refused before any lookup' : skb.dst?.error === 0 ? 'broadcast' : 'no route';
    tracer.stage(skb, 'ipRouteInput', `${address}: ${why}`);
    return;
  }
  if (flow.daddr === daddr) table.matched(flow, res);
  const name = table.id === RT_TABLE_LOCAL ? 'local' : table.id === RT_TABLE_MAIN ? 'main' : String(table.id);
  const prefix = res.prefixlen === 0 ? 'default' : `${formatIpv4(res.prefix)}/${res.prefixlen}`;
  const via = res.nh !== null && res.nh.gw !== 0 ? ` via ${formatIpv4(res.nh.gw)}` : '';
  const dev = res.nh?.dev == null ? '' : ` dev ${res.nh.dev.name}`;
  tracer.stage(skb, 'ipRouteInput', `${address}: table ${name}, ${typeName(alias.type)} ${prefix}${via}${dev}`, alias.origin);
}
