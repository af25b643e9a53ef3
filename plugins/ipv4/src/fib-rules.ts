/** fib-rules.ts — policy routing: which tables a flow is looked up in, by rules in order (cf. Linux net/ipv4/fib_rules.c). */
import { CommandError, type Flow, type Net, RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN } from '@packetwalk/framework';
import { EACCES, EAGAIN, EINVAL, ENETUNREACH, type FibResult, type FibTable } from './fib-table.ts';

/** Rule actions (fib_rules.h). */
export const FR_ACT_TO_TBL = 1;
export const FR_ACT_GOTO = 2;
export const FR_ACT_NOP = 3;
export const FR_ACT_BLACKHOLE = 6;
export const FR_ACT_UNREACHABLE = 7;
export const FR_ACT_PROHIBIT = 8;

export interface FibRule {
  readonly pref: number;
  readonly action: number;
  /** Table of FR_ACT_TO_TBL. */
  readonly table: number;
  /** Preference of the rule that FR_ACT_GOTO goes on with. */
  readonly target: number;
  readonly not: boolean;
  readonly src: number;
  readonly srcLen: number;
  readonly dst: number;
  readonly dstLen: number;
  /** Device names, empty for any: a rule may name a device that does not exist yet. */
  readonly iif: string;
  readonly oif: string;
  readonly tos: number;
  readonly mark: number;
  readonly markMask: number;
  readonly ipProto: number;
  readonly sport: readonly [number, number] | null;
  readonly dport: readonly [number, number] | null;
  /** Answers by prefixes of at most this length do not count; -1: all do. */
  readonly suppressPrefixlen: number;
  readonly suppressIfgroup: number;
  /** User ids, both ends included; what a router sends and forwards is root's, 0. Null: any. */
  readonly uidRange: readonly [number, number] | null;
  /** Id of a tunnel's metadata, which no packet here has; 0: any. */
  readonly tunId: number;
  /** Only packets of a VRF, and in its table: there are none here. */
  readonly l3mdev: boolean;
  /** Realms for accounting, source << 16 | destination; kept and shown. */
  readonly realms: number;
  readonly protocol: number;
  /** Where the config says it, or empty. */
  readonly origin: string;
}

/** The rules of a router that nobody has changed (fib_default_rules_init). */
export const DEFAULT_RULES: readonly FibRule[] = [
  lookupRule(0, RT_TABLE_LOCAL),
  lookupRule(32766, RT_TABLE_MAIN),
  lookupRule(32767, RT_TABLE_DEFAULT),
];

/** A rule that matches everything. */
export function lookupRule(pref: number, table: number): FibRule {
  return {
    pref,
    action: FR_ACT_TO_TBL,
    table,
    target: 0,
    not: false,
    src: 0,
    srcLen: 0,
    dst: 0,
    dstLen: 0,
    iif: '',
    oif: '',
    tos: 0,
    mark: 0,
    markMask: 0,
    ipProto: 0,
    sport: null,
    dport: null,
    suppressPrefixlen: -1,
    suppressIfgroup: -1,
    uidRange: null,
    tunId: 0,
    l3mdev: false,
    realms: 0,
    protocol: 2,
    origin: '',
  };
}

const prefixMatches = (address: number, prefix: number, length: number): boolean =>
  length === 0 || (address ^ prefix) >>> (32 - length) === 0;

export class FibRules {
  private readonly net: Net;
  private list: FibRule[] = [...DEFAULT_RULES];
  /** Somebody changed the rules: the quick tests that assume the three of the beginning no longer hold. */
  custom = false;
  /** Rules were changed at some time: from then on Linux shows the local table as one of its own (fib_unmerge). */
  unmerged = false;
  /** Some rule looks at the protocol or the ports. */
  looksAtPorts = false;
  private readonly table: (id: number) => FibTable | undefined;
  onChange: () => void = () => {};
  /** The tables of the beginning, at hand: the path looks in them for each packet. */
  local: FibTable | null = null;
  main: FibTable | null = null;
  dflt: FibTable | null = null;

  constructor(net: Net, table: (id: number) => FibTable | undefined) {
    this.net = net;
    this.table = table;
  }

  rules(): readonly FibRule[] {
    return this.list;
  }

  /** The preference a rule without one gets: one below the second rule's (fib_default_rule_pref). */
  defaultPref(): number {
    const second = this.list[1];
    return second !== undefined && second.pref > 0 ? second.pref - 1 : 0;
  }

  /** Adds a rule behind those of the same preference. */
  add(rule: FibRule): void {
    if (this.list.some((r) => sameRule(r, rule))) throw new CommandError('RTNETLINK answers: File exists', 2);
    if (rule.action === FR_ACT_GOTO && rule.target <= rule.pref) throw new CommandError('Error: Backward goto not supported.', 2);
    let i = this.list.findIndex((r) => r.pref > rule.pref);
    if (i < 0) i = this.list.length;
    this.list = this.list.toSpliced(i, 0, rule);
    this.changed();
  }

  /** Deletes the first rule that `matches`. */
  delete(matches: (rule: FibRule) => boolean): FibRule {
    const i = this.list.findIndex(matches);
    if (i < 0) throw new CommandError('RTNETLINK answers: No such file or directory', 2);
    const rule = this.list[i];
    this.list = this.list.toSpliced(i, 1);
    this.changed();
    return rule;
  }

  /** A rule names a device that is not there. */
  detached(device: string): boolean {
    return this.net.device(device) === undefined;
  }

  /** True when a goto has nowhere to go. */
  unresolved(rule: FibRule): boolean {
    return rule.action === FR_ACT_GOTO && !this.list.some((r) => r.pref === rule.target);
  }

  /** Looks a flow up, rule by rule (fib_lookup): 0 with the answer in `res`, or a negative errno. */
  lookup(flow: Flow, res: FibResult, flags: number): number {
    res.clear();
    if (!this.custom) return this.lookupPlain(flow, res, flags);
    const { list } = this;
    for (let i = 0; i < list.length; i++) {
      const rule = list[i];
      if (!this.matches(rule, flow)) continue;
      switch (rule.action) {
        case FR_ACT_TO_TBL: {
          const table = this.table(rule.table);
          if (table === undefined) break;
          const error = table.lookup(flow, res, flags);
          if (error === -EAGAIN || (error === 0 && suppressed(rule, flow, res))) {
            res.clear();
            break;
          }
          return error;
        }
        case FR_ACT_GOTO: {
          const target = list.findIndex((r) => r.pref === rule.target);
          if (target >= 0) i = target - 1;
          break;
        }
        case FR_ACT_UNREACHABLE:
          return -ENETUNREACH;
        case FR_ACT_PROHIBIT:
          return -EACCES;
        case FR_ACT_BLACKHOLE:
          return -EINVAL;
      }
    }
    return -ENETUNREACH;
  }

  /** The rules of the beginning: local, main, default. */
  private lookupPlain(flow: Flow, res: FibResult, flags: number): number {
    const { local, main, dflt } = this;
    let error = local === null ? -EAGAIN : local.lookup(flow, res, flags);
    if (error === -EAGAIN && main !== null) error = main.lookup(flow, res, flags);
    if (error === -EAGAIN && dflt !== null) error = dflt.lookup(flow, res, flags);
    return error === -EAGAIN ? -ENETUNREACH : error;
  }

  private matches(rule: FibRule, flow: Flow): boolean {
    return this.matchesPlain(rule, flow) !== rule.not;
  }

  private matchesPlain(rule: FibRule, flow: Flow): boolean {
    if (rule.tunId !== 0 || rule.l3mdev || (rule.uidRange !== null && rule.uidRange[0] > 0)) return false;
    if (rule.iif !== '' && this.net.device(rule.iif)?.ifindex !== flow.iif) return false;
    if (rule.oif !== '' && this.net.device(rule.oif)?.ifindex !== flow.oif) return false;
    if (((rule.mark ^ flow.mark) & rule.markMask) !== 0) return false;
    if (!prefixMatches(flow.saddr, rule.src, rule.srcLen) || !prefixMatches(flow.daddr, rule.dst, rule.dstLen)) return false;
    if (rule.tos !== 0 && rule.tos !== flow.tos) return false;
    if (rule.ipProto !== 0 && rule.ipProto !== flow.protocol) return false;
    if (rule.sport !== null && (flow.sport < rule.sport[0] || flow.sport > rule.sport[1])) return false;
    return rule.dport === null || (flow.dport >= rule.dport[0] && flow.dport <= rule.dport[1]);
  }

  private changed(): void {
    const { list } = this;
    this.custom =
      list.length !== DEFAULT_RULES.length || !list.every((r, i) => r.pref === DEFAULT_RULES[i].pref && sameRule(r, DEFAULT_RULES[i]));
    if (this.custom) this.unmerged = true;
    this.looksAtPorts = list.some((r) => r.ipProto !== 0 || r.sport !== null || r.dport !== null);
    this.onChange();
  }
}

/** Same selectors and action: such a rule is there already (rule_exists; the preference counts too). */
function sameRule(a: FibRule, b: FibRule): boolean {
  const { origin: _a, protocol: _pa, ...x } = a;
  const { origin: _b, protocol: _pb, ...y } = b;
  return JSON.stringify(x) === JSON.stringify(y);
}

/** The answer is by too short a prefix, or leaves by a device of the wrong group (fib4_rule_suppress). */
function suppressed(rule: FibRule, flow: Flow, res: FibResult): boolean {
  if (rule.suppressPrefixlen < 0 && rule.suppressIfgroup < 0) return false;
  res.table?.matched(flow, res);
  if (rule.suppressPrefixlen >= 0 && res.prefixlen <= rule.suppressPrefixlen) return true;
  return rule.suppressIfgroup >= 0 && res.nh?.dev?.group === rule.suppressIfgroup;
}
