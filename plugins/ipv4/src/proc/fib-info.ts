/**
 * proc/fib-info.ts — /proc/net/fib_info: the FibInfos and how many routes share each (cf. Linux fib_info_hash, which has no
 * such view). A FibInfo is everything about a way but the prefix: ten networks behind one gateway have one.
 */
import { formatIpv4 } from '@packetwalk/framework';
import type { Fib } from '../fib.ts';
import type { FibInfo } from '../fib-info.ts';
import { scopeName, typeName } from '../iproute/route-types.ts';

const HEAD = 'Routes Table Type        Scope   Proto Metric Nexthops';

export function procNetFibInfo(fib: Fib): string {
  const rows = [...fib.infos.all()].sort((a, b) => a.id - b.id).map(row);
  return `${[HEAD, ...rows].join('\n')}\n`;
}

function row({ treeref, table, type, scope, protocol, priority, nhs }: FibInfo): string {
  const hops = nhs.map(
    ({ gw, dev, weight }) => `${gw === 0 ? 'direct' : formatIpv4(gw)}%${dev?.name ?? '*'}${nhs.length > 1 ? `*${weight}` : ''}`,
  );
  return [
    String(treeref).padStart(6),
    String(table).padStart(5),
    typeName(type).padEnd(11),
    scopeName(scope).padEnd(7),
    String(protocol).padStart(5),
    String(priority).padStart(6),
    hops.join(' '),
  ].join(' ');
}
