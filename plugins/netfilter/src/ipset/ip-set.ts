/** ipset/ip-set.ts — a set: what commands, matches and targets may ask of it (cf. Linux net/netfilter/ipset/ip_set_core.c). */
import type { SkBuff, XtParam } from '@packetwalk/framework';
import type { CreateOptions } from './create-options.ts';
import type { ElementRange } from './element.ts';
import type { ElementOptions, SetQuery } from './extensions.ts';
import type { SetType } from './set-type.ts';

/** An element was found: it matches. */
export const SET_MATCH = 1;
export const SET_NO_MATCH = 0;
/** The element that was found is an exception (`nomatch`). */
export const SET_NOMATCH = -1;

export interface IpSet {
  readonly type: SetType;
  readonly options: CreateOptions;
  /** Elements there are now, those that have just ended included. */
  readonly size: number;
  /** Adds what a command names, part by part: elements before one that cannot be added stay. Throws IpsetError. */
  add(range: ElementRange, options: ElementOptions, exist: boolean, wildcard: boolean): void;
  delete(range: ElementRange, exist: boolean, wildcard: boolean): void;
  /** Is it in the set? With `nomatch`: as an exception. */
  has(range: ElementRange, nomatch: boolean, wildcard: boolean): boolean;
  flush(): void;
  /** Elements with all that is kept of them, as `ipset list` has them. */
  members(sorted: boolean): string[];
  /** Does the packet have an element? SET_MATCH, SET_NO_MATCH or SET_NOMATCH. */
  test(skb: SkBuff, par: XtParam, query: SetQuery): number;
  /** Adds, or takes away, the element of the packet; false when there is none, or nothing to do. */
  addPacket(skb: SkBuff, par: XtParam, query: SetQuery, options: ElementOptions, exist: boolean): boolean;
  deletePacket(skb: SkBuff, par: XtParam, query: SetQuery): boolean;
  /** It is thrown away. */
  dispose(): void;
}
