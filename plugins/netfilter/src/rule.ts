/** rule.ts — one rule: what it asks of a packet, and what becomes of a packet that has it all. */
import type { XtMatch, XtTarget } from '@packetwalk/framework';
import type { Chain } from './chain.ts';
import type { IpEntry } from './ip-entry.ts';
import { ruleText } from './rule-text.ts';

/** A match of a rule, with what it keeps for this rule. */
export interface RuleMatch {
  readonly match: XtMatch;
  readonly data: unknown;
}

/** What a rule does; `none` only counts. */
export type RuleTarget =
  | { readonly kind: 'none' }
  | { readonly kind: 'verdict'; readonly name: string; readonly verdict: number }
  | { readonly kind: 'jump' | 'goto'; readonly chain: Chain }
  | { readonly kind: 'target'; readonly target: XtTarget; readonly data: unknown };

/** What a rule is made of. */
export interface RuleSpec {
  readonly entry: IpEntry;
  readonly matches: readonly RuleMatch[];
  readonly target: RuleTarget;
  /** Where it was written: `router.yaml:12:5`, or empty for one that was typed. */
  readonly origin: string;
}

/** A rule in a table. It is never changed; its counters lie in the table's Counters. */
export class Rule implements RuleSpec {
  readonly entry: IpEntry;
  readonly matches: readonly RuleMatch[];
  readonly target: RuleTarget;
  readonly origin: string;
  /** The chain it is in. */
  readonly chain: Chain;
  /** Index of its packet counter; the byte counter is behind it. */
  readonly slot: number;
  /** One of its extensions may not be used everywhere. */
  readonly restricted: boolean;

  constructor(spec: RuleSpec, chain: Chain, slot: number) {
    this.entry = spec.entry;
    this.matches = spec.matches;
    this.target = spec.target;
    this.origin = spec.origin;
    this.chain = chain;
    this.slot = slot;
    const target = spec.target.kind === 'target' ? [spec.target.target] : [];
    const extensions = [...spec.matches.map(({ match }) => match), ...target];
    this.restricted = extensions.some((e) => e.hooks !== undefined || e.check !== undefined);
  }

  /** As walks show it: `filter FORWARD rule 3 (router.yaml:12:5: -p udp -j DROP)`. */
  toString(): string {
    const { chain } = this;
    const where = this.origin === '' ? '' : `${this.origin}: `;
    return `${chain.table} ${chain.name} rule ${chain.rules.indexOf(this) + 1} (${where}${ruleText(this)})`;
  }
}
