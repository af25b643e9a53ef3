/**
 * route-hint.ts — where the last packets went: a table of fixed size in front of the FIB, so that a flow that goes on costs
 * no lookup (cf. Linux ip_route_use_hint, which looks at the packet before only).
 *
 *      hash(daddr, saddr) ─▶ place ─▶ the same flow, its route still good? ─▶ skb.dst
 *
 * It is no routing cache: a place is written over by the next flow that hashes to it, nothing is allocated, counted or
 * listed, and a flood of other destinations costs an established flow a lookup now and then, as without it. What the FIB
 * says is kept only where it depends on the key alone, and is good as long as the route it names is.
 *
 * A hit takes 15 ns, the walk through rules, tables and source validation 100–155 (test/bench/forward.ts).
 */
import { ETH_P_IP, RTN_LOCAL, RTN_UNICAST, type SkBuff } from '@packetwalk/framework';
import { IPSKB_DOREDIRECT } from './ipcb.ts';
import type { RtEntry } from './rtable.ts';

/** Places, as a power of 2: of 1,000 flows one in eight shares its place. */
const BITS = 13;
/** Numbers of routes begin again from here on. */
const NUMBER_MAX = 0x3fffffff;

export class RouteHints {
  // A place is four words, a quarter of a cache line: destination, source, device and TOS, number of the route.
  private readonly places = new Int32Array(4 << BITS);
  /** Routes that places name by number, the first one `base`: a place with a lower number is out of date. */
  private readonly routes: RtEntry[] = [];
  private base = 1;

  /** The route of the flow, or null. `tos` is masked. */
  find(daddr: number, saddr: number, tos: number, iif: number): RtEntry | null {
    const { places, routes } = this;
    const at = placeOf(daddr, saddr);
    if (places[at] !== daddr || places[at + 1] !== saddr || places[at + 2] !== ((iif << 8) | tos)) return null;
    const number = places[at + 3] - this.base;
    if (number < 0) return null;
    const rt = routes[number];
    return rt.obsolete === 0 ? rt : null;
  }

  /** Keeps the route that the packet has got, if all packets of its flow will get it. */
  keep(skb: SkBuff, daddr: number, saddr: number, tos: number, iif: number): void {
    const rt = skb.dst as RtEntry;
    const plain = rt.rtType === RTN_UNICAST || rt.rtType === RTN_LOCAL;
    // What was learned about a path ends by itself, and a redirect depends on more than the flow.
    if (!plain || rt.error !== 0 || rt.expires !== 0 || (skb.cb0 & IPSKB_DOREDIRECT) !== 0) return;
    const { places, routes } = this;
    if (rt.hint < this.base) rt.hint = this.base + routes.push(rt) - 1;
    const at = placeOf(daddr, saddr);
    places[at] = daddr;
    places[at + 1] = saddr;
    places[at + 2] = (iif << 8) | tos;
    places[at + 3] = rt.hint;
    if (routes.length === ROUTES_MAX) this.forget();
  }

  /** Routing has changed: nothing that is kept is good any more. */
  forget(): void {
    this.base += this.routes.length;
    this.routes.length = 0;
    if (this.base < NUMBER_MAX) return;
    this.places.fill(0);
    this.base = 1;
  }
}

/** Routes that are kept at a time; when there are more next hops than this, all are looked up anew now and then. */
const ROUTES_MAX = 1024;

/** May a packet be sent by what others of its flow were told? ARP asks otherwise, and marks and transforms change the answer. */
export function mayUseHint(skb: SkBuff): boolean {
  return skb.protocol === ETH_P_IP && skb.mark === 0 && skb.secPath === null && skb.trace === 0;
}

function placeOf(daddr: number, saddr: number): number {
  return ((Math.imul(daddr, 0x9e3779b1) ^ Math.imul(saddr, 0x85ebca6b)) >>> (32 - BITS)) << 2;
}
