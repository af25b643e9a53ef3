/**
 * fib-default.ts — the default gateway among several of the same metric: the first whose neighbour is not known dead
 * (cf. Linux net/ipv4/fib_semantics.c fib_select_default, fib_detect_death).
 */
import {
  type Flow,
  type NeighTable,
  NUD_INCOMPLETE,
  NUD_REACHABLE,
  NUD_VALID,
  RT_SCOPE_LINK,
  RTN_UNICAST,
  type Slot,
} from '@packetwalk/framework';
import type { FibAlias } from './fib-alias.ts';
import { type FibInfo, RTNH_F_DEAD } from './fib-info.ts';
import type { FibResult } from './fib-table.ts';

/** There is no neighbour entry for the gateway: nothing is known against it. */
const UNKNOWN = -1;

/** Replaces the answer by a live gateway of the same prefix, TOS and priority, when there are several. */
export function selectDefault(flow: Flow, res: FibResult, neighbours: Slot<NeighTable>): void {
  const { table } = res;
  if (table === null || res.alias === null) return;
  const candidates = defaultGateways(table.aliases(0, 0), flow, res);
  if (candidates.length < 2) {
    if (candidates.length === 1) table.lastDefault = -1;
    return;
  }
  let lastResort = -1;
  for (let order = 0; order < candidates.length; order++) {
    const { fi } = candidates[order];
    const state = stateOf(fi, neighbours);
    const valid = (state & NUD_VALID) !== 0;
    // A stale neighbour is good enough, unless it is the one that answered last: then another gets its chance.
    if (state === UNKNOWN || state === NUD_REACHABLE || (valid && order !== table.lastDefault)) {
      take(table, res, fi, order);
      return;
    }
    if (valid || (lastResort < 0 && order > table.lastDefault && state !== NUD_INCOMPLETE)) lastResort = order;
  }
  if (lastResort >= 0) take(table, res, candidates[lastResort].fi, lastResort);
  else table.lastDefault = -1;
}

function take(table: { lastDefault: number }, res: FibResult, fi: FibInfo, order: number): void {
  res.fi = fi;
  [res.nh] = fi.nhs;
  table.lastDefault = order;
}

function defaultGateways(aliases: readonly FibAlias[], flow: Flow, res: FibResult): FibAlias[] {
  const found: FibAlias[] = [];
  const priority = res.fi?.priority ?? 0;
  for (const alias of aliases) {
    const { fi } = alias;
    if (alias.tos !== (res.alias?.tos ?? 0) && alias.tos !== flow.tos) continue;
    if (fi.priority !== priority || (fi.flags & RTNH_F_DEAD) !== 0 || fi.retired) continue;
    if (fi.scope !== res.scope || alias.type !== RTN_UNICAST) continue;
    if (fi.nhs[0].gw === 0 || fi.nhs[0].scope !== RT_SCOPE_LINK) continue;
    found.push(alias);
  }
  return found;
}

function stateOf(fi: FibInfo, neighbours: Slot<NeighTable>): number {
  const [nh] = fi.nhs;
  if (nh.dev === null || neighbours.value === null) return UNKNOWN;
  return neighbours.value.lookup(nh.gw, nh.dev)?.nudState ?? UNKNOWN;
}
