/**
 * fib-alias.ts — the routes of one prefix, in the order they are tried: by falling TOS, then rising priority
 * (cf. Linux struct fib_alias). Sets of equal aliases are one: the value a backend stores is the id of such a set.
 */
import { FIB_VALUE_MAX } from '@packetwalk/framework';
import type { FibInfo } from './fib-info.ts';

/** One way to a prefix: what may differ among routes of one prefix. */
export interface FibAlias {
  readonly tos: number;
  /** RTN_* */
  readonly type: number;
  readonly fi: FibInfo;
  /** Where the route comes from in the config (`router.yaml:12:5`), or empty. Not part of its identity. */
  readonly origin: string;
}

export interface FibAliasSet {
  readonly id: number;
  readonly aliases: readonly FibAlias[];
  /** Prefixes that have it. */
  refs: number;
  readonly key: string;
}

/** Interns the alias sets of one table. */
export class FibAliasSets {
  /** By id; freed ids are used again. */
  readonly sets: (FibAliasSet | null)[] = [];
  private readonly byKey = new Map<string, FibAliasSet>();
  private readonly free: number[] = [];

  /** The set with these aliases, counted once more. */
  take(aliases: readonly FibAlias[]): FibAliasSet {
    const key = aliases.map((a) => `${a.tos},${a.type},${a.fi.id},${a.origin}`).join(' ');
    let set = this.byKey.get(key);
    if (set === undefined) {
      const id = this.free.pop() ?? this.sets.length;
      if (id > FIB_VALUE_MAX) throw new Error('too many different routes in one table');
      set = { id, aliases, refs: 0, key };
      this.sets[id] = set;
      this.byKey.set(key, set);
    }
    set.refs++;
    return set;
  }

  release(set: FibAliasSet): void {
    if (--set.refs > 0) return;
    this.sets[set.id] = null;
    this.byKey.delete(set.key);
    this.free.push(set.id);
  }

  get size(): number {
    return this.byKey.size;
  }
}

/** Index of the first alias that is not before (`tos`, `priority`): where such a route is or belongs (fib_find_alias). */
export function findAlias(aliases: readonly FibAlias[], tos: number, priority: number): number {
  for (let i = 0; i < aliases.length; i++) {
    const a = aliases[i];
    if (a.tos > tos) continue;
    if (a.fi.priority >= priority || a.tos < tos) return i;
  }
  return aliases.length;
}
