/**
 * fib-table.ts — one routing table: exact prefixes in the rib, the same prefixes in the backend, aliases above both
 * (cf. Linux net/ipv4/fib_trie.c fib_table_insert, _delete, _lookup, _flush).
 */
import {
  CommandError,
  type FibBackend,
  type Flow,
  inetMakeMask,
  RT_SCOPE_NOWHERE,
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_THROW,
  RTN_UNREACHABLE,
} from '@packetwalk/framework';
import { type FibAlias, FibAliasSets, findAlias } from './fib-alias.ts';
import { type FibInfo, type FibInfoTable, type FibNh, RTNH_F_DEAD, RTNH_F_LINKDOWN } from './fib-info.ts';
import { FibRib } from './fib-rib.ts';

/** Errnos that lookups return, negative. */
export const EAGAIN = 11;
export const EACCES = 13;
export const EINVAL = 22;
export const ENODEV = 19;
export const ENETDOWN = 100;
export const ENETUNREACH = 101;
export const EHOSTUNREACH = 113;

/** Lookup flag: next hops without carrier are as good as others. */
export const FIB_LOOKUP_IGNORE_LINKSTATE = 2;

/** How a change treats what is there: `ip route add`, `append`, `prepend`, `replace`, `change`. */
export type RouteVerb = 'add' | 'append' | 'prepend' | 'replace' | 'change';

/** What a route says besides its FibInfo. */
export interface RouteSpec {
  readonly prefix: number;
  readonly length: number;
  readonly tos: number;
  readonly type: number;
  readonly origin?: string;
}

/** What a deletion must match; undefined matches anything. */
export interface RouteMatch {
  readonly prefix: number;
  readonly length: number;
  readonly tos: number;
  readonly type?: number;
  /** RT_SCOPE_NOWHERE matches any. */
  readonly scope: number;
  readonly protocol?: number;
  readonly prefsrc?: number;
  readonly priority?: number;
  /** Next hops and metrics fit (fib_nh_match). */
  readonly nexthops: (fi: FibInfo) => boolean;
}

/** The answer to a lookup; one object serves them all. */
export class FibResult {
  type = 0;
  scope = 0;
  prefix = 0;
  prefixlen = 0;
  /** The alias that answered, null when none did. */
  alias: FibAlias | null = null;
  fi: FibInfo | null = null;
  nh: FibNh | null = null;
  table: FibTable | null = null;

  clear(): void {
    this.type = 0;
    this.scope = 0;
    this.prefixlen = 0;
    this.alias = null;
    this.fi = null;
    this.nh = null;
    this.table = null;
  }
}

/** Lookup errors by route type (fib_props); 0: no error. */
const TYPE_ERROR: readonly number[] = ((): number[] => {
  const errors = new Array<number>(16).fill(0);
  errors[RTN_BLACKHOLE] = -EINVAL;
  errors[RTN_UNREACHABLE] = -EHOSTUNREACH;
  errors[RTN_PROHIBIT] = -EACCES;
  errors[RTN_THROW] = -EAGAIN;
  return errors;
})();

const EEXIST = 'RTNETLINK answers: File exists';
const ESRCH = 'RTNETLINK answers: No such process';
const ENOENT = 'RTNETLINK answers: No such file or directory';

export class FibTable {
  readonly id: number;
  readonly rib: FibRib = new FibRib();
  readonly backend: FibBackend;
  readonly sets: FibAliasSets = new FibAliasSets();
  private readonly infos: FibInfoTable;
  /** Default routes that could stand in for each other: dead-gateway detection works among them only (tb_num_default). */
  numDefault = 0;
  /** Which of the default routes answered last (fa_default): an index, -1 for none. */
  lastDefault = -1;
  /** Routes, counting each alias. */
  routes = 0;

  constructor(id: number, backend: FibBackend, infos: FibInfoTable) {
    this.id = id;
    this.backend = backend;
    this.infos = infos;
  }

  aliases(prefix: number, length: number): readonly FibAlias[] {
    const all = this.stored(prefix, length);
    return all.some(isRetired) ? all.filter((a) => !isRetired(a)) : all;
  }

  /** With those that are gone, but not yet let go of. */
  private stored(prefix: number, length: number): readonly FibAlias[] {
    const value = this.rib.find(prefix, length);
    return value < 0 ? [] : (this.sets.sets[value]?.aliases ?? []);
  }

  /** Lets go of routes whose FibInfo is retired, prefix by prefix: a step for each prefix that it looks at. */
  *sweep(): IterableIterator<void> {
    for (const { prefix, length, value } of this.rib.walk()) {
      if (this.sets.sets[value]?.aliases.some(isRetired) === true) this.flushPrefix(prefix, length, isRetired);
      yield;
    }
  }

  /** Adds or changes a route (fib_table_insert); the table counts the FibInfo. Throws CommandError, nothing changed. */
  insert(spec: RouteSpec, fi: FibInfo, verb: RouteVerb): void {
    const { prefix, length, tos, type } = spec;
    const old = this.aliases(prefix, length);
    const alias: FibAlias = { tos, type, fi, origin: spec.origin ?? '' };
    const first = findAlias(old, tos, fi.priority);
    const same = (a: FibAlias | undefined): boolean => a !== undefined && a.tos === tos && a.fi.priority === fi.priority;
    const list = old.slice();
    if (same(old[first])) {
      if (verb === 'add') throw new CommandError(EEXIST, 2);
      let last = first;
      while (same(old[last])) last++;
      const twin = old.findIndex((a, i) => i >= first && i < last && a.type === type && a.fi === fi);
      if (verb === 'replace' || verb === 'change') {
        if (twin === first) return;
        if (twin >= 0) throw new CommandError(EEXIST, 2);
        list[first] = alias;
      } else {
        if (twin >= 0) throw new CommandError(EEXIST, 2);
        list.splice(verb === 'append' ? last : first, 0, alias);
      }
    } else {
      if (verb === 'change') throw new CommandError(ENOENT, 2);
      list.splice(first, 0, alias);
    }
    fi.treeref++;
    const gone = this.stored(prefix, length).filter((a) => !list.includes(a));
    this.store(prefix, length, list);
    for (const a of gone) this.infos.release(a.fi);
  }

  /** Takes out the first route that matches (fib_table_delete). Throws `No such process` when there is none. */
  delete(match: RouteMatch): FibAlias {
    const old = this.aliases(match.prefix, match.length);
    for (let i = findAlias(old, match.tos, 0); i < old.length; i++) {
      const a = old[i];
      if (a.tos !== match.tos) break;
      if (!matchesAlias(match, a)) continue;
      const list = old.toSpliced(i, 1);
      const gone = this.stored(match.prefix, match.length).filter((other) => !list.includes(other));
      this.store(match.prefix, match.length, list);
      for (const other of gone) this.infos.release(other.fi);
      return a;
    }
    throw new CommandError(ESRCH, 2);
  }

  /** Takes out all routes of one prefix that `gone` says; returns how many (part of fib_table_flush). */
  flushPrefix(prefix: number, length: number, gone: (alias: FibAlias) => boolean): number {
    const old = this.stored(prefix, length);
    const list = old.filter((a) => !gone(a));
    if (list.length === old.length) return 0;
    this.store(prefix, length, list);
    for (const a of old) if (!list.includes(a)) this.infos.release(a.fi);
    return old.length - list.length;
  }

  /**
   * Finds the route for a flow (fib_table_lookup): 0 with the answer in `res`, or a negative errno: that of an
   * unreachable, prohibit, blackhole or throw route, or -EAGAIN when nothing matches.
   */
  lookup(flow: Flow, res: FibResult, flags: number): number {
    const value = this.backend.lookup(flow.daddr);
    if (value < 0) return -EAGAIN;
    const set = this.sets.sets[value];
    if (set != null) {
      const { aliases } = set;
      // The common case, one route of any TOS: found without a loop and without asking which prefix it was.
      for (let i = 0; i < aliases.length; i++) {
        const found = this.tryAlias(aliases[i], flow, res, flags);
        if (found <= 0) return found;
      }
    }
    return this.lookupShorter(flow, res, flags);
  }

  /** No alias of the longest prefix suits: on with the prefixes that cover it. */
  private lookupShorter(flow: Flow, res: FibResult, flags: number): number {
    let length = this.rib.longest(flow.daddr, 32);
    while (length > 0) {
      length = this.rib.longest(flow.daddr, length - 1);
      if (length < 0) break;
      for (const alias of this.stored(flow.daddr & inetMakeMask(length), length)) {
        const found = this.tryAlias(alias, flow, res, flags);
        if (found <= 0) return found;
      }
    }
    return -EAGAIN;
  }

  /** 0: it suits; below 0: the errno of its type; 1: it does not suit. */
  private tryAlias(alias: FibAlias, flow: Flow, res: FibResult, flags: number): number {
    if (alias.tos !== 0 && alias.tos !== flow.tos) return 1;
    const { fi } = alias;
    if (fi.dead || fi.scope < flow.scope) return 1;
    const error = TYPE_ERROR[alias.type];
    if (error !== 0) {
      res.alias = alias;
      res.type = alias.type;
      res.table = this;
      return error;
    }
    if ((fi.flags & RTNH_F_DEAD) !== 0 || fi.era.over) return 1;
    const { nhs } = fi;
    for (let i = 0; i < nhs.length; i++) {
      const nh = nhs[i];
      if (nh.flags !== 0) {
        if ((nh.flags & RTNH_F_DEAD) !== 0) continue;
        if ((nh.flags & RTNH_F_LINKDOWN) !== 0 && (flags & FIB_LOOKUP_IGNORE_LINKSTATE) === 0 && ignoresLinkdown(nh)) continue;
      }
      if (flow.oif !== 0 && flow.oif !== nh.oif) continue;
      res.alias = alias;
      res.type = alias.type;
      res.scope = fi.scope;
      res.fi = fi;
      res.nh = nh;
      res.table = this;
      return 0;
    }
    return 1;
  }

  /** The prefix that answered: found when somebody wants to know, since the path does not. */
  matched(flow: Flow, res: FibResult): void {
    for (
      let length = this.rib.longest(flow.daddr, 32);
      length >= 0;
      length = length === 0 ? -1 : this.rib.longest(flow.daddr, length - 1)
    ) {
      const prefix = flow.daddr & inetMakeMask(length);
      if (this.aliases(prefix, length).some((a) => a === res.alias)) {
        res.prefix = prefix;
        res.prefixlen = length;
        return;
      }
    }
  }

  private store(prefix: number, length: number, aliases: readonly FibAlias[]): void {
    const before = this.rib.find(prefix, length);
    const old = before < 0 ? null : this.sets.sets[before];
    this.routes += aliases.length - (old?.aliases.length ?? 0);
    if (length === 0) {
      this.numDefault = aliases.length;
      this.lastDefault = -1;
    }
    if (aliases.length === 0) {
      const cover = length === 0 ? -1 : this.rib.longest(prefix, length - 1);
      const coverValue = cover < 0 ? -1 : this.rib.find(prefix & inetMakeMask(cover), cover);
      this.rib.delete(prefix, length);
      this.backend.remove(prefix, length, cover, coverValue);
    } else {
      const set = this.sets.take(aliases);
      this.rib.set(prefix, length, set.id);
      this.backend.insert(prefix, length, set.id);
    }
    if (old != null) this.sets.release(old);
  }
}

const isRetired = ({ fi }: FibAlias): boolean => fi.retired;

function ignoresLinkdown(nh: FibNh): boolean {
  return nh.dev?.inDev != null && nh.dev.inDev.cnf.ignoreRoutesWithLinkdown !== 0;
}

function matchesAlias(match: RouteMatch, { type, fi }: FibAlias): boolean {
  return (
    (match.type === undefined || match.type === type) &&
    (match.scope === RT_SCOPE_NOWHERE || match.scope === fi.scope) &&
    (match.prefsrc === undefined || match.prefsrc === fi.prefsrc) &&
    (match.protocol === undefined || match.protocol === fi.protocol) &&
    (match.priority === undefined || match.priority === fi.priority) &&
    match.nexthops(fi)
  );
}
