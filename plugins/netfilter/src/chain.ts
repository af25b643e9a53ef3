/** chain.ts — a chain of rules in a table. */
import { NF_ACCEPT } from '@packetwalk/framework';
import { ChainProgram } from './compiled/chain-program.ts';
import type { Rule } from './rule.ts';

/** Longest name of a chain, in characters (XT_EXTENSION_MAXNAMELEN). */
export const MAX_CHAIN_NAME = 28;

const NO_RULES: readonly Rule[] = [];

/**
 * A chain that packets go through. Other rules jump to the object itself, so it lives as long as the chain does; what it
 * holds is replaced when a rule set is committed, and never changed in place.
 */
export class Chain {
  readonly table: string;
  name: string;
  /** Hook of a built-in chain; -1 for a user's. */
  readonly hooknum: number;
  /** NF_ACCEPT or NF_DROP, what becomes of packets that reach the end of a built-in chain. */
  policy: number = NF_ACCEPT;
  /** Does the policy count? Not before it was set, zeroed or restored (nft_base_chain.stats). */
  counted = false;
  /** Index of the policy's packet counter. */
  readonly slot: number;
  rules: readonly Rule[] = NO_RULES;
  /** The rules as packets go through them; null since the last change. */
  program: ChainProgram | null = null;
  /** The program before the last change. */
  private before: ChainProgram | null = null;

  constructor(table: string, name: string, hooknum: number, slot: number) {
    this.table = table;
    this.name = name;
    this.hooknum = hooknum;
    this.slot = slot;
  }

  /** Other rules take effect. */
  changeRules(rules: readonly Rule[]): void {
    this.rules = rules;
    this.before = this.program ?? this.before;
    this.program = null;
  }

  /** Makes the program: when the first packet comes, so that many changes one after the other cost no more than one. */
  compile(): ChainProgram {
    this.program = new ChainProgram(this.rules, this.before);
    this.before = null;
    return this.program;
  }

  get builtIn(): boolean {
    return this.hooknum >= 0;
  }

  /** As walks show it, where its policy decided. */
  toString(): string {
    return `${this.table} ${this.name} policy`;
  }
}
